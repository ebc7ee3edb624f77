package search

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
)

// A move is a set of positions to turn over, in ascending order.
type move []int

const (
	// guidedBatch is the number of trials handed out together.
	guidedBatch = 64
	// reach is the distance, in prunable units, over which units are taken to act on each other: a
	// phrase.
	reach = 3
	// scouts is the number of random prompts that a search starts with.
	scouts = 32
	// kick is the number of neighbouring units among which a shake turns some over at random.
	kick = 6
	// patience is the number of shakes, per prunable unit, that may fail before the search ends.
	patience = 2
)

// A guide is the state of the guided search.
//
// Goal: the fitness of an evolution for a fraction of its evaluations. An evolution learns one
// number from a child that lacks several units; the guide starts from the best of a few random
// prompts, measures what each unit does there on its own, proposes to drop all harmful ones at
// once, verifies a few prefixes of that proposal, and repairs what does not add up by trying
// neighbouring units together. A measured effect is taken to hold while the neighbourhood it was
// measured in stands; before the search ends, every single unit is measured once more against the
// final prompt. Non-goal: interactions of units far apart, except where one of them helps on its
// own.
type guide struct {
	*search
	here Candidate
	// open lists the prunable positions; moves are over indices into the template.
	open []int
	rank map[int]int // position -> index in open
	// gain is what turning a unit over did to the fitness when it was last measured.
	gain map[int]float64
	// tried holds the moves measured, each with the state of its neighbourhood.
	tried map[string]bool
}

func (s *search) guided(ctx context.Context, full Candidate) error {
	g := &guide{
		search: s, here: full, open: s.problem.Template.Prunable(),
		rank: map[int]int{}, gain: map[int]float64{}, tried: map[string]bool{},
	}
	for k, i := range g.open {
		g.rank[i] = k
	}
	if err := g.scout(ctx); err != nil {
		return err
	}
	if err := g.settle(ctx); err != nil {
		return err
	}
	if err := g.shake(ctx); err != nil {
		return err
	}
	if s.opt.Objective == Best {
		return nil
	}
	return g.trim(ctx)
}

// scout starts from the best of a few random prompts of all lengths, if one beats the full prompt:
// where a model is lost in too long a prompt, no single unit makes a difference, and effects
// measured there say nothing.
func (g *guide) scout(ctx context.Context) error {
	cs := make([]Candidate, min(scouts, g.opt.MaxPrompts-g.stats.Explored))
	for k := range cs {
		rate := 0.1 + 0.8*float64(k)/scouts
		m := slices.Clone(g.here.Mask)
		for _, i := range g.open {
			m[i] = g.rng.Float64() >= rate
		}
		cs[k] = g.candidate(m)
	}
	_, err := g.goToBest(ctx, cs)
	return err
}

// settle climbs until neither a single unit nor a group of neighbours improves the prompt.
func (g *guide) settle(ctx context.Context) error {
	for !g.spent() {
		if err := g.exhaust(ctx, g.singles); err != nil {
			return err
		}
		before := g.here.Fitness
		if err := g.exhaust(ctx, g.groups); err != nil {
			return err
		}
		if g.here.Fitness > before {
			continue
		}
		// The neighbourhood rule is an assumption: check every unit against the final prompt.
		if err := g.pass(ctx, g.every()); err != nil || g.here.Fitness == before {
			return err
		}
	}
	return nil
}

// exhaust repeats passes over fresh moves until a pass changes nothing.
func (g *guide) exhaust(ctx context.Context, propose func() []move) error {
	for !g.spent() {
		before := g.here.Fitness
		if err := g.pass(ctx, g.fresh(propose())); err != nil {
			return err
		}
		if err := g.report([]Candidate{g.here}); err != nil {
			return err
		}
		if g.here.Fitness == before {
			return nil
		}
	}
	return nil
}

