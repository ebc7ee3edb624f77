package compress

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A slowModel answers after a while of the bubble's clock, and counts who asks at one time.
type slowModel struct {
	hashModel
	takes    time.Duration
	at, most atomic.Int64
}

func (m *slowModel) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	for n := m.at.Add(1); n > m.most.Load(); {
		m.most.Store(n)
	}
	defer m.at.Add(-1)
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return m.hashModel.Score(ctx, seqs)
}

// gated is a cached engine whose model takes a second for each question that it is asked.
func gated(t *testing.T, places int, most time.Duration) (*Cache, *slowModel) {
	t.Helper()
	model := &slowModel{takes: time.Second}
	e := engine(t, func(o *Options) { o.Scorer, o.Ranker = model, "ami" })
	return NewCache(e, CacheOptions{Store: &valueStore{}, Key: keyed, Gate: NewGate(places), MostWait: most}), model
}

func anyFile(n int) Request {
	return Request{
		Query: "what is computed?", Rate: 0.5,
		Files: []File{{
			Path:    "a.py",
			Content: strings.Repeat(fmt.Sprintf("def f%d():\n    x = %d\n    return x\n\n", n, n), 60),
		}},
	}
}

// The first request to an engine of which nothing is known is let in. Then what would wait longer
// than it may is turned away at once, and what is let in is done within that wait and its own time.
func TestGateTurnsAwayWhatWouldWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 10 * time.Second
		c, model := gated(t, 1, most)
		start := time.Now()
		if _, err := c.Compress(t.Context(), anyFile(0)); err != nil {
			t.Fatalf("the first request: %v", err)
		}
		own := time.Since(start)
		var done, away atomic.Int64
		var wg sync.WaitGroup
		for i := range 50 { // five times what the engine can do
			time.Sleep(own / 5)
			wg.Go(func() {
				start := time.Now()
				_, err := c.Compress(t.Context(), anyFile(1+i))
				switch took := time.Since(start); {
				case err == nil && took <= most+2*own:
					done.Add(1)
				case errors.Is(err, ErrBusy) && took == 0:
					away.Add(1)
				default:
					t.Errorf("request %d: %v after %v", i, err, took)
				}
			})
		}
		wg.Wait()
		// The engine is never without work while they come, and ends what waits behind them.
		if least, n := int64(10), done.Load(); n < least || n > least+int64(most/own)+2 || away.Load() != 50-n {
			t.Errorf("%d done and %d turned away, each takes %v", n, away.Load(), own)
		}
		if model.most.Load() != 1 {
			t.Errorf("%d at a time at one place", model.most.Load())
		}
	})
}

// One request that takes a hundred times what others do does not have the others turned away.
func TestGateIsNotFrightened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, model := gated(t, 1, 10*time.Second)
		for i := range 3 {
			model.takes = time.Second
			if i == 1 {
				model.takes = 100 * time.Second
			}
			if _, err := c.Compress(t.Context(), anyFile(i)); err != nil {
				t.Fatal(err)
			}
		}
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() {
				if _, err := c.Compress(t.Context(), anyFile(10+i)); err != nil {
					t.Errorf("one behind another: %v", err)
				}
			})
		}
		wg.Wait()
	})
}

// What a cache answers does not wait, and what is owed is not turned away.
func TestGateLetsPassWhatIsKnownOrOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := gated(t, 1, time.Millisecond)
		if _, err := c.Compress(t.Context(), anyFile(0)); err != nil {
			t.Fatal(err)
		}
		busy := make(chan error)
		go func() {
			_, err := c.Compress(t.Context(), anyFile(1))
			busy <- err
		}()
		synctest.Wait()
		if _, err := c.Compress(t.Context(), anyFile(2)); !errors.Is(err, ErrBusy) {
			t.Errorf("a new request while another is at work: %v", err)
		}
		if res, err := c.Compress(t.Context(), anyFile(0)); err != nil || res.Cache != "hit" {
			t.Errorf("a known request: %q, %v", res.Cache, err)
		}
		owed := anyFile(2)
		owed.Owed = true
		if _, err := c.Compress(t.Context(), owed); err != nil {
			t.Errorf("an owed request: %v", err)
		}
		if err := <-busy; err != nil {
			t.Errorf("the one at work: %v", err)
		}
	})
}

// Who leaves while waiting leaves nothing behind: the next one finds an idle engine.
func TestGateForgetsWhoLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := gated(t, 2, time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if _, err := c.Compress(ctx, anyFile(i)); !errors.Is(err, context.Canceled) {
					t.Errorf("request %d: %v", i, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		g := c.opt.Gate
		if g.ahead != 0 || !g.places.TryAcquire(2) {
			t.Errorf("%d bytes are still ahead, or a place is taken", g.ahead)
		}
	})
}
