package costs

import (
	"context"
	"sync"

	"pith/compress"
)

// A Meter is a Scorer that notes what passes through it. It is safe for concurrent use.
type Meter struct {
	next compress.Scorer
	// tokens counts what the model runs of a sequence.
	tokens func(s compress.Sequence) int

	mu     sync.Mutex
	seen   map[compress.Sequence]bool
	calls  int
	losses int
}

// NewMeter returns a Meter in front of next; tokens counts what its model runs of a sequence, which
// may be less than all of it.
func NewMeter(next compress.Scorer, tokens func(s compress.Sequence) int) *Meter {
	return &Meter{next: next, tokens: tokens, seen: map[compress.Sequence]bool{}}
}

// Score implements compress.Scorer.
func (m *Meter) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	losses, err := m.next.Score(ctx, seqs)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls++
	for i, s := range seqs {
		if err == nil && !m.seen[s] {
			m.losses += len(losses[i].Given) + len(losses[i].Text)
		}
		m.seen[s] = true
	}
	return losses, err
}

// Info implements compress.Scorer.
func (m *Meter) Info() (id, device string) { return m.next.Info() }

// take returns what came since the last take, equal sequences once, and the losses among it. The
// tokens are counted only now: it must not take time from what is measured.
func (m *Meter) take() (cost Cost, losses int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	cost, losses = Cost{Passes: len(m.seen), Calls: m.calls}, m.losses
	for s := range m.seen {
		cost.Tokens += m.tokens(s)
	}
	m.seen, m.calls, m.losses = map[compress.Sequence]bool{}, 0, 0
	return cost, losses
}
