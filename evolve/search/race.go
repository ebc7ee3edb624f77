package search

import (
	"context"
	"slices"
)

// raceBlock is the share of the examples that a race evaluates at a time.
const raceBlock = 4

// race evaluates candidates block by block and leaves out each whose best possible mean stays below
// need: no candidate that would have reached need is ever lost, because the limits of a reward are
// exact. Without racing all see every example.
func (s *search) race(ctx context.Context, cs []*Candidate, need float64) error {
	_, high := s.problem.bounds()
	return s.inBlocks(ctx, cs, func(open []*Candidate) []*Candidate {
		return slices.DeleteFunc(open, func(c *Candidate) bool { return s.limit(c, high) < need })
	})
}

// raceTop evaluates candidates block by block and leaves out each that cannot be among the best
// keep of them, because keep others are already sure to do better. The best keep are the same as
// without racing, in the same order.
func (s *search) raceTop(ctx context.Context, cs []*Candidate, keep int) error {
	low, high := s.problem.bounds()
	return s.inBlocks(ctx, cs, func(open []*Candidate) []*Candidate {
		floors := make([]float64, len(cs))
		for i, c := range cs {
			floors[i] = s.limit(c, low)
		}
		slices.SortFunc(
			floors, func(a, b float64) int { return compareFitness(Candidate{Fitness: b}, Candidate{Fitness: a}) },
		)
		if keep > len(floors) {
			return open
		}
		sure := floors[keep-1]
		return slices.DeleteFunc(open, func(c *Candidate) bool { return s.limit(c, high) < sure })
	})
}

// inBlocks extends the candidates in blocks and lets filter drop some in between.
func (s *search) inBlocks(ctx context.Context, cs []*Candidate, filter func(open []*Candidate) []*Candidate) error {
	n := s.problem.Examples
	if !s.opt.Racing {
		return s.extend(ctx, cs, n)
	}
	open := slices.Clone(cs)
	block := max(1, (n+raceBlock-1)/raceBlock)
	for upTo := block; ; upTo += block {
		if err := s.extend(ctx, open, min(upTo, n)); err != nil {
			return err
		}
		if upTo >= n {
			return nil
		}
		open = filter(open)
	}
}

// limit is the mean that c would have if every example still open gave rest.
func (s *search) limit(c *Candidate, rest float64) float64 {
	row := s.rows[c.Text]
	sum := 0.0
	for _, r := range row {
		sum += r
	}
	if open := s.problem.Examples - len(row); open > 0 {
		sum += rest * float64(open)
	}
	return sum / float64(s.problem.Examples)
}

// halve is the paper's successive halving: the first half of the examples for all, the second for
// those that reach the minimum fitness of the current population. The stage-one mean stands for the
// others. The reference refuses it for classification; nothing in it depends on the kind of task.
func (s *search) halve(ctx context.Context, cs []*Candidate, minimum float64) error {
	half := s.problem.Examples / 2
	if half == 0 {
		return s.extend(ctx, cs, s.problem.Examples)
	}
	if err := s.extend(ctx, cs, half); err != nil {
		return err
	}
	var promoted []*Candidate
	for _, c := range cs {
		if Mean(s.rows[c.Text][:half]) >= minimum {
			promoted = append(promoted, c)
		}
	}
	return s.extend(ctx, promoted, s.problem.Examples)
}
