package evolve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

func sortByLength(cs []Candidate) {
	slices.SortStableFunc(cs, func(a, b Candidate) int {
		if a.Length != b.Length {
			return a.Length - b.Length
		}
		return compareFitness(b, a)
	})
}

// baselines are what a search has to beat: random masks of the same number of units, as many as the search looked at, and
// the same units dropped by perplexity. Each goes through validation and test as the search's answer did.
func (w *work) baselines(ctx context.Context, found Result, best Entry) ([]Entry, error) {
	kept := keptUnits(w.template, best.Candidate)
	random, err := w.random(ctx, kept, found.Stats.Prompts)
	if err != nil {
		return nil, fmt.Errorf("random pruning: %w", err)
	}
	out := []Entry{random}
	if w.Backend.LM != nil {
		e, err := w.perplexity(ctx, kept)
		if err != nil {
			return nil, fmt.Errorf("perplexity pruning: %w", err)
		}
		out = append(out, e)
	}
	for i := range out {
		if err := w.test(ctx, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// keptUnits is the number of kept prunable units of a candidate.
func keptUnits(t Template, c Candidate) int {
	fixed := len(t.Units) - len(t.Prunable())
	if len(c.Mask) == len(t.Units) {
		return c.Mask.Kept() - fixed
	}
	// Tokenised anew: the share of the text's bytes is the best that can be said.
	return len(t.Prunable()) * len(c.Text) / max(1, len(t.Text()))
}

// random draws n masks that keep the given number of units, and picks among them as the search's answer was picked.
func (w *work) random(ctx context.Context, kept, n int) (Entry, error) {
	rng := rand.New(rand.NewPCG(w.Dir.Spec.Seed, 0x52414e444f4d))
	l := newLedger(w.problem())
	open := w.template.Prunable()
	cs := make([]Candidate, max(1, n))
	refs := make([]*Candidate, len(cs))
	for i := range cs {
		rng.Shuffle(len(open), func(a, b int) { open[a], open[b] = open[b], open[a] })
		cs[i] = l.candidate(FullMask(len(w.template.Units)).Flip(open[kept:]...))
		refs[i] = &cs[i]
	}
	if err := l.evaluate(ctx, refs); err != nil {
		return Entry{}, err
	}
	picked, err := w.favourites(ctx, l.history, topShare)
	if err != nil {
		return Entry{}, err
	}
	entries, err := w.validate(ctx, "random pruning", picked)
	if err != nil {
		return Entry{}, err
	}
	best := entries[0]
	for _, e := range entries[1:] {
		if e.Validation > best.Validation {
			best = e
		}
	}
	return best, nil
}

// perplexity keeps the units that surprise the model most, given what stands before them: the rule of LLMLingua and
// Selective Context, on the same units. The template's slots stand unfilled.
func (w *work) perplexity(ctx context.Context, kept int) (Entry, error) {
	open := w.template.Prunable()
	queries := make([]Query, len(open))
	before, next := "", 0
	for i, u := range w.template.Units {
		if next < len(open) && open[next] == i {
			queries[next] = Query{Prompt: before, Continuation: u.Text}
			next++
		}
		before += u.Text
	}
	logs, err := w.Backend.LM.LogProbs(ctx, queries)
	if err != nil {
		return Entry{}, err
	}
	order := make([]int, len(open))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return compareFitness(Candidate{Fitness: logs[a]}, Candidate{Fitness: logs[b]})
	})
	var dropped []int
	for _, k := range order[kept:] {
		dropped = append(dropped, open[k])
	}
	l := newLedger(w.problem())
	c := l.candidate(FullMask(len(w.template.Units)).Flip(dropped...))
	if err := l.evaluate(ctx, []*Candidate{&c}); err != nil {
		return Entry{}, err
	}
	entries, err := w.validate(ctx, "perplexity pruning", []Candidate{c})
	if err != nil {
		return Entry{}, err
	}
	return entries[0], nil
}
