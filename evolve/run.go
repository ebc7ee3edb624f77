package evolve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
)

// A Run is one search on one task, from template to report.
type Run struct {
	Dir  *RunDir
	Task *Task
	// Backend answers; Workers evaluate at once (if zero, 1).
	Backend Backend
	Workers int
	Syntax  SyntaxChecker
	// Tokenize cuts the template into units; TokenizerName names it in reports. Length counts the tokens of a text; if nil,
	// kept units count.
	Tokenize      Tokenizer
	TokenizerName string
	Length        func(text string) int
	// Spent, if not nil, tells what the backend has cost.
	Spent func() Spent
	// OnStatus is told about each generation and phase, and in between, one call at a time. May be nil.
	OnStatus func(Status)
}

// A Status is a sign of life.
type Status struct {
	// Phase is search, validation, test or baselines.
	Phase    string
	Progress Progress
	Asked    int64 // questions put to the model
	Memo     int64 // questions answered from memory
	Spent    Spent
}

const (
	// elitePercent of the search's candidates, and never more than contenders, go on to validation (paper, section 3.3).
	elitePercent = 10
	contenders   = 20
	// apartShare: contenders of the guided search differ in at least one unit of that many.
	apartShare = 15
)

// Do runs the search, or what is left of it, judges the outcome on the held-out splits and writes the report into the run
// directory. When ctx or the budget ends it, everything asked so far is kept and Do may be called again.
func (r *Run) Do(ctx context.Context) (*Report, error) {
	template, err := NewTemplate(r.Task.Template, r.Task.Slots, r.Tokenize)
	if err != nil {
		return nil, err
	}
	judge, err := NewJudge(r.Task, r.Backend, r.Dir.memo, r.Syntax)
	if err != nil {
		return nil, err
	}
	if err := r.Dir.identify(r.fingerprint(template)); err != nil {
		return nil, err
	}
	w := &work{Run: r, template: template, judge: judge}
	judge.workers = r.Workers
	judge.after = func() { w.tell(nil) }
	report, err := w.all(ctx)
	if err != nil {
		return nil, errors.Join(err, r.Dir.save(r.spent()))
	}
	if err := writeJSON(filepath.Join(r.Dir.path, resultFile), report); err != nil {
		return nil, err
	}
	return report, report.draw(r.Dir.path)
}

func (r *Run) spent() Spent {
	if r.Spent == nil {
		return Spent{}
	}
	return r.Spent()
}

// fingerprint stands for everything that decides the run: how it was asked for, template, units, data and model.
func (r *Run) fingerprint(t Template) string {
	spec, _ := json.Marshal(r.Dir.Spec)
	parts := []string{string(spec), r.Task.Hash(), r.Backend.ID, r.TokenizerName}
	for _, u := range t.Units {
		parts = append(parts, u.Text)
	}
	for _, split := range [][]Example{r.Task.Search, r.Task.Validation, r.Task.Test} {
		data, _ := json.Marshal(split)
		parts = append(parts, string(data))
	}
	return hashParts(parts...)
}

// work is a Run under way.
type work struct {
	*Run
	template Template
	judge    *Judge

	mu     sync.Mutex
	status Status
}

// tell gives a sign of life, after change, if not nil, was made to the status.
func (w *work) tell(change func(*Status)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if change != nil {
		change(&w.status)
	}
	w.status.Spent = w.spent()
	w.status.Asked, w.status.Memo = w.judge.Asked()
	if w.OnStatus != nil {
		w.OnStatus(w.status)
	}
}

func (w *work) phase(name string) { w.tell(func(s *Status) { s.Phase = name }) }

func (w *work) problem() Problem {
	p := Problem{
		Template: w.template, Examples: len(w.Task.Search), Length: w.Length,
		Evaluator: Parallel(w.judge.On(w.Task.Search), w.Workers),
	}
	p.Low, p.High = w.judge.Limits()
	p.Retokenize = func(text string) (Template, error) { return NewTemplate(text, w.Task.Slots, w.Tokenize) }
	return p
}

func (w *work) options() Options {
	s := w.Dir.Spec
	return Options{
		Algorithm: s.Algorithm, Objective: s.Objective, Seed: s.Seed, Reference: s.Reference, Halving: s.Halving,
		Racing: s.Racing, MaxPrompts: s.MaxPrompts, MinLength: s.MinLength,
		OnGeneration: func(p Progress) error {
			w.tell(func(s *Status) { s.Progress = p })
			return w.Dir.note(p, w.spent())
		},
	}
}

