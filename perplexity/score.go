package perplexity

import (
	"context"
	"fmt"
)

// A Sequence is text to score after given, which may be empty. The two are tokenised apart.
type Sequence struct {
	Given, Text string
	// WantGiven asks for the losses of Given's own tokens as well, from the same pass.
	WantGiven bool
	// Shared is the number of leading bytes of Given that many sequences have in common, though
	// they differ after them. Where state is kept, it is kept there too, so that each of them pays
	// for the rest only.
	Shared int
}

// A Loss is the surprise of one token: nats, and where its first byte stands in its text.
type Loss struct {
	Offset int
	NLL    float64
}

// Losses are the results of one Sequence. The very first token of a pass has no loss and no entry,
// unless the model puts a token of its own before it. Neither have tokens that the model's length
// limit cut off: the head of Given, and if Text alone is too long, all of Given and the head of
// Text, so that Text's end is scored with the longest context there is.
type Losses struct {
	Given, Text []Loss
	// Dropped is the number of leading bytes of Given that the model's length limit cut off.
	Dropped int
}

// Score returns the losses of each sequence, in order. On a CPU they depend on nothing but the
// sequence, to the last bit: not on the other sequences, other callers, or on what was remembered;
// on a GPU up to the rounding of floats. What was computed before, or is being computed for another
// caller, is not computed again. When ctx ends, Score stops its runs in flight, returns its error
// within the time of one graph node, and the model stays usable. ErrBusy means that too much is
// waiting already.
func (m *Model) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	plans, list, err := m.plan(ctx, seqs)
	if err != nil {
		return nil, fmt.Errorf("tokenise %d sequences: %w", len(seqs), err)
	}
	if err := m.carry(ctx, list); err != nil {
		return nil, fmt.Errorf("score %d sequences: %w", len(seqs), err)
	}
	out := make([]Losses, len(seqs))
	for i, s := range seqs {
		out[i] = plans[s].losses()
	}
	return out, nil
}

// scoreWhole is Score with one run for all tokens of each of seqs: no states are handed on.
func (m *Model) scoreWhole(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	plans, list, err := m.plan(ctx, seqs)
	if err != nil {
		return nil, err
	}
	u := union{user: &request{}, passes: map[key]*pass{}}
	for s, p := range plans {
		p.chain, p.scores = nil, nil
		p.whole(p.ids(m.bos), s.WantGiven)
		u.merge(p.scores)
	}
	if err := m.carry(ctx, list); err != nil {
		return nil, err
	}
	out := make([]Losses, len(seqs))
	for i, s := range seqs {
		out[i] = plans[s].losses()
	}
	return out, nil
}
