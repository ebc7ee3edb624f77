package search

import (
	"context"
	"math"
	"slices"
)

// A breeder makes and evaluates up to Offspring children of the population and returns them in
// order of birth.
type breeder func(ctx context.Context, population []Candidate) ([]Candidate, error)

// evolve is PromptQuine: mutation only, one to four deletions per child, age-based survival (paper,
// section 3.2).
func (s *search) evolve(ctx context.Context, full Candidate, breed breeder) error {
	population, err := s.firstPopulation(ctx, full)
	if err != nil {
		return err
	}
	for !s.spent() && meanLength(population) > float64(s.opt.MinLength) {
		children, err := breed(ctx, population)
		if err != nil {
			return err
		}
		if len(children) == 0 {
			// Nothing is left to prune. The reference loops for ever here.
			return nil
		}
		population = s.survivors(population, children)
		if err := s.report(population); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) firstPopulation(ctx context.Context, full Candidate) ([]Candidate, error) {
	population := make([]Candidate, s.opt.Evolution.Population)
	refs := make([]*Candidate, len(population))
	for i := range population {
		population[i] = full
		if s.opt.Evolution.Scatter {
			population[i] = s.candidate(s.scatter(full.Mask))
		}
		refs[i] = &population[i]
	}
	if !s.opt.Evolution.Scatter {
		return population, nil
	}
	if err := s.evaluate(ctx, refs); err != nil {
		return nil, err
	}
	s.stats.Explored += len(population)
	slices.SortStableFunc(population, func(a, b Candidate) int { return compareFitness(b, a) })
	return population, nil
}

// scatter drops every prunable unit with one of ten probabilities between 0.05 and 0.20.
func (s *search) scatter(full Mask) Mask {
	rate := 0.05 + 0.15*float64(s.rng.IntN(10))/9
	m := slices.Clone(full)
	for _, i := range s.problem.Template.Prunable() {
		if s.rng.Float64() < rate {
			m[i] = false
		}
	}
	return m
}

// generationalBrood draws all children from the old population and evaluates them in one batch.
// Siblings are not compared with each other.
func (s *search) generationalBrood(ctx context.Context, population []Candidate) ([]Candidate, error) {
	taken := texts(population)
	var children []Candidate
	for range s.opt.Evolution.Offspring {
		if child, ok := s.child(population); ok && !taken[child.Text] {
			children = append(children, child)
		}
	}
	refs := make([]*Candidate, len(children))
	for i := range children {
		refs[i] = &children[i]
	}
	if err := s.judge(ctx, refs, population); err != nil {
		return nil, err
	}
	for _, c := range refs {
		s.enter(c)
	}
	s.stats.Explored += len(children)
	if s.opt.Reference {
		s.stats.Explored += s.opt.Evolution.Offspring - len(children)
	}
	return children, nil
}

// judge evaluates a batch of children as far as halving or racing find it worth while.
func (s *search) judge(ctx context.Context, children []*Candidate, population []Candidate) error {
	wasted := s.opt.Evolution.Offspring - len(children)
	switch {
	case s.opt.Halving:
		minimum := math.Inf(1)
		for _, c := range population {
			minimum = math.Min(minimum, c.Fitness)
		}
		return s.halve(ctx, children, minimum)
	case s.opt.Racing && wasted == 0:
		return s.raceTop(ctx, children, s.opt.Evolution.Population)
	}
	return s.extend(ctx, children, s.problem.Examples)
}

// A pendingChild is a child whose rewards are on their way.
type pendingChild struct {
	child Candidate
	trial Trial
	// done carries the rewards; nil for a text that is already known.
	done chan reply
}

type reply struct {
	rewards []float64
	err     error
}

// steadyBrood lets a child join the population as soon as it is evaluated, so that it can be a
// parent of the next. With Ahead above one, that many children are under way at once, and a parent
// is drawn from those born Ahead slots earlier: the lag is a number of slots, not a time, so the
// run does not depend on which evaluation is quicker.
func (s *search) steadyBrood(ctx context.Context, population []Candidate) ([]Candidate, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	grown := slices.Clone(population)
	taken := texts(population)
	var waiting []pendingChild
	fold := func() error {
		b := waiting[0]
		waiting = waiting[1:]
		if err := s.deliver(ctx, &b); err != nil {
			return err
		}
		grown = append(grown, b.child)
		return nil
	}
	for range s.opt.Evolution.Offspring {
		if len(waiting) >= s.opt.Ahead {
			if err := fold(); err != nil {
				return nil, err
			}
		}
		child, ok := s.child(grown)
		if !ok || taken[child.Text] {
			continue
		}
		taken[child.Text] = true
		waiting = append(waiting, s.conceive(ctx, child))
	}
	for len(waiting) > 0 {
		if err := fold(); err != nil {
			return nil, err
		}
	}
	return grown[len(population):], nil
}

// conceive starts the evaluation of one child.
func (s *search) conceive(ctx context.Context, child Candidate) pendingChild {
	known := len(s.rows[child.Text])
	b := pendingChild{child: child, trial: Trial{Text: child.Text, From: known, To: s.problem.Examples}}
	if known < s.problem.Examples {
		b.done = make(chan reply, 1)
		go func() {
			rewards, err := s.problem.Evaluator.Evaluate(ctx, []Trial{b.trial})
			if err != nil {
				b.done <- reply{err: err}
				return
			}
			b.done <- reply{rewards: rewards[0]}
		}()
	}
	return b
}

// deliver waits for the rewards of one child and enters it.
func (s *search) deliver(ctx context.Context, b *pendingChild) error {
	if b.done != nil {
		r := <-b.done
		if r.err != nil {
			return r.err
		}
		if err := s.learn(b.trial, r.rewards); err != nil {
			return err
		}
	}
	s.enter(&b.child)
	s.stats.Explored++
	return ctx.Err()
}

// child mutates the winner of a tournament. It fails when the parent has too few units left for ten
// draws.
func (s *search) child(population []Candidate) (Candidate, bool) {
	parent := s.tournament(population)
	var open []int
	for _, i := range s.problem.Template.Prunable() {
		if parent.Mask[i] {
			open = append(open, i)
		}
	}
	for range 10 {
		m := 1 + s.rng.IntN(s.opt.Evolution.Mutations)
		if m >= len(open) {
			continue
		}
		s.rng.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
		return s.candidate(parent.Mask.Flip(open[:m]...)), true
	}
	return Candidate{}, false
}

// tournament returns the fittest of k drawn with replacement; the first drawn wins ties.
func (s *search) tournament(population []Candidate) Candidate {
	k := max(1, int(s.opt.Evolution.Tournament*float64(len(population))))
	winner := population[s.rng.IntN(len(population))]
	for range k - 1 {
		if c := population[s.rng.IntN(len(population))]; c.Fitness > winner.Fitness {
			winner = c
		}
	}
	return winner
}

// survivors keeps the fittest of the last Offspring entries of old population and children: age
// removes every parent, even the best, unless slots were wasted. Then as many old members compete
// again: the worst-ranked ones in the published code, because it stores its population in
// descending order; the best-ranked ones in ours.
func (s *search) survivors(old, children []Candidate) []Candidate {
	wasted := min(max(0, s.opt.Evolution.Offspring-len(children)), len(old))
	elders := old[:wasted]
	if s.opt.Reference {
		elders = old[len(old)-wasted:]
	}
	pool := append(slices.Clone(elders), children...)
	slices.SortStableFunc(pool, func(a, b Candidate) int { return compareFitness(b, a) })
	return pool[:min(s.opt.Evolution.Population, len(pool))]
}

func texts(population []Candidate) map[string]bool {
	out := make(map[string]bool, len(population))
	for _, c := range population {
		out[c.Text] = true
	}
	return out
}
