package evolve

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// Baselines name what a search's answer is held against.
type Baselines string

// The baselines: random masks of as many units, as many of them as the search looked at prompts;
// and, with a local model, the same number of units dropped by perplexity, too.
const (
	BaselinesNone   Baselines = "none"
	BaselinesRandom Baselines = "random"
	BaselinesAll    Baselines = "all"
)

// Check says whether b names baselines.
func (b Baselines) Check() error {
	if !slices.Contains([]Baselines{"", BaselinesNone, BaselinesRandom, BaselinesAll}, b) {
		return fmt.Errorf("%w: baselines %q are not none, random or all", search.ErrOptions, b)
	}
	return nil
}

// baselines goes through validation and test with each baseline as with the search's answer.
func (e *execution) baselines(
	ctx context.Context, found search.Result, answer Entry,
) (out []Entry, err error) {
	if e.Baselines == BaselinesNone {
		return nil, nil
	}
	kept := keptUnits(e.template, answer.Candidate)
	byPerplexity := e.Backend.LM != nil && e.Baselines != BaselinesRandom
	contenders := maxContenders
	if e.Dir.Spec.Reference {
		contenders = found.Stats.Prompts
	}
	questions := found.Stats.Prompts*len(e.searchSplit()) + contenders*len(e.Task.Validation) + len(e.Task.Test)
	most := questions
	if byPerplexity {
		most += len(e.searchSplit()) + len(e.Task.Validation) + len(e.Task.Test)
	}
	e.phase("baselines", most)
	e.sayCost(questions)
	random, err := e.random(ctx, kept, found.Stats.Prompts)
	if err != nil {
		return out, fmt.Errorf("%s: %w", randomName, err)
	}
	if err := e.test(ctx, &random); err != nil {
		return out, fmt.Errorf("%s: %w", randomName, err)
	}
	out = append(out, random)
	if !byPerplexity {
		return out, nil
	}
	surprising, err := e.perplexity(ctx, kept)
	if err != nil {
		return out, fmt.Errorf("%s: %w", perplexityName, err)
	}
	if err := e.test(ctx, &surprising); err != nil {
		return out, fmt.Errorf("%s: %w", perplexityName, err)
	}
	return append(out, surprising), nil
}

// sayCost says how many questions random pruning will ask before it does. The tokens are taken from
// the mean of the run so far, whose prompts are longer on the whole.
func (e *execution) sayCost(questions int) {
	used, answers := e.judge.limit.Spending(), int64(max(1, e.Dir.answers.Len()))
	cost := e.Budget.Prices.Of(llm.Usage{
		In: used.In * int64(questions) / answers, Out: used.Out * int64(questions) / answers,
	})
	text := fmt.Sprintf("baselines: %s asks up to %d questions", randomName, questions)
	if cost.Total() > 0 {
		text += fmt.Sprintf(", about %d tokens", cost.Total())
	}
	if cost.Money > 0 {
		text += fmt.Sprintf(", cost %.4f", cost.Money)
	}
	e.note(text + "; --baselines none leaves it out")
}

// keptUnits is the number of kept prunable units of a candidate.
func keptUnits(t search.Template, c search.Candidate) int {
	fixed := len(t.Units) - len(t.Prunable())
	if len(c.Mask) == len(t.Units) {
		return c.Mask.Kept() - fixed
	}
	// Tokenised anew: the share of the text's bytes is the best that can be said.
	return len(t.Prunable()) * len(c.Text) / max(1, len(t.Text()))
}

// random draws n masks that keep the given number of units, and picks among them as the search's
// answer was picked.
func (e *execution) random(ctx context.Context, kept, n int) (Entry, error) {
	rng := rand.New(rand.NewPCG(e.Dir.Spec.Seed, 0x52414e444f4d))
	open := e.template.Prunable()
	masks := make([]search.Mask, max(1, n))
	for i := range masks {
		rng.Shuffle(len(open), func(a, b int) { open[a], open[b] = open[b], open[a] })
		masks[i] = search.FullMask(len(e.template.Units)).Flip(open[kept:]...)
	}
	evaluated, err := search.EvaluateMasks(ctx, e.problem(), masks)
	if err != nil {
		return Entry{}, err
	}
	picked := search.TopCandidates(evaluated, contenderPercent)
	if !e.Dir.Spec.Reference {
		if picked, err = e.contenders(ctx, evaluated, topShare); err != nil {
			return Entry{}, err
		}
	}
	entries, err := e.validate(ctx, picked)
	if err != nil {
		return Entry{}, err
	}
	best := entries[0]
	for _, entry := range entries[1:] {
		if entry.Validation > best.Validation {
			best = entry
		}
	}
	best.Name = randomName
	return best, nil
}

// perplexity keeps the units that surprise the model most, given what stands before them: the rule
// of LLMLingua and Selective Context, on the same units. The template's slots stand unfilled.
func (e *execution) perplexity(ctx context.Context, kept int) (Entry, error) {
	open := e.template.Prunable()
	queries := make([]llm.Query, len(open))
	before, next := "", 0
	for i, u := range e.template.Units {
		if next < len(open) && open[next] == i {
			queries[next] = llm.Query{Prompt: before, Continuation: u.Text}
			next++
		}
		before += u.Text
	}
	logs, err := e.Backend.LM.LogProbs(ctx, queries)
	if err != nil {
		return Entry{}, err
	}
	order := make([]int, len(open))
	for k := range order {
		order[k] = k
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(logs[a], logs[b])
	})
	var dropped []int
	for _, k := range order[kept:] {
		dropped = append(dropped, open[k])
	}
	evaluated, err := search.EvaluateMasks(
		ctx, e.problem(), []search.Mask{search.FullMask(len(e.template.Units)).Flip(dropped...)},
	)
	if err != nil {
		return Entry{}, err
	}
	entries, err := e.validate(ctx, evaluated)
	if err != nil {
		return Entry{}, err
	}
	entries[0].Name = perplexityName
	return entries[0], nil
}
