package bench

import (
	"context"
	"sync"

	"pith/compress"
)

// A LossCache is a Scorer that remembers results, so that one task at several ratios and by several
// rankers is scored once. It forgets everything when full, and does not ask the model for the same
// sequence twice within a task.
type LossCache struct {
	next compress.Scorer

	mu   sync.Mutex
	seen map[compress.Sequence]compress.Losses
}

// cachedSequences is room for several tasks.
const cachedSequences = 20000

// NewLossCache returns a LossCache in front of next.
func NewLossCache(next compress.Scorer) *LossCache {
	return &LossCache{next: next, seen: make(map[compress.Sequence]compress.Losses)}
}

// Info implements compress.Scorer.
func (m *LossCache) Info() (id, device string) { return m.next.Info() }

// Score implements compress.Scorer.
func (m *LossCache) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
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
	if len(m.seen)+len(ask) > cachedSequences {
		clear(m.seen)
	}
	for i, at := range missing {
		out[at] = losses[i]
		m.seen[ask[i]] = losses[i]
	}
	return out, nil
}
