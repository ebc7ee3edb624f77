package evolve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
)

// A Query asks for the log-probability of a continuation after a prompt.
type Query struct {
	Prompt, Continuation string
	// Shared is the number of leading bytes of Prompt that stand before every example too: a model that keeps its state there
	// pays for them once.
	Shared int
}

// An LM gives the log-probability, in nats, of each continuation: the sum over its tokens.
type LM interface {
	LogProbs(ctx context.Context, queries []Query) ([]float64, error)
}

// A Choice asks how probable each of some continuations is after a prompt.
type Choice struct {
	Prompt  string
	Shared  int // as in Query
	Options []string
}

// A Classifier answers choices with one log-probability per option; they need not add up to one.
type Classifier interface {
	Classify(ctx context.Context, choices []Choice) ([][]float64, error)
}

// A Writing asks for text after a prompt.
type Writing struct {
	Prompt string
	Generation
}

// A Generator writes.
type Generator interface {
	Generate(ctx context.Context, writings []Writing) ([]string, error)
}

// A Backend is what a model can do; nil means that it cannot.
type Backend struct {
	// ID names the model to the byte (a checksum, or an endpoint's model name): rewards are remembered under it.
	ID string
	// Apart says that an answer does not depend, to the last bit, on what else is asked with it. Every question is then asked
	// and remembered on its own, so that a run that stops half-way keeps each answer it paid for.
	Apart      bool
	LM         LM
	Classifier Classifier
	Generator  Generator
}

// An Outcome is how a prompt did on one example.
type Outcome struct {
	// Reward drives the search; Metric is what the task is about (1 for a right answer), and decides on the held-out splits.
	Reward, Metric float64
}

// A Judge evaluates prompts on a task with a backend, and asks nothing twice.
type Judge struct {
	task    *Task
	backend Backend
	score   Scorer
	memo    *Memo
	// workers is the number of prompts that Metric judges at once; 0 is 1.
	workers int
	asked   atomic.Int64
	saved   atomic.Int64
	// after is called when a piece was asked, by whichever worker asked it. May be nil.
	after func()
}

// ErrBackend means that a backend cannot do what a task needs.
var ErrBackend = errors.New("backend does not fit the task")

// judgePiece is the most examples asked, and then remembered, together: what a kill can cost.
const judgePiece = 64

// NewJudge checks that backend can do what task asks for. syntax may be nil unless the scorer needs it.
func NewJudge(task *Task, backend Backend, memo *Memo, syntax SyntaxChecker) (*Judge, error) {
	if backend.Classifier == nil && backend.LM != nil {
		backend.Classifier = byLikelihood{backend.LM}
	}
	j := &Judge{task: task, backend: backend, memo: memo}
	switch {
	case len(task.Labels) > 0:
		if backend.Classifier == nil {
			return nil, fmt.Errorf("%w: it has neither log-probabilities nor text", ErrBackend)
		}
		return j, nil
	case task.Scorer.Type == likelihood:
		if backend.LM == nil {
			return nil, fmt.Errorf("%w: the scorer likelihood needs a local model", ErrBackend)
		}
		return j, nil
	}
	if backend.Generator == nil {
		return nil, fmt.Errorf("%w: the scorer %q needs a model that writes; a local model only scores text (use the scorer likelihood, or an endpoint)", ErrBackend, task.Scorer.Type)
	}
	var err error
	j.score, err = task.Scorer.Scorer(syntax)
	return j, err
}

// Limits are the bounds of one reward.
func (j *Judge) Limits() (low, high float64) {
	if len(j.task.Labels) > 0 {
		return RewardLow, RewardHigh
	}
	return 0, 1
}

// Asked returns how many questions went to the model, and how many the memo answered.
func (j *Judge) Asked() (model, memo int64) { return j.asked.Load(), j.saved.Load() }

// On is the judge's Evaluator for one split.
func (j *Judge) On(split []Example) Evaluator { return splitEvaluator{j, split} }

type splitEvaluator struct {
	judge *Judge
	split []Example
}

func (s splitEvaluator) Evaluate(ctx context.Context, trials []Trial) ([][]float64, error) {
	outcomes, err := s.judge.outcomes(ctx, s.split, trials)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(outcomes))
	for i, row := range outcomes {
		for _, o := range row {
			out[i] = append(out[i], o.Reward)
		}
	}
	return out, nil
}

// Metric returns the mean metric and reward of each text on a whole split.
func (j *Judge) Metric(ctx context.Context, split []Example, texts []string) ([]Outcome, error) {
	out := make([]Outcome, len(texts))
	err := fanOut(len(texts), j.workers, func(i int) error {
		rows, err := j.outcomes(ctx, split, []Trial{{Text: texts[i], To: len(split)}})
		if err != nil {
			return err
		}
		for _, o := range rows[0] {
			out[i].Reward += o.Reward
			out[i].Metric += o.Metric
		}
		out[i].Reward /= float64(len(split))
		out[i].Metric /= float64(len(split))
		return nil
	})
	return out, err
}

// A question is a filled prompt and the example it is about.
type question struct {
	prompt  string
	shared  int // bytes of prompt before the first slot
	example Example
	key     memoKey
}

// outcomes answers trials, one piece at a time.
func (j *Judge) outcomes(ctx context.Context, split []Example, trials []Trial) ([][]Outcome, error) {
	out := make([][]Outcome, len(trials))
	for i, t := range trials {
		for from := t.From; from < t.To; from += judgePiece {
			piece, err := j.piece(ctx, t.Text, split[from:min(from+judgePiece, t.To)])
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], piece...)
		}
	}
	return out, nil
}

