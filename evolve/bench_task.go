package evolve

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// A TaskBench runs a search on a task twice: as a run does it, and with nothing shared and nothing
// remembered.
type TaskBench struct {
	Task     *Task
	Tokenize search.Tokenizer
	// LM answers the search; Alone is the same model, keeping no state from one call to the next.
	LM, Alone llm.LM
	Workers   int
	Options   search.Options
}

// TaskTimes are what a TaskBench measured.
type TaskTimes struct {
	// Candidates are the prompts that the search looked at, Passes the questions of the second kind
	// of run: one for each candidate, example and label.
	Candidates int `json:"candidates"`
	Passes     int `json:"passes"`
	// Shared and Alone are wall-clock times, in seconds; Ratio is Alone by Shared.
	Shared float64 `json:"shared_seconds"`
	Alone  float64 `json:"alone_seconds"`
	Ratio  float64 `json:"ratio"`
	// Difference is the largest between the two fitnesses of a candidate.
	Difference float64 `json:"difference"`
}

// oneByOne asks each question in a call of its own.
type oneByOne struct{ next llm.LM }

func (o oneByOne) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	out := make([]float64, len(queries))
	for i, q := range queries {
		q.Shared = 0
		one, err := o.next.LogProbs(ctx, []llm.Query{q})
		if err != nil {
			return nil, err
		}
		out[i] = one[0]
	}
	return out, nil
}

// Run measures. The second run evaluates the candidates of the first, each anew, so both do the
// same search.
func (b TaskBench) Run(ctx context.Context) (t TaskTimes, err error) {
	template, err := search.NewTemplate(b.Task.Template, b.Task.Slots, b.Tokenize)
	if err != nil {
		return t, err
	}
	shared, err := b.judge(b.LM)
	if err != nil {
		return t, err
	}
	p := search.Problem{
		Template:  template,
		Examples:  len(b.Task.Search),
		Evaluator: search.Parallel(shared.On(b.Task.Search), b.Workers),
	}
	p.Low, p.High = shared.Limits()
	began := time.Now()
	found, err := search.Run(ctx, p, b.Options)
	if err != nil {
		return t, fmt.Errorf("search: %w", err)
	}
	t.Shared = time.Since(began).Seconds()
	t.Candidates = len(found.History)
	t.Passes = t.Candidates * len(b.Task.Search) * max(1, len(b.Task.Labels))

	differences := make([]float64, len(found.History))
	began = time.Now()
	err = search.Each(len(found.History), b.Workers, func(i int) error {
		c := found.History[i]
		alone, err := b.judge(oneByOne{b.Alone})
		if err != nil {
			return err
		}
		rows, err := alone.On(b.Task.Search).Evaluate(ctx, []search.Trial{{Text: c.Text, To: len(b.Task.Search)}})
		if err == nil && !c.Partial {
			differences[i] = math.Abs(search.Mean(rows[0]) - c.Fitness)
		}
		return err
	})
	t.Alone = time.Since(began).Seconds()
	t.Ratio = t.Alone / t.Shared
	for _, d := range differences {
		t.Difference = max(t.Difference, d)
	}
	return t, err
}

func (b TaskBench) judge(lm llm.LM) (*Judge, error) {
	return NewJudge(b.Task, llm.Backend{LM: lm}, NewAnswerLog(), nil)
}

// WriteText prints the times as a table.
func (t TaskTimes) WriteText(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d prompts, %d passes of one prompt, example and label\n"+
		"as a run does it            %8.1f s\nnothing shared, remembered  %8.1f s\nratio                       %8.1f\n"+
		"largest difference of a fitness %.2g\n", t.Candidates, t.Passes, t.Shared, t.Alone, t.Ratio, t.Difference)
	return err
}
