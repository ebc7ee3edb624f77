package evolve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// A Run is one search on one task, from template to report.
type Run struct {
	Dir  *RunDir
	Task *Task
	// Backend answers; Workers evaluate at once (if zero, 1).
	Backend llm.Backend
	Workers int
	Syntax  SyntaxChecker
	// Tokenize cuts the template into units; TokenizerName names it in reports. Length counts the
	// tokens of a text; if nil, kept units count.
	Tokenize      search.Tokenizer
	TokenizerName string
	Length        func(text string) int
	// Budget bounds what the run may spend, earlier parts of it included.
	Budget llm.Budget
	// Baselines are what the answer is held against. If empty, BaselinesAll.
	Baselines Baselines
	// OnStatus is told about each generation and phase, and in between, OnNote what the user should
	// know beforehand; one call at a time. Both may be nil.
	OnStatus func(Status)
	OnNote   func(note string)
}

// A Status is a sign of life.
type Status struct {
	// Phase is search, validation, test or baselines.
	Phase      string
	Progress   search.Progress
	Asked      int64 // questions put to the model
	Remembered int64 // questions answered from the log
	// Done are the questions put to the model in this phase, of Most at most; Most is 0 in the
	// search, whose progress is in prompts.
	Done, Most int64
	Spending   llm.Spending
}

// Do runs the search, or what is left of it, judges the outcome on the held-out splits and writes
// the report into the run directory. When ctx or the budget ends it, everything asked so far is
// kept and Do may be called again; if the answer was chosen by then, a provisional report is in the
// directory and is returned with the error.
func (r *Run) Do(ctx context.Context) (*Report, error) {
	template, err := search.NewTemplate(r.Task.Template, r.Task.Slots, r.Tokenize)
	if err != nil {
		return nil, err
	}
	judge, err := NewJudge(r.Task, r.Backend, r.Dir.answers, r.Syntax)
	if err != nil {
		return nil, err
	}
	if err := r.Dir.identify(r.fingerprint(template), r.Budget.Prices); err != nil {
		return nil, err
	}
	e := &execution{Run: r, template: template, judge: judge}
	judge.workers = r.Workers
	judge.byMetric = r.Dir.Spec.fitness() == FitnessMetric
	judge.limit = llm.NewLimiter(r.Budget, r.Dir.answers.Used())
	judge.after = func() { e.tell(nil) }
	for _, o := range r.Task.Overlaps() {
		e.note("mind: " + o)
	}
	report, err := e.all(ctx)
	if report != nil {
		report.Spending = judge.limit.Spending()
		err = errors.Join(err, r.Dir.finish(report))
	}
	return report, errors.Join(err, r.Dir.save())
}

// fingerprint stands for everything that decides the run: how it was asked for, template, units,
// data and model.
func (r *Run) fingerprint(t search.Template) string {
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

// An execution is a Run under way.
type execution struct {
	*Run
	template search.Template
	judge    *Judge

	mu     sync.Mutex
	status Status
	// before are the questions asked before this phase.
	before int64
}

// tell gives a sign of life, after change, if not nil, was made to the status.
func (e *execution) tell(change func(*Status)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if change != nil {
		change(&e.status)
	}
	e.status.Spending = e.judge.limit.Spending()
	e.status.Asked, e.status.Remembered = e.judge.Asked()
	e.status.Done = e.status.Asked - e.before
	if e.OnStatus != nil {
		e.OnStatus(e.status)
	}
}

// phase begins a phase that asks most questions at most.
func (e *execution) phase(name string, most int) {
	e.tell(func(s *Status) {
		s.Phase, s.Most = name, int64(most)
		e.before, _ = e.judge.Asked()
	})
}

func (e *execution) note(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.OnNote != nil {
		e.OnNote(text)
	}
}

// searchSplit are the examples that drive the search. The published climbers search on the very
// examples that the others validate on.
func (e *execution) searchSplit() []Example {
	if s := e.Dir.Spec; s.Reference && s.climbs() {
		return e.Task.Validation
	}
	return e.Task.Search
}

func (e *execution) problem() search.Problem {
	split := e.searchSplit()
	p := search.Problem{
		Template: e.template, Examples: len(split), Length: e.Length,
		Evaluator: search.Parallel(e.judge.On(split), e.Workers),
	}
	p.Low, p.High = e.judge.Limits()
	p.Retokenize = func(text string) (search.Template, error) {
		return search.NewTemplate(text, e.Task.Slots, e.Tokenize)
	}
	return p
}

func (e *execution) options() search.Options {
	s := e.Dir.Spec
	return search.Options{
		Algorithm: s.Algorithm, Objective: s.Objective, Seed: s.Seed, Reference: s.Reference,
		Halving: s.Halving, Racing: s.Racing, MaxPrompts: s.MaxPrompts, MinLength: s.MinLength,
		OnGeneration: func(p search.Progress) error {
			e.tell(func(s *Status) { s.Progress = p })
			return e.Dir.note(p)
		},
	}
}

// all goes through the phases. Once the answer is chosen there is a report, whatever ends the rest.
func (e *execution) all(ctx context.Context) (*Report, error) {
	e.phase("search", 0)
	found, err := search.Run(ctx, e.problem(), e.options())
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	full, answer, err := e.choose(ctx, found)
	if err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	r := e.report(found, full, answer)
	r.Missing = "the test"
	e.phase("test", 2*len(e.Task.Test))
	if err := e.test(ctx, &r.Full, &r.Answer); err != nil {
		return r, fmt.Errorf("test: %w", err)
	}
	r.compare()
	r.Missing = "the baselines"
	if r.Baselines, err = e.baselines(ctx, found, r.Answer); err != nil {
		return r, fmt.Errorf("baselines: %w", err)
	}
	r.compare()
	r.Missing = ""
	return r, nil
}
