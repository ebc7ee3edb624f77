package bench

import (
	"context"
	"sync"
	"time"

	"pith/compress"
)

// A Meter is a Scorer that counts what passes through it. It is safe for concurrent use.
type Meter struct {
	next compress.Scorer

	mu    sync.Mutex
	cost  Cost
	spent time.Duration
}

// NewMeter returns a Meter in front of next.
func NewMeter(next compress.Scorer) *Meter { return &Meter{next: next} }

// Score implements compress.Scorer.
func (m *Meter) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	start := time.Now()
	losses, err := m.next.Score(ctx, seqs)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cost.Passes += len(seqs)
	m.cost.Calls++
	m.spent += time.Since(start)
	return losses, err
}

// Info implements compress.Scorer.
func (m *Meter) Info() (id, device string) { return m.next.Info() }

// take returns what was counted since the last take. Calls that run side by side each add their own time to spent.
func (m *Meter) take() (Cost, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cost, spent := m.cost, m.spent
	m.cost, m.spent = Cost{}, 0
	return cost, spent
}

// A Memo is a Scorer that remembers results, so that one task at several ratios and by several rankers is scored once. It
// forgets everything when full, and does not ask the model for the same sequence twice within a task.
type Memo struct {
	next compress.Scorer

	mu   sync.Mutex
	seen map[compress.Sequence]compress.Losses
}

// memoSequences is room for several tasks.
const memoSequences = 20000

// NewMemo returns a Memo in front of next.
func NewMemo(next compress.Scorer) *Memo {
	return &Memo{next: next, seen: make(map[compress.Sequence]compress.Losses)}
}

// Info implements compress.Scorer.
func (m *Memo) Info() (id, device string) { return m.next.Info() }

// Score implements compress.Scorer.
func (m *Memo) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	out := make([]compress.Losses, len(seqs))
	var missing []int
	var ask []compress.Sequence
	m.mu.Lock()
	for i, s := range seqs {
		losses, ok := m.seen[s]
		if !ok {
			missing = append(missing, i)
			ask = append(ask, s)
		}
		out[i] = losses
	}
	m.mu.Unlock()
	if len(ask) == 0 {
		return out, nil
	}
	losses, err := m.next.Score(ctx, ask)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen)+len(ask) > memoSequences {
		clear(m.seen)
	}
	for i, at := range missing {
		out[at] = losses[i]
		m.seen[ask[i]] = losses[i]
	}
	return out, nil
}
