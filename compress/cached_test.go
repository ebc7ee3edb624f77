package compress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pith/parsers"
)

// valueStore is a Store in a map.
type valueStore struct {
	mu     sync.Mutex
	values map[string][]byte
	lie    []byte // what Get and Add answer instead of the truth
}

func (s *valueStore) Get(_ context.Context, key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lie != nil {
		return s.lie, true
	}
	value, ok := s.values[key]
	return value, ok
}

func (s *valueStore) Add(_ context.Context, key string, value []byte, _ time.Duration) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lie != nil {
		return s.lie
	}
	if s.values == nil {
		s.values = map[string][]byte{}
	}
	if now, ok := s.values[key]; ok {
		return now
	}
	s.values[key] = bytes.Clone(value)
	return value
}

// keyed joins parts with their lengths, as a real key derivation hashes them.
func keyed(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "%d:%s", len(p), p)
	}
	return b.String()
}

// gate is a model that counts its calls and waits to be let through.
type gate struct {
	hashModel
	open chan struct{}
}

func (g *gate) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	select {
	case <-g.open:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return g.hashModel.Score(ctx, seqs)
}

func cached(t testing.TB, store Store, change func(*Options)) *Cache {
	t.Helper()
	return NewCache(engine(t, change), CacheOptions{Store: store, Key: keyed})
}

func TestCachedHit(t *testing.T) {
	model := &hashModel{}
	c := cached(t, &valueStore{}, func(o *Options) { o.Scorer = model })
	req := ask(func(r *Request) { r.Files[0].Content += "# \xff\xfe not UTF-8\n" })
	first, err := c.Compress(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Compress(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if first.Cache != "miss" || second.Cache != "hit" || model.calls.Load() != 3 {
		t.Errorf("cache says %s then %s after %d model calls, want miss, hit, 3", first.Cache, second.Cache,
			model.calls.Load())
	}
	if first.Text != second.Text || fmt.Sprint(first.Chunks) != fmt.Sprint(second.Chunks) {
		t.Error("a hit differs from the first answer")
	}
}

// A sizeMeter store notes the room that the values take.
type sizeMeter struct {
	valueStore
	used, room int
}

func (m *sizeMeter) Add(ctx context.Context, key string, value []byte, ttl time.Duration) []byte {
	m.used, m.room = m.used+len(value), m.room+cap(value)
	return m.valueStore.Add(ctx, key, value, ttl)
}

// A store counts the bytes of a value; room behind them would be held beyond its bound.
func TestCachedValuesHoldNoSpareRoom(t *testing.T) {
	store := &sizeMeter{}
	if _, err := cached(t, store, nil).Compress(t.Context(), ask(nil)); err != nil {
		t.Fatal(err)
	}
	if store.used == 0 || store.room > store.used+store.used/4 {
		t.Errorf("a value of %d bytes takes %d", store.used, store.room)
	}
}

func TestCachedKeyCoversAllThatDecides(t *testing.T) {
	seen := map[string]string{}
	add := func(name string, e *Engine, req Request) {
		key := keyed(e.parts(req)...)
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q share a key", name, other)
		}
		seen[key] = name
	}
	add("plain", engine(t, nil), ask(nil))
	for name, change := range map[string]func(*Request){
		"tenant":   func(r *Request) { r.Tenant = "a" },
		"query":    func(r *Request) { r.Query += "?" },
		"budget":   func(r *Request) { r.Budget = 100 },
		"rate":     func(r *Request) { r.Rate = 0.41 },
		"model":    func(r *Request) { r.Model = "gpt-4" },
		"ranker":   func(r *Request) { r.Ranker = "ami" },
		"speed":    func(r *Request) { r.Speed = SpeedFast },
		"stage":    func(r *Request) { r.Stage = StageCoarse },
		"compat":   func(r *Request) { r.Compat = compatLongCodeZip },
		"path":     func(r *Request) { r.Files[0].Path = "shop2.py" },
		"language": func(r *Request) { r.Files[0].Language = "python" },
		"content":  func(r *Request) { r.Files[0].Content += "\n" },
		"file":     func(r *Request) { r.Files = append(r.Files, File{}) },
	} {
		add(name, engine(t, nil), ask(change))
	}
	for name, change := range map[string]func(*Options){
		"no model":     func(o *Options) { o.Scorer = nil },
		"auto":         func(o *Options) { o.Ranker = "ami" },
		"speed":        func(o *Options) { o.Speed = SpeedBalanced },
		"deadline":     func(o *Options) { o.Deadline = time.Second },
		"fine ratio":   func(o *Options) { o.FineRatio = 0.5 },
		"beta":         func(o *Options) { o.Beta = new(0.1) },
		"default rate": func(o *Options) { o.DefaultRate = 0.1 },
		"retrieval":    func(o *Options) { o.Retrieval = func(File) string { return "0123456789abcdef" } },
	} {
		add(name, engine(t, change), ask(nil))
	}
}

// A hundred callers ask the same; the first one gives up. All others get the answer of the one
// computation.
func TestCachedStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := &gate{open: make(chan struct{})}
		c := cached(t, &valueStore{}, func(o *Options) { o.Scorer = model })
		ctx, cancel := context.WithCancel(t.Context())
		leader := make(chan error, 1)
		go func() {
			_, err := c.Compress(ctx, ask(nil))
			leader <- err
		}()
		synctest.Wait()
		var wg sync.WaitGroup
		var answers atomic.Int64
		for range 99 {
			wg.Go(func() {
				res, err := c.Compress(t.Context(), ask(nil))
				if err != nil || res.Text == "" {
					t.Errorf("a follower got %v", err)
					return
				}
				answers.Add(1)
			})
		}
		synctest.Wait()
		cancel()
		if err := <-leader; !errors.Is(err, context.Canceled) {
			t.Errorf("the leader got %v, want its own cancellation", err)
		}
		close(model.open)
		wg.Wait()
		if answers.Load() != 99 || model.calls.Load() != 3 {
			t.Errorf("%d answers from %d model calls, want 99 from the 3 of one computation", answers.Load(),
				model.calls.Load())
		}
	})
}

