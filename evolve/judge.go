package evolve

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// An Outcome is how a prompt did on one example.
type Outcome struct {
	// Reward drives the search; Metric is what the task is about (1 for a right answer), and
	// decides on the held-out splits.
	Reward, Metric float64
}

// A Judge evaluates prompts on a task with a backend, and asks nothing twice.
type Judge struct {
	task    *Task
	backend llm.Backend
	score   Scorer
	answers *AnswerLog
	// workers is the number of prompts that Rows judges at once; 0 is 1.
	workers int
	// byMetric has the metric drive the search, not the reward.
	byMetric bool
	// limit keeps the questions within the run's budget.
	limit      *llm.Limiter
	asked      atomic.Int64
	remembered atomic.Int64
	// after is called when a piece was asked, by whichever worker asked it. May be nil.
	after func()
}

// errScorer means that an answer came and could not be judged.
var errScorer = errors.New("judge the answer")

// judgePiece is the most examples asked, and then remembered, together: what a kill can cost.
const judgePiece = 64

// NewJudge checks that backend can do what task asks for. syntax may be nil unless the scorer needs
// it.
func NewJudge(task *Task, backend llm.Backend, answers *AnswerLog, syntax SyntaxChecker) (*Judge, error) {
	if backend.Classifier == nil && backend.LM != nil {
		backend.Classifier = llm.ByLikelihood(backend.LM)
	}
	j := &Judge{task: task, backend: backend, answers: answers, limit: llm.NewLimiter(llm.Budget{}, answers.Used())}
	switch {
	case len(task.Labels) > 0:
		if backend.Classifier == nil {
			return nil, fmt.Errorf("%w: it has neither log-probabilities nor text", llm.ErrBackend)
		}
		return j, nil
	case task.Scorer.Type == likelihood:
		if backend.LM == nil {
			return nil, fmt.Errorf("%w: the scorer likelihood needs a local model", llm.ErrBackend)
		}
		return j, nil
	}
	if backend.Generator == nil {
		return nil, fmt.Errorf(
			"%w: the scorer %q needs a model that writes; a local model only scores text "+
				"(use the scorer likelihood, or an endpoint)",
			llm.ErrBackend,
			task.Scorer.Type,
		)
	}
	var err error
	j.score, err = task.Scorer.Scorer(syntax)
	return j, err
}

// Limits are the bounds of one reward.
func (j *Judge) Limits() (low, high float64) {
	if len(j.task.Labels) > 0 && !j.byMetric {
		return RewardLow, RewardHigh
	}
	return 0, 1
}

// Asked returns how many questions went to the model, and how many the log answered.
func (j *Judge) Asked() (model, log int64) { return j.asked.Load(), j.remembered.Load() }

// On is the judge's Evaluator for one split.
func (j *Judge) On(split []Example) search.Evaluator { return splitEvaluator{j, split} }

type splitEvaluator struct {
	judge *Judge
	split []Example
}

func (s splitEvaluator) Evaluate(ctx context.Context, trials []search.Trial) ([][]float64, error) {
	outcomes, err := s.judge.outcomes(ctx, s.split, trials)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(outcomes))
	for i, row := range outcomes {
		for _, o := range row {
			fitness := o.Reward
			if s.judge.byMetric {
				fitness = o.Metric
			}
			out[i] = append(out[i], fitness)
		}
	}
	return out, nil
}

// Rows returns the outcomes of each text on each example of a whole split. A text that stands there
// twice is asked about once.
func (j *Judge) Rows(ctx context.Context, split []Example, texts []string) ([][]Outcome, error) {
	distinct := slices.Compact(slices.Sorted(slices.Values(texts)))
	known := make([][]Outcome, len(distinct))
	err := search.Each(len(distinct), j.workers, func(i int) error {
		rows, err := j.outcomes(ctx, split, []search.Trial{{Text: distinct[i], To: len(split)}})
		if err == nil {
			known[i] = rows[0]
		}
		return err
	})
	out := make([][]Outcome, len(texts))
	for i, text := range texts {
		at, _ := slices.BinarySearch(distinct, text)
		out[i] = known[at]
	}
	return out, err
}

// meanOutcome averages over examples.
func meanOutcome(rows []Outcome) (mean Outcome) {
	for _, o := range rows {
		mean.Reward += o.Reward
		mean.Metric += o.Metric
	}
	n := float64(max(1, len(rows)))
	return Outcome{mean.Reward / n, mean.Metric / n}
}

// A question is a filled prompt and the example it is about.
type question struct {
	prompt  string
	shared  int // bytes of prompt before the first slot
	example Example
	key     answerKey
}

