package search

import (
	"context"
	"fmt"
	"math"
)

// climb sweeps over the units from left to right and drops each whose loss is bearable, until a
// sweep drops nothing (paper, algorithm 1: TAPruning). SAHC is the same sweep with strict
// improvement over the best so far: what the paper labels steepest ascent is first improvement in
// the published code.
//
// The answer is the best candidate accepted, the last one on ties, so that among equals the
// shortest wins.
func (s *search) climb(ctx context.Context, full Candidate) error {
	c := climber{search: s, template: s.problem.Template, current: full, best: full.Fitness, answer: full}
	defer func() { s.answer = &c.answer }()
	for {
		before := c.current.Length
		if err := c.sweep(ctx); err != nil {
			return err
		}
		if err := s.report([]Candidate{c.current}); err != nil {
			return err
		}
		if c.current.Length == before || s.spent() {
			return nil
		}
		if err := c.retokenize(); err != nil {
			return err
		}
	}
}

// A climber is one prompt on its way down in length.
type climber struct {
	*search
	template Template
	current  Candidate
	mask     Mask // over template; nil means all of it
	best     float64
	answer   Candidate
}

// sweep tries every position once. Up to Ahead removals are evaluated together on the guess that
// all are rejected; those after the first acceptance are thrown away, so the answer is that of one
// at a time.
func (c *climber) sweep(ctx context.Context) error {
	if c.mask == nil {
		c.mask = FullMask(len(c.template.Units))
	}
	var open []int
	for _, i := range c.template.Prunable() {
		if c.mask[i] {
			open = append(open, i)
		}
	}
	for len(open) > 0 && !c.spent() {
		batch := open[:min(c.opt.Ahead, len(open))]
		tried, err := c.try(ctx, batch)
		if err != nil {
			return err
		}
		open = open[tried:]
	}
	return nil
}

// try evaluates the removals of batch and folds them up to the first that is accepted. It returns
// how many were folded.
func (c *climber) try(ctx context.Context, batch []int) (int, error) {
	trials := make([]Candidate, len(batch))
	refs := make([]*Candidate, len(batch))
	for k, i := range batch {
		trials[k], refs[k] = c.removed(i), &trials[k]
	}
	need := c.need()
	if err := c.race(ctx, refs, need); err != nil {
		return 0, err
	}
	for k := range trials {
		c.enter(refs[k])
		c.stats.Explored++
		if c.accepts(trials[k]) {
			c.mask = c.mask.Flip(batch[k])
			c.current = trials[k]
			c.best = math.Max(c.best, c.current.Fitness)
			if c.current.Fitness >= c.answer.Fitness {
				c.answer = c.current
			}
			return k + 1, nil
		}
	}
	return len(batch), nil
}

// removed is the current prompt without unit i of the current template.
func (c *climber) removed(i int) Candidate {
	m := c.mask.Flip(i)
	text := c.template.Render(m)
	out := Candidate{Text: text, Length: c.length(text, m.Kept())}
	if !c.opt.Reference || c.problem.Retokenize == nil {
		out.Mask = m
	}
	return out
}

// need is the fitness below which nothing is accepted.
func (c *climber) need() float64 {
	if c.opt.Algorithm == SAHC {
		return c.best
	}
	if c.opt.Reference {
		return math.Inf(-1) // the ratio test is not monotonic for a negative best: see every example
	}
	return c.best - (1-c.opt.Delta)*math.Abs(c.best)
}

// accepts is the published test f/best >= delta, mended for a best that is zero or negative: there
// a ratio divides by zero or turns the order round. Equality is accepted, as in the code; the paper
// asks for more.
func (c *climber) accepts(t Candidate) bool {
	switch {
	case t.Partial:
		return false
	case c.opt.Algorithm == SAHC:
		return t.Fitness > c.best
	case c.opt.Reference:
		return !(t.Fitness/c.best < c.opt.Delta)
	}
	return t.Fitness >= c.need()
}

// retokenize cuts the current text anew after a sweep, as the published code does. Ours keeps the
// original units, so that one mask over one template describes every candidate.
func (c *climber) retokenize() error {
	if !c.opt.Reference || c.problem.Retokenize == nil {
		return nil
	}
	t, err := c.problem.Retokenize(c.current.Text)
	if err != nil {
		return fmt.Errorf("tokenise the pruned prompt anew: %w", err)
	}
	c.template, c.mask = t, nil
	return nil
}
