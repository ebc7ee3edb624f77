package perplexity

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// A Sequence is text to score after given, which may be empty. The two are tokenised apart.
type Sequence struct {
	Given, Text string
	// WantGiven asks for the losses of Given's own tokens as well, from the same pass.
	WantGiven bool
}

// A Loss is the surprise of one token: nats, and where its first byte stands in its text.
type Loss struct {
	Offset int
	NLL    float64
}

// Losses are the results of one Sequence. The very first token of a pass has no loss and no entry, unless the model puts a token
// of its own before it. Neither have tokens that the model's length limit cut off: the head of Given, and if Text alone is too
// long, all of Given and the head of Text, so that Text's end is scored with the longest context there is.
type Losses struct {
	Given, Text []Loss
	// Dropped is the number of leading bytes of Given that the model's length limit cut off.
	Dropped int
}

// Score returns the losses of each sequence, in order. They do not depend on the other sequences, nor on other callers, beyond
// the rounding of floats; equal sequences are run once. When ctx ends, Score stops the runs in flight, returns its error within
// the time of one graph node, and the model stays usable.
func (m *Model) Score(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, ErrClosed
	}
	plans, passes, err := m.plan(ctx, seqs)
	if err != nil {
		return nil, fmt.Errorf("tokenise %d sequences: %w", len(seqs), err)
	}
	if err := m.run(ctx, passes); err != nil {
		return nil, fmt.Errorf("score %d sequences: %w", len(seqs), err)
	}
	out := make([]Losses, len(seqs))
	for i, s := range seqs {
		out[i] = plans[s].losses()
	}
	return out, nil
}

// A plan is what one sequence became: the tokens that are left of its texts, and the pass that scores them.
type plan struct {
	given, text []Token
	dropped     int
	lead        int // tokens of the model's own before given: 0 or 1
	pass        *pass
}

// plan tokenises seqs and lays out their passes. Equal texts are tokenised once: the query comes with every chunk.
func (m *Model) plan(ctx context.Context, seqs []Sequence) (map[Sequence]*plan, []*pass, error) {
	plans := make(map[Sequence]*plan, len(seqs))
	tokens := map[string][]Token{}
	encode := func(text string) []Token {
		t, ok := tokens[text]
		if !ok {
			t = m.tokenizer.Encode(text)
			tokens[text] = t
		}
		return t
	}
	var passes []*pass
	for _, s := range seqs {
		if plans[s] != nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		p := m.layOut(s, encode(s.Given), encode(s.Text))
		plans[s] = p
		if p.pass.wanted() > 0 {
			passes = append(passes, p.pass)
		}
	}
	return plans, passes, nil
}

// layOut cuts given and text to the model's limit and joins them into a pass.
func (m *Model) layOut(s Sequence, given, text []Token) *plan {
	p := &plan{given: given, text: text}
	if m.bos >= 0 {
		p.lead = 1
	}
	room := m.card.MaxTokens - p.lead
	if over := len(text) - room; over > 0 {
		p.text = text[over:]
	}
	if over := len(given) + len(p.text) - room; over > 0 {
		p.given = given[over:]
		p.dropped = len(s.Given)
		if len(p.given) > 0 {
			p.dropped = p.given[0].Offset
		}
	}
	ids := make([]int32, 0, p.lead+len(p.given)+len(p.text))
	if p.lead > 0 {
		ids = append(ids, m.bos)
	}
	for _, part := range [][]Token{p.given, p.text} {
		for _, t := range part {
			ids = append(ids, t.ID)
		}
	}
	from := p.lead
	if !s.WantGiven {
		from += len(p.given)
	}
	p.pass = &pass{ids: ids, from: min(max(from, 1), len(ids))}
	return p
}

// losses reads the results of the pass back onto the sequence's texts.
func (p *plan) losses() Losses {
	l := Losses{Dropped: p.dropped}
	if n := p.lead + len(p.given) - p.pass.from; n > 0 {
		l.Given = make([]Loss, 0, n)
	}
	l.Text = make([]Loss, 0, min(len(p.text), p.pass.wanted()))
	for i, nll := range p.pass.nll {
		k := p.pass.from + i - p.lead
		if k < len(p.given) {
			l.Given = append(l.Given, Loss{Offset: p.given[k].Offset, NLL: float64(nll)})
		} else {
			l.Text = append(l.Text, Loss{Offset: p.text[k-len(p.given)].Offset, NLL: float64(nll)})
		}
	}
	return l
}

// run scores passes, with as many runs at once as the model admits.
func (m *Model) run(ctx context.Context, passes []*pass) error {
	total := 0
	for _, p := range passes {
		total += len(p.ids)
	}
	// A request that would fit one batch is still cut into one per slot, so that it uses every core.
	threads := cap(m.slots)
	limit := min(m.maxBatchTokens, (total+threads-1)/threads)
	g, runCtx := errgroup.WithContext(ctx)
	g.SetLimit(threads)
	for _, b := range pack(passes, limit) {
		g.Go(func() error {
			buf, err := m.admit(runCtx)
			if err != nil {
				return err
			}
			defer func() { m.slots <- buf }()
			return m.engine.run(runCtx, buf, b)
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
