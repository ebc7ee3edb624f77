package search

import (
	"context"
	"math"
	"slices"
)

// every proposes each unit on its own.
func (g *guide) every() []move {
	out := make([]move, len(g.open))
	for k, i := range g.open {
		out[k] = move{i}
	}
	return out
}

// singles is every, under the name of a proposal.
func (g *guide) singles() []move { return g.every() }

// groups proposes neighbours to be turned over together: pairs within reach of each other, runs of
// three and four, and runs of kept units up to a whole demonstration. Those whose parts do least
// harm on their own come first.
func (g *guide) groups() []move {
	var out []move
	for k := range g.open {
		for d := 1; d <= reach && k+d < len(g.open); d++ {
			out = append(out, move{g.open[k], g.open[k+d]})
		}
		for n := 3; n <= reach+1 && k+n <= len(g.open); n++ {
			out = append(out, slices.Clone(g.open[k:k+n]))
		}
	}
	out = append(out, g.runs()...)
	out = g.unique(out)
	predicted := make(map[string]float64, len(out))
	for _, m := range out {
		sum := 0.0
		for _, i := range m {
			sum += g.gain[i]
		}
		predicted[g.key(m)] = sum
	}
	slices.SortStableFunc(out, func(a, b move) int {
		return compareFitness(Candidate{Fitness: predicted[g.key(b)]}, Candidate{Fitness: predicted[g.key(a)]})
	})
	return out
}

// runs proposes stretches of kept units: every stretch of two to four, and half-overlapping ones of
// 8, 16 and 32.
func (g *guide) runs() []move {
	kept := slices.DeleteFunc(slices.Clone(g.open), func(i int) bool { return !g.here.Mask[i] })
	var out []move
	for n := 2; n <= 32; {
		step := 1
		if n > reach+1 {
			step = n / 2
		}
		for k := 0; k+n <= len(kept); k += step {
			out = append(out, slices.Clone(kept[k:k+n]))
		}
		if n++; n > reach+1 {
			n = 2 * (n - 1)
		}
	}
	return out
}

func (g *guide) unique(moves []move) []move {
	seen := map[string]bool{}
	return slices.DeleteFunc(moves, func(m move) bool {
		k := g.key(m)
		dup := seen[k]
		seen[k] = true
		return dup
	})
}

// shake turns over random units of a small window, lets the window settle, and keeps the outcome if
// it is better. It ends after patience failures per unit.
func (g *guide) shake(ctx context.Context) error {
	failures := 0
	for failures < patience*len(g.open)/kick && !g.spent() {
		before := g.here
		if err := g.kickOnce(ctx); err != nil {
			return err
		}
		if g.here.Fitness > before.Fitness {
			failures = 0
			if err := g.settle(ctx); err != nil {
				return err
			}
			continue
		}
		g.here = before
		failures++
	}
	return nil
}

// kickOnce draws a window and a pattern, goes there whatever the fitness, and climbs inside the
// window only.
func (g *guide) kickOnce(ctx context.Context) error {
	width := min(kick, len(g.open))
	from := g.rng.IntN(len(g.open) - width + 1)
	window := g.open[from : from+width]
	var flips []int
	for _, i := range window {
		if g.rng.IntN(2) == 0 {
			flips = append(flips, i)
		}
	}
	if len(flips) == 0 {
		return nil
	}
	c := g.candidate(g.here.Mask.Flip(flips...))
	g.here = Candidate{Fitness: math.Inf(-1)}
	if _, err := g.goToBest(ctx, []Candidate{c}); err != nil {
		return err
	}
	for range width {
		steps := make([]Candidate, width)
		for k, i := range window {
			steps[k] = g.candidate(g.here.Mask.Flip(i))
		}
		if moved, err := g.goToBest(ctx, steps); err != nil || !moved {
			return err
		}
	}
	return nil
}

// trim shortens the best prompt as far as the objective allows: for Shortest while nothing is lost
// against the full prompt, for Front down to MinLength, so that the whole curve is walked. It drops
// the least harmful units first, as many at once as still hold, found by halving.
func (g *guide) trim(ctx context.Context) error {
	floor := g.history[0].Fitness
	if g.opt.Objective == Front {
		floor = math.Inf(-1)
	}
	g.here = g.best(g.opt.Objective)
	for !g.spent() && g.here.Length > g.opt.MinLength {
		order, err := g.leastHarmful(ctx)
		if err != nil {
			return err
		}
		moved, err := g.dropPrefix(ctx, order, floor)
		if err != nil {
			return err
		}
		if err := g.report([]Candidate{g.here}); err != nil || !moved {
			return err
		}
	}
	return nil
}

// leastHarmful measures the kept units and returns them, least harmful first.
func (g *guide) leastHarmful(ctx context.Context) ([]int, error) {
	kept := slices.DeleteFunc(g.every(), func(m move) bool { return !g.here.Mask[m[0]] })
	gains, err := g.measure(ctx, kept)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(gains))
	for k := range gains {
		order[k] = kept[k][0]
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return compareFitness(Candidate{Fitness: g.gain[b]}, Candidate{Fitness: g.gain[a]})
	})
	return order, nil
}

// dropPrefix drops the longest prefix of order, among all, half, a quarter and so on, that stays at
// or above floor. Without a floor it takes an eighth at a time, so that the front has points in
// between.
func (g *guide) dropPrefix(ctx context.Context, order []int, floor float64) (bool, error) {
	start := len(order)
	if math.IsInf(floor, -1) {
		start = (len(order) + 7) / 8
	}
	var steps []Candidate
	for n := start; n >= 1; n /= 2 {
		steps = append(steps, g.candidate(g.here.Mask.Flip(order[:n]...)))
	}
	refs := make([]*Candidate, len(steps))
	for k := range steps {
		refs[k] = &steps[k]
	}
	g.stats.Explored += len(steps)
	if err := g.race(ctx, refs, floor); err != nil {
		return false, err
	}
	for _, c := range refs {
		g.enter(c)
	}
	for _, c := range steps {
		if !c.Partial && c.Fitness >= floor {
			g.here = c
			return true, nil
		}
	}
	return false, nil
}
