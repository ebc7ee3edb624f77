package evolve

import (
	"context"
	"slices"

	"pith/evolve/search"
)

const (
	// contenderPercent of the search's candidates, and never more than maxContenders, go on to
	// validation (paper, section 3.3).
	contenderPercent = 10
	maxContenders    = 20
	// apartShare: contenders of the guided search differ in at least one unit of that many.
	apartShare = 15
)

// choose judges the full prompt and the search's contenders on the validation split and picks the
// answer. The full prompt is a contender like any other; the test split has no say.
func (e *execution) choose(ctx context.Context, found search.Result) (full, answer Entry, err error) {
	picked, err := e.selected(ctx, found)
	if err != nil {
		return full, answer, err
	}
	e.phase("validation", (1+len(picked))*len(e.Task.Validation))
	entries, err := e.validate(ctx, append([]search.Candidate{found.Full}, picked...))
	if err != nil {
		return full, answer, err
	}
	full, answer = entries[0], pick(entries, e.Dir.Spec)
	full.Name, answer.Name = fullName, string(e.Dir.Spec.Algorithm)
	return full, answer, nil
}

// pick chooses among entries, of which the first is the full prompt. In reference mode that is no
// contender unless the search's own rule made it one, and the first of equals wins.
func pick(entries []Entry, s Spec) Entry {
	full, contenders := entries[0], entries[1:]
	if s.Reference {
		answer := full
		for i, e := range contenders {
			if i == 0 || e.Validation > answer.Validation {
				answer = e
			}
		}
		return answer
	}
	answer := full
	for _, e := range contenders {
		if s.Objective == search.Shortest {
			// They come shortest first: the first that loses nothing on validation either.
			if e.Validation >= full.Validation {
				return e
			}
			continue
		}
		if e.Validation > answer.Validation || e.Validation == answer.Validation && e.Length < answer.Length {
			answer = e
		}
	}
	return answer
}

// selected are the candidates that go on to the validation split.
func (e *execution) selected(ctx context.Context, found search.Result) ([]search.Candidate, error) {
	spec := e.Dir.Spec
	switch {
	case spec.Reference && spec.climbs():
		return []search.Candidate{found.Best}, nil
	case spec.Reference:
		return search.TopCandidates(found.History, contenderPercent), nil
	case spec.Objective == search.Shortest:
		return search.ShortestFirst(found, maxContenders), nil
	case spec.Algorithm == search.Guided:
		apart := max(2, len(e.template.Units)/apartShare)
		return e.contenders(ctx, found.History, func(history []search.Candidate, most int) []search.Candidate {
			return search.SpreadContenders(history, apart, most)
		})
	}
	return e.contenders(ctx, found.History, topShare)
}

func topShare(history []search.Candidate, most int) []search.Candidate {
	return search.Contenders(history, contenderPercent, most)
}

// contenders picks half of the contenders by fitness and, where that is a reward for confidence,
// the other half by the metric that the held-out splits go by, on the same examples: it is known by
// now and costs nothing.
func (e *execution) contenders(
	ctx context.Context, history []search.Candidate,
	pick func([]search.Candidate, int) []search.Candidate,
) ([]search.Candidate, error) {
	if len(e.Task.Labels) == 0 || e.Dir.Spec.fitness() == FitnessMetric {
		return pick(history, maxContenders), nil
	}
	whole := slices.DeleteFunc(slices.Clone(history), func(c search.Candidate) bool { return c.Partial })
	rows, err := e.judge.Rows(ctx, e.searchSplit(), textsOf(whole))
	if err != nil {
		return nil, err
	}
	byText := map[string]search.Candidate{}
	for i := range whole {
		byText[whole[i].Text] = whole[i]
		mean := meanOutcome(rows[i])
		// Among as many right answers the reward decides.
		whole[i].Fitness = mean.Metric + mean.Reward/1e6
	}
	out := pick(history, maxContenders/2)
	for _, c := range pick(whole, maxContenders) {
		if len(out) == maxContenders {
			break
		}
		if !slices.ContainsFunc(out, func(o search.Candidate) bool { return o.Text == c.Text }) {
			out = append(out, byText[c.Text])
		}
	}
	return out, nil
}

func (e *execution) validate(ctx context.Context, cs []search.Candidate) ([]Entry, error) {
	rows, err := e.judge.Rows(ctx, e.Task.Validation, textsOf(cs))
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(cs))
	for i, c := range cs {
		out[i] = Entry{Candidate: c, Validation: meanOutcome(rows[i]).Metric}
	}
	return out, nil
}

// test judges entries on the test split. It is looked at once per entry, after every choice is
// made.
func (e *execution) test(ctx context.Context, entries ...*Entry) error {
	for _, entry := range entries {
		rows, err := e.judge.Rows(ctx, e.Task.Test, []string{entry.Text})
		if err != nil {
			return err
		}
		for _, o := range rows[0] {
			entry.rows = append(entry.rows, o.Metric)
		}
		entry.Test, entry.Tested = meanOutcome(rows[0]).Metric, true
	}
	return nil
}

func textsOf(cs []search.Candidate) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Text
	}
	return out
}