// pass measures moves, most promising first, and takes the good ones together. Single units are
// measured all at once, as their effects are what every later proposal is made of; groups in
// batches, so that a success guides the rest.
func (g *guide) pass(ctx context.Context, moves []move) error {
	for len(moves) > 0 && !g.spent() {
		n := len(moves)
		if len(moves[0]) > 1 {
			n = min(n, guidedBatch)
		}
		batch := moves[:n]
		moves = moves[n:]
		gains, err := g.measure(ctx, batch)
		if err != nil {
			return err
		}
		moved, err := g.jump(ctx, batch[:len(gains)], gains)
		if err != nil {
			return err
		}
		if moved {
			moves = g.fresh(moves)
		}
	}
	return nil
}

// measure evaluates each move from here and returns what it gains; a group that cannot gain may be
// left half-way and has a gain of minus infinity. The budget may cut the batch.
func (g *guide) measure(ctx context.Context, moves []move) ([]float64, error) {
	moves = moves[:min(len(moves), g.opt.MaxPrompts-g.stats.Explored)]
	cs := make([]Candidate, len(moves))
	refs := make([]*Candidate, len(moves))
	need := g.here.Fitness
	for k, m := range moves {
		cs[k] = g.candidate(g.here.Mask.Flip(m...))
		refs[k] = &cs[k]
		g.tried[g.key(m)] = true
		if len(m) == 1 {
			need = math.Inf(-1)
		}
	}
	if err := g.race(ctx, refs, need); err != nil {
		return nil, err
	}
	gains := make([]float64, len(moves))
	for k := range cs {
		g.enter(refs[k])
		g.stats.Explored++
		gains[k] = cs[k].Fitness - g.here.Fitness
		if cs[k].Partial {
			gains[k] = math.Inf(-1)
		}
		if len(moves[k]) == 1 {
			g.gain[moves[k][0]] = gains[k]
		}
	}
	return gains, nil
}

// jump combines the moves that gain, largest gain first and none touching another's units, and
// evaluates prefixes of the combination: all of it, half, a quarter, down to the best move alone.
// It goes to the best of them.
func (g *guide) jump(ctx context.Context, moves []move, gains []float64) (bool, error) {
	order := make([]int, 0, len(moves))
	for k := range moves {
		if gains[k] > 0 {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return compareFitness(Candidate{Fitness: gains[b]}, Candidate{Fitness: gains[a]})
	})
	var chosen []move
	used := map[int]bool{}
	for _, k := range order {
		if !slices.ContainsFunc(moves[k], func(i int) bool { return used[i] }) {
			chosen = append(chosen, moves[k])
			for _, i := range moves[k] {
				used[i] = true
			}
		}
	}
	if len(chosen) == 0 {
		return false, nil
	}
	var steps []Candidate
	for n := len(chosen); n >= 1; n /= 2 {
		steps = append(steps, g.candidate(g.here.Mask.Flip(slices.Concat(chosen[:n]...)...)))
	}
	return g.goToBest(ctx, steps)
}

// goToBest evaluates candidates and makes the fittest the current one, if it is fitter.
func (g *guide) goToBest(ctx context.Context, cs []Candidate) (bool, error) {
	refs := make([]*Candidate, len(cs))
	for k := range cs {
		refs[k] = &cs[k]
		if len(g.rows[cs[k].Text]) == 0 {
			g.stats.Explored++
		}
	}
	if err := g.race(ctx, refs, g.here.Fitness); err != nil {
		return false, err
	}
	moved := false
	for _, c := range refs {
		g.enter(c)
		if !c.Partial && c.Fitness > g.here.Fitness {
			g.here, moved = *c, true
		}
	}
	return moved, nil
}

// fresh drops the moves that were measured in a neighbourhood that has not changed since.
func (g *guide) fresh(moves []move) []move {
	return slices.DeleteFunc(moves, func(m move) bool { return g.tried[g.key(m)] })
}

// key names a move and the state of the units within reach of it.
func (g *guide) key(m move) string {
	var b []byte
	for _, i := range m {
		b = binary.AppendUvarint(b, uint64(i))
	}
	b = append(b, 0xff)
	from := max(0, g.rank[m[0]]-reach)
	to := min(len(g.open), g.rank[m[len(m)-1]]+reach+1)
	for _, i := range g.open[from:to] {
		if g.here.Mask[i] {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return string(b)
}
