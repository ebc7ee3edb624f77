package perplexity

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	ort "github.com/yalue/onnxruntime_go"
)

// A serialSession lets the runs of a session begin one at a time.
type serialSession struct {
	session
	begun, open chan struct{}
}

func (g *serialSession) RunWithOptions(in, out []ort.Value, opts *ort.RunOptions) error {
	g.begun <- struct{}{}
	<-g.open
	return g.session.RunWithOptions(in, out, opts)
}

// gated opens the embedded model behind a gate, with one slot.
func gated(t *testing.T, opt Options) (*Model, *serialSession) {
	t.Helper()
	opt.Device, opt.Threads = "cpu", 1
	m, err := Open(Embedded(), opt)
	if err != nil {
		t.Fatal(err)
	}
	g := &serialSession{session: m.engine.session, begun: make(chan struct{}, 100), open: make(chan struct{})}
	m.engine.session = g
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m, g
}

// waitFor polls the model's figures until they are as told.
func waitFor(t *testing.T, m *Model, what func(Stats) bool) {
	t.Helper()
	for !what(m.Stats()) {
		if t.Context().Err() != nil {
			t.Fatal("the test ended first")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRequestsTakeTurns(t *testing.T) {
	q := newQueue(1, 100)
	slot, err := q.admit(t.Context(), &requestLine{})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	order := make(chan string, 10)
	enter := func(ctx context.Context, name string, line *requestLine) {
		q.mu.Lock()
		before := len(line.waiting)
		q.mu.Unlock()
		wg.Go(func() {
			slot, err := q.admit(ctx, line)
			if err != nil {
				order <- err.Error()
				return
			}
			order <- name
			q.release(slot, 1)
		})
		for n := before; n == before; {
			time.Sleep(time.Millisecond)
			q.mu.Lock()
			n = len(line.waiting)
			q.mu.Unlock()
		}
	}
	huge, small, gone := &requestLine{}, &requestLine{}, &requestLine{}
	ctx, cancel := context.WithCancel(t.Context())
	for range 3 {
		enter(t.Context(), "huge", huge)
	}
	enter(ctx, "gone", gone)
	enter(t.Context(), "small", small)
	cancel()
	if got := <-order; got != context.Canceled.Error() {
		t.Errorf("the cancelled run says %q", got)
	}
	q.release(slot, 1)
	wg.Wait()
	close(order)
	if got := slices.Collect(func(yield func(string) bool) {
		for name := range order {
			if !yield(name) {
				return
			}
		}
	}); !slices.Equal(got, []string{"huge", "small", "huge", "huge"}) {
		t.Errorf("runs came in the order %v", got)
	}
	if len(q.idle) != 1 || q.running != 0 || len(q.turns) != 0 {
		t.Errorf("%d slots idle, %d running, %d lines left", len(q.idle), q.running, len(q.turns))
	}
}

func TestFullQueueRefuses(t *testing.T) {
	m, g := gated(t, Options{MaxQueuedTokens: 20})
	var wg sync.WaitGroup
	wg.Go(func() {
		// Larger than the bound, but nothing else is there.
		if _, err := m.Score(t.Context(),
			[]Sequence{
				{Text: "for i := range 10 { total += prices[i] * amounts[i] } // and so on and on"},
			}); err != nil {
			t.Error(err)
		}
	})
	<-g.begun
	if _, err := m.Score(t.Context(), []Sequence{{Text: "something else altogether"}}); !errors.Is(err, ErrBusy) {
		t.Errorf("a full queue says %v", err)
	}
	close(g.open)
	wg.Wait()
	if s := m.Stats(); s.Tokens != 0 || s.Running != 0 || s.Runs != 1 || s.Scored < 20 {
		t.Errorf("figures at rest are %+v", s)
	}
}

// Two callers want the same; the one who computes it leaves.
func TestEqualTextsInFlight(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		m, g := gated(t, Options{})
		seqs := []Sequence{{Text: "where is the deadline of a lease checked?"}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := m.Score(ctx, seqs); leaves != errors.Is(err, context.Canceled) {
				t.Errorf("the first caller gets %v", err)
			}
		})
		<-g.begun
		wg.Go(func() {
			if out, err := m.Score(t.Context(), seqs); err != nil || len(out[0].Text) == 0 {
				t.Errorf("the second caller gets %v, %v", out, err)
			}
		})
		waitFor(t, m, func(Stats) bool {
			m.memory.mu.Lock()
			defer m.memory.mu.Unlock()
			for _, f := range m.memory.flights {
				if f.waiting == 1 {
					return true
				}
			}
			return false
		})
		if leaves {
			cancel()
		}
		close(g.open)
		wg.Wait()
		if runs := m.Stats().Runs; !leaves && runs != 1 {
			t.Errorf("%d runs for one text", runs)
		}
		if len(m.memory.flights) != 0 {
			t.Errorf("%d flights left", len(m.memory.flights))
		}
	}
}