func (w *work) all(ctx context.Context) (*Report, error) {
	w.phase("search")
	found, err := Search(ctx, w.problem(), w.options())
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	w.phase("validation")
	full, best, err := w.choose(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	w.phase("test")
	if err := w.test(ctx, &full, &best); err != nil {
		return nil, fmt.Errorf("test: %w", err)
	}
	w.phase("baselines")
	baselines, err := w.baselines(ctx, found, best)
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	return w.report(found, full, best, baselines), nil
}

// choose judges the full prompt and the search's favourites on the validation split and picks the answer.
func (w *work) choose(ctx context.Context, found Result) (full, best Entry, err error) {
	picked, err := w.picked(ctx, found)
	if err != nil {
		return full, best, err
	}
	entries, err := w.validate(ctx, "", append([]Candidate{found.Full}, picked...))
	if err != nil {
		return full, best, err
	}
	full, best = entries[0], entries[0]
	full.Name = "full prompt"
	for i, e := range entries[1:] {
		if w.Dir.Spec.Objective == Shortest {
			// Picked shortest first: the first that loses nothing on validation either.
			if e.Validation >= full.Validation {
				best = e
				break
			}
			continue
		}
		if i == 0 || e.Validation > best.Validation {
			best = e
		}
	}
	best.Name = string(w.Dir.Spec.Algorithm)
	return full, best, nil
}

// picked are the candidates that go on to the validation split.
func (w *work) picked(ctx context.Context, found Result) ([]Candidate, error) {
	switch {
	case w.Dir.Spec.Objective == Shortest:
		return shortestFirst(found), nil
	case w.Dir.Spec.Algorithm == Guided:
		apart := max(2, len(w.template.Units)/apartShare)
		return w.favourites(ctx, found.History, func(history []Candidate, most int) []Candidate { return spread(history, apart, most) })
	}
	return w.favourites(ctx, found.History, topShare)
}

func topShare(history []Candidate, most int) []Candidate {
	return Contenders(history, elitePercent, most)
}

// favourites picks half of the contenders by fitness and, where that is a reward for confidence, the other half by the metric
// that the held-out splits go by, on the same examples: it is known by now and costs nothing.
func (w *work) favourites(ctx context.Context, history []Candidate, pick func([]Candidate, int) []Candidate) ([]Candidate, error) {
	if len(w.Task.Labels) == 0 {
		return pick(history, contenders), nil
	}
	whole := slices.DeleteFunc(slices.Clone(history), func(c Candidate) bool { return c.Partial })
	outcomes, err := w.judge.Metric(ctx, w.Task.Search, textsOf(whole))
	if err != nil {
		return nil, err
	}
	byText := map[string]Candidate{}
	for i := range whole {
		byText[whole[i].Text] = whole[i]
		// Among as many right answers the reward decides.
		whole[i].Fitness = outcomes[i].Metric + outcomes[i].Reward/1e6
	}
	out := pick(history, contenders/2)
	for _, c := range pick(whole, contenders) {
		if len(out) == contenders {
			break
		}
		if !slices.ContainsFunc(out, func(o Candidate) bool { return o.Text == c.Text }) {
			out = append(out, byText[c.Text])
		}
	}
	return out, nil
}

// shortestFirst lists the shortest prompts that lost nothing on the search split.
func shortestFirst(found Result) []Candidate {
	var out []Candidate
	seen := map[string]bool{}
	for _, c := range found.History {
		if !c.Partial && c.Fitness >= found.Full.Fitness && !seen[c.Text] {
			seen[c.Text] = true
			out = append(out, c)
		}
	}
	sortByLength(out)
	return out[:min(contenders, len(out))]
}

func (w *work) validate(ctx context.Context, name string, cs []Candidate) ([]Entry, error) {
	outcomes, err := w.judge.Metric(ctx, w.Task.Validation, textsOf(cs))
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(cs))
	for i, c := range cs {
		out[i] = Entry{Name: name, Candidate: c, Validation: outcomes[i].Metric}
	}
	return out, nil
}

// test judges entries on the test split. It is looked at once per entry, after every choice is made.
func (w *work) test(ctx context.Context, entries ...*Entry) error {
	for _, e := range entries {
		outcomes, err := w.judge.Metric(ctx, w.Task.Test, []string{e.Text})
		if err != nil {
			return err
		}
		e.Test = outcomes[0].Metric
	}
	return nil
}

func textsOf(cs []Candidate) []string {
	out := make([]string, len(cs))
	for i, c := range cs {
		out[i] = c.Text
	}
	return out
}
