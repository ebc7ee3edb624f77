package evolve

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A job is one call of a model, as it travels to a worker. It holds the finished prompts, so a worker needs neither task nor
// data: nothing of its own but the model can change an answer. One of the three lists is filled.
type job struct {
	// Model is the ID of the Backend that must answer.
	Model    string    `json:"model"`
	Queries  []Query   `json:"queries,omitempty"`
	Choices  []Choice  `json:"choices,omitempty"`
	Writings []Writing `json:"writings,omitempty"`
}

// A jobAnswer has what the list of its job asked for. Its JSON keeps every bit of a float.
type jobAnswer struct {
	Logs  []float64   `json:"logs,omitempty"`  // of Queries
	Rows  [][]float64 `json:"rows,omitempty"`  // of Choices
	Texts []string    `json:"texts,omitempty"` // of Writings
	// Spent is what the worker used since its last answer, at an endpoint.
	Spent Spent `json:"spent"`
}

// id names a job by everything that decides its answer: asked for twice, by whomever, it is the same job.
func (j job) id() (id string, payload []byte, err error) {
	payload, err = json.Marshal(j)
	if err != nil {
		return "", nil, fmt.Errorf("write job: %w", err)
	}
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:16]), payload, nil
}

// guess is what a job is expected to use at an endpoint.
func (j job) guess() (u usage) {
	for _, c := range j.Choices {
		u = u.plus(guessUsage(c.Prompt, longestWord(c.Options)))
	}
	for _, w := range j.Writings {
		u = u.plus(guessUsage(w.Prompt, w.MaxTokens))
	}
	return u
}

// answer does the job with a backend.
func (b Backend) answer(ctx context.Context, j job) (a jobAnswer, err error) {
	switch {
	case j.Model != b.ID:
		return a, fmt.Errorf("%w: the run asks %q, this worker has %q", ErrOtherModel, j.Model, b.ID)
	case len(j.Queries) > 0 && b.LM != nil:
		a.Logs, err = b.LM.LogProbs(ctx, j.Queries)
	case len(j.Choices) > 0 && b.Classifier != nil:
		a.Rows, err = b.Classifier.Classify(ctx, j.Choices)
	case len(j.Writings) > 0 && b.Generator != nil:
		a.Texts, err = b.Generator.Generate(ctx, j.Writings)
	default:
		return a, fmt.Errorf("%w: it cannot do what the job asks", ErrBackend)
	}
	return a, err
}

// fits says whether the answer has as many parts as the job.
func (a jobAnswer) fits(j job) bool {
	return len(a.Logs) == len(j.Queries) && len(a.Rows) == len(j.Choices) && len(a.Texts) == len(j.Writings)
}
