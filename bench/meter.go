package bench

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

// A Memo is a Scorer that remembers results, so that one task at several ratios and by several
// rankers is scored once. It forgets everything when full, and does not ask the model for the same
// sequence twice within a task.
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