// A computation that nobody waits for any more ends, and the last of its callers has waited for
// that; who comes behind begins anew.
func TestCachedEndsWithItsLastCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := &hashModel{wait: true}
		c := cached(t, &valueStore{}, func(o *Options) { o.Scorer = model })
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		for range 3 {
			go func() {
				_, err := c.Compress(ctx, ask(nil))
				left <- err
			}()
		}
		synctest.Wait()
		if n := model.calls.Load(); n != 1 {
			t.Fatalf("%d computations for one request", n)
		}
		cancel()
		for range 3 {
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cancellation", err)
			}
		}
		if len(c.flights.flying) != 0 {
			t.Error("the computation goes on for nobody")
		}
		next, cancelNext := context.WithCancel(t.Context())
		go func() {
			_, err := c.Compress(next, ask(nil))
			left <- err
		}()
		synctest.Wait()
		if n := model.calls.Load(); n != 2 {
			t.Errorf("%d computations, want a second one", n)
		}
		cancelNext()
		if err := <-left; err != nil {
			t.Log(err) // either may win: the cancellation or the result
		}
	})
}

// A result that the clock or a failing model cut short is told to its caller and remembered for
// nobody.
func TestCachedForgetsWhatWasCutShort(t *testing.T) {
	store := &valueStore{}
	sick := &hashModel{err: errors.New("busy")}
	c := cached(t, store, func(o *Options) { o.Scorer = sick })
	first, err := c.Compress(t.Context(), ask(nil))
	if err != nil || !first.Cut {
		t.Fatalf("cut %v, error %v, want a cut result", first.Cut, err)
	}
	replica := cached(t, store, nil) // the same model, in good health
	second, err := replica.Compress(t.Context(), ask(nil))
	if want := compress(t, engine(t, nil), ask(nil)); err != nil || second.Text != want.Text || second.Cut {
		t.Errorf("the replica answers with what was cut short (%v)", err)
	}
}

func TestCachedSurvivesALyingStore(t *testing.T) {
	want := compress(t, engine(t, nil), ask(nil))
	for _, lie := range []string{"", "garbage", "\xff\xff\xff\xff\x0f", strings.Repeat("\x00", 100)} {
		res, err := cached(t, &valueStore{lie: []byte(lie)}, nil).Compress(t.Context(), ask(nil))
		if err != nil || res.Text != want.Text || res.Cache != "miss" {
			t.Errorf("store answers %.10q: cache %s, error %v", lie, res.Cache, err)
		}
	}
}

func TestCachedKeepsNoErrors(t *testing.T) {
	store := &valueStore{}
	c := cached(t, store, nil)
	for range 2 {
		if _, err := c.Compress(t.Context(), ask(func(r *Request) { r.Budget = 3 })); !errors.Is(err, ErrBudget) {
			t.Errorf("error is %v, want ErrBudget", err)
		}
	}
	if len(store.values) != 0 {
		t.Errorf("%d errors are stored", len(store.values))
	}
}

// Some of the work is on goroutines of its own, where nothing else than what it does itself keeps a
// panic from ending the process.
func TestCachedTurnsPanicsIntoErrors(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"counters": func(o *Options) { o.Counters = panicCounters{} },
		"grammar":  func(o *Options) { o.Splitter = panicSplitter{indents{}, ""} },
		"grammar, of what was shortened": func(o *Options) {
			o.Splitter = panicSplitter{indents{}, "omitted"}
		},
	} {
		c := cached(t, &valueStore{}, change)
		req := ask(func(r *Request) { r.Files = append(r.Files, File{Path: "b.py", Content: sample}) })
		if _, err := c.Compress(t.Context(), req); err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: error is %v, want the panic", name, err)
		}
	}
}

// panicSplitter breaks on texts that have a word in them.
type panicSplitter struct {
	indents
	on string
}

func (s panicSplitter) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	if strings.Contains(string(src), s.on) {
		panic("grammar is broken")
	}
	return s.indents.Parse(ctx, path, src)
}

func (s panicSplitter) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	return s.Parse(ctx, language, src)
}

// panicCounters breaks only once the work has begun.
type panicCounters struct{ wordCounter }

func (panicCounters) For(string) Counter { return panicCounter{} }

type panicCounter struct{ wordCounter }

func (panicCounter) Count(string) int { panic("counter is broken") }

func BenchmarkCachedHit(b *testing.B) {
	c := cached(b, &valueStore{}, nil)
	req := ask(func(r *Request) { r.Files[0].Content, r.Rate = strings.Repeat(sample, 100), 0.2 })
	if _, err := c.Compress(b.Context(), req); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if res, err := c.Compress(b.Context(), req); err != nil || res.Cache != "hit" {
			b.Fatalf("cache %s, error %v", res.Cache, err)
		}
	}
}