// outcomes answers trials, one piece at a time.
func (j *Judge) outcomes(ctx context.Context, split []Example, trials []search.Trial) ([][]Outcome, error) {
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

// piece answers one prompt on some examples from the log or, if any is missing, from the backend.
// Unless the backend answers apart, it then asks for all of them: a float may depend in its last
// bits on what else is in a batch, so a batch must be the same on any number of workers and after a
// kill that tore a piece apart. What was remembered stands.
func (j *Judge) piece(ctx context.Context, text string, examples []Example) ([]Outcome, error) {
	qs := make([]question, len(examples))
	for i, ex := range examples {
		qs[i] = j.question(text, ex)
	}
	out, missing := j.answers.GetAll(qs)
	j.remembered.Add(int64(len(qs) - len(missing)))
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
	err := search.Each(len(asks), len(asks), func(i int) error { return j.learn(ctx, asks[i]) })
	if err != nil {
		return nil, err
	}
	out, _ = j.answers.GetAll(qs)
	return out, nil
}

// learn asks the backend and remembers what it answered.
func (j *Judge) learn(ctx context.Context, qs []question) error {
	held, err := j.limit.Reserve(j.guess(qs))
	if err != nil {
		return err
	}
	if err := j.answers.Begin(qs[0], held); err != nil {
		return err
	}
	outcomes, used, err := j.ask(ctx, qs)
	if err != nil {
		return errors.Join(err, j.failed(qs[0], err, held, used))
	}
	j.limit.Settle(held, used)
	fresh, err := j.answers.Put(qs, outcomes, used)
	j.asked.Add(int64(fresh))
	if j.after != nil {
		j.after()
	}
	return err
}

// failed settles a request that came back without an answer. Where nobody can tell what it cost, it
// is taken to have used all that was held back for it, in this process and, as a request that never
// ended, in later ones.
func (j *Judge) failed(q question, why error, held, used llm.Usage) error {
	known := errors.Is(why, llm.ErrEndpoint) || errors.Is(why, llm.ErrUnreached) || errors.Is(why, errScorer)
	if !known {
		j.limit.Settle(held, held)
		return nil
	}
	j.limit.Settle(held, used)
	return j.answers.Refuse(q, used)
}

// guess is what questions are expected to use. A model that only scores costs nothing.
func (j *Judge) guess(qs []question) (sum llm.Usage) {
	if j.backend.LM != nil {
		return llm.Usage{}
	}
	for _, q := range qs {
		if len(j.task.Labels) > 0 {
			sum = sum.Plus(llm.GuessChoice(llm.Choice{Prompt: q.prompt, Options: j.options()}))
		} else {
			sum = sum.Plus(llm.Guess(q.prompt, j.task.Generation.MaxTokens))
		}
	}
	return sum
}

// options are the verbalizers of a classification task.
func (j *Judge) options() []string {
	out := make([]string, len(j.task.Labels))
	for i, l := range j.task.Labels {
		out[i] = l.Verbalizer
	}
	return out
}

func (j *Judge) question(text string, ex Example) question {
	prompt := search.Fill(text, ex.Fields)
	parts := []string{j.backend.ID, j.task.Hash(), prompt, ex.Answer, fmt.Sprint(ex.Label)}
	if j.task.Scorer.Type == "command" {
		// A judge of the user's own may look at every field, pruned from the prompt or not.
		for _, s := range j.task.Slots {
			parts = append(parts, ex.Fields[s])
		}
	}
	shared, _ := search.NextSlot(text, j.task.Slots)
	return question{prompt: prompt, shared: shared, example: ex, key: newAnswerKey(parts...)}
}

func (j *Judge) ask(ctx context.Context, qs []question) ([]Outcome, llm.Usage, error) {
	switch {
	case len(j.task.Labels) > 0:
		return j.askLabels(ctx, qs)
	case j.task.Scorer.Type == likelihood:
		out, err := j.askLikelihood(ctx, qs)
		return out, llm.Usage{}, err
	}
	return j.askText(ctx, qs)
}

func (j *Judge) askLabels(ctx context.Context, qs []question) ([]Outcome, llm.Usage, error) {
	options := j.options()
	choices := make([]llm.Choice, len(qs))
	for i, q := range qs {
		choices[i] = llm.Choice{Prompt: q.prompt, Shared: q.shared, Options: options}
	}
	logs, used, err := j.backend.Classifier.Classify(ctx, choices)
	if err != nil {
		return nil, used, fmt.Errorf("classify: %w", err)
	}
	out := make([]Outcome, len(qs))
	for i, q := range qs {
		reward, correct := ClassReward(Softmax(logs[i]), q.example.Label)
		out[i].Reward = reward
		if correct {
			out[i].Metric = 1
		}
	}
	return out, used, nil
}

// askLikelihood scores the reference by its probability per byte, the geometric mean over its
// bytes: in (0, 1], whatever the length of the reference and the model's tokenizer.
func (j *Judge) askLikelihood(ctx context.Context, qs []question) ([]Outcome, error) {
	queries := make([]llm.Query, len(qs))
	for i, q := range qs {
		queries[i] = llm.Query{Prompt: q.prompt, Shared: q.shared, Continuation: q.example.Answer}
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

func (j *Judge) askText(ctx context.Context, qs []question) ([]Outcome, llm.Usage, error) {
	requests := make([]llm.TextRequest, len(qs))
	for i, q := range qs {
		requests[i] = llm.TextRequest{Prompt: q.prompt, Generation: j.task.Generation}
	}
	texts, used, err := j.backend.Generator.Generate(ctx, requests)
	if err != nil {
		return nil, used, fmt.Errorf("generate: %w", err)
	}
	out := make([]Outcome, len(qs))
	for i, q := range qs {
		score, err := j.score(ctx, cutAtStop(texts[i], j.task.Generation.Stop), q.example)
		if err != nil {
			return nil, used, fmt.Errorf("%w: %w", errScorer, err)
		}
		out[i] = Outcome{Reward: score, Metric: score}
	}
	return out, used, nil
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
