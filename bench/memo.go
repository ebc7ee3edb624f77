package bench

import (
	"context"
	"sync"

	"pith/compress"
)

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