// piece answers one prompt on some examples from the memo or, if any is missing, from the backend. Unless the backend answers
// apart, it then asks for all of them: a float may depend in its last bits on what else is in a batch, so a batch must be the
// same on any number of workers and after a kill that tore a piece apart. What was remembered stands.
func (j *Judge) piece(ctx context.Context, text string, examples []Example) ([]Outcome, error) {
	qs := make([]question, len(examples))
	for i, ex := range examples {
		qs[i] = j.question(text, ex)
	}
	out, missing := j.memo.GetAll(qs)
	j.saved.Add(int64(len(qs) - len(missing)))
	if len(missing) == 0 {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	asks := [][]question{qs}
	if j.backend.Apart {
		asks = slices.Collect(slices.Chunk(missing, 1))
	}
	err := fanOut(len(asks), len(asks), func(i int) error { return j.learn(ctx, asks[i]) })
	if err != nil {
		return nil, err
	}
	out, _ = j.memo.GetAll(qs)
	return out, nil
}

// learn asks the backend and remembers what it answered.
func (j *Judge) learn(ctx context.Context, qs []question) error {
	answers, err := j.ask(ctx, qs)
	if err != nil {
		return err
	}
	fresh, err := j.memo.Put(qs, answers)
	j.asked.Add(int64(fresh))
	if j.after != nil {
		j.after()
	}
	return err
}

func (j *Judge) question(text string, ex Example) question {
	prompt := Fill(text, ex.Fields)
	parts := []string{j.backend.ID, j.task.Hash(), prompt, ex.Answer, fmt.Sprint(ex.Label)}
	if j.task.Scorer.Type == "command" {
		// A judge of the user's own may look at every field, pruned from the prompt or not.
		for _, s := range j.task.Slots {
			parts = append(parts, ex.Fields[s])
		}
	}
	shared, _ := nextSlot(text, j.task.Slots)
	return question{prompt: prompt, shared: shared, example: ex, key: newMemoKey(parts...)}
}

func (j *Judge) ask(ctx context.Context, qs []question) ([]Outcome, error) {
	switch {
	case len(j.task.Labels) > 0:
		return j.askLabels(ctx, qs)
	case j.task.Scorer.Type == likelihood:
		return j.askLikelihood(ctx, qs)
	}
	return j.askText(ctx, qs)
}

func (j *Judge) askLabels(ctx context.Context, qs []question) ([]Outcome, error) {
	options := make([]string, len(j.task.Labels))
	for i, l := range j.task.Labels {
		options[i] = l.Verbalizer
	}
	choices := make([]Choice, len(qs))
	for i, q := range qs {
		choices[i] = Choice{Prompt: q.prompt, Shared: q.shared, Options: options}
	}
	logs, err := j.backend.Classifier.Classify(ctx, choices)
	if err != nil {
		return nil, fmt.Errorf("classify: %w", err)
	}
	out := make([]Outcome, len(qs))
	for i, q := range qs {
		reward, correct := ClassReward(Softmax(logs[i]), q.example.Label)
		out[i].Reward = reward
		if correct {
			out[i].Metric = 1
		}
	}
	return out, nil
}

// askLikelihood scores the reference by its probability per byte, the geometric mean over its bytes: in (0, 1], whatever
// the length of the reference and the model's tokenizer.
func (j *Judge) askLikelihood(ctx context.Context, qs []question) ([]Outcome, error) {
	queries := make([]Query, len(qs))
	for i, q := range qs {
		queries[i] = Query{Prompt: q.prompt, Shared: q.shared, Continuation: q.example.Answer}
	}
	logs, err := j.backend.LM.LogProbs(ctx, queries)
	if err != nil {
		return nil, fmt.Errorf("score the references: %w", err)
	}
	out := make([]Outcome, len(qs))
	for i, q := range qs {
		p := math.Exp(logs[i] / float64(max(1, len(q.example.Answer))))
		out[i] = Outcome{Reward: p, Metric: p}
	}
	return out, nil
}

func (j *Judge) askText(ctx context.Context, qs []question) ([]Outcome, error) {
	writings := make([]Writing, len(qs))
	for i, q := range qs {
		writings[i] = Writing{Prompt: q.prompt, Generation: j.task.Generation}
	}
	texts, err := j.backend.Generator.Generate(ctx, writings)
	if err != nil {
		return nil, fmt.Errorf("generate: %w", err)
	}
	out := make([]Outcome, len(qs))
	for i, q := range qs {
		score, err := j.score(ctx, cutAtStop(texts[i], j.task.Generation.Stop), q.example)
		if err != nil {
			return nil, err
		}
		out[i] = Outcome{Reward: score, Metric: score}
	}
	return out, nil
}

// cutAtStop ends a text at the first stop string: not every endpoint honours stop.
func cutAtStop(text string, stop []string) string {
	for _, s := range stop {
		if i := strings.Index(text, s); s != "" && i >= 0 {
			text = text[:i]
		}
	}
	return text
}

// byLikelihood is the Classifier of an LM.
type byLikelihood struct{ lm LM }

func (b byLikelihood) Classify(ctx context.Context, choices []Choice) ([][]float64, error) {
	var queries []Query
	for _, c := range choices {
		for _, o := range c.Options {
			queries = append(queries, Query{Prompt: c.Prompt, Shared: c.Shared, Continuation: o})
		}
	}
	logs, err := b.lm.LogProbs(ctx, queries)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(choices))
	for i, c := range choices {
		out[i], logs = logs[:len(c.Options)], logs[len(c.Options):]
	}
	return out, nil
}
