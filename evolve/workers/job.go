package workers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"pith/evolve/llm"
)

// A job is one call of a model, as it travels to a worker. It holds the finished prompts, so a
// worker needs neither task nor data: nothing of its own but the model can change an answer. One of
// the three lists is filled.
type job struct {
	// Model is the ID of the Backend that must answer.
	Model   string            `json:"model"`
	Queries []llm.Query       `json:"queries,omitempty"`
	Choices []llm.Choice      `json:"choices,omitempty"`
	Texts   []llm.TextRequest `json:"texts,omitempty"`
}

// A jobAnswer has what the list of its job asked for. Its JSON keeps every bit of a float.
type jobAnswer struct {
	Logs  []float64   `json:"logs,omitempty"`  // of Queries
	Rows  [][]float64 `json:"rows,omitempty"`  // of Choices
	Texts []string    `json:"texts,omitempty"` // of Texts
	// Usage is what the answer used, at an endpoint.
	Usage llm.Usage `json:"usage"`
}

// id names a job by everything that decides its answer: asked for twice, by whomever, it is the
// same job.
func (j job) id() (id string, payload []byte, err error) {
	payload, err = json.Marshal(j)
	if err != nil {
		return "", nil, fmt.Errorf("write job: %w", err)
	}
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:16]), payload, nil
}

// answer does the job with a backend.
func answer(ctx context.Context, b llm.Backend, j job) (a jobAnswer, err error) {
	switch {
	case j.Model != b.ID:
		return a, fmt.Errorf("%w: the run asks %q, this worker has %q", ErrOtherModel, j.Model, b.ID)
	case len(j.Queries) > 0 && b.LM != nil:
		a.Logs, err = b.LM.LogProbs(ctx, j.Queries)
	case len(j.Choices) > 0 && b.Classifier != nil:
		a.Rows, a.Usage, err = b.Classifier.Classify(ctx, j.Choices)
	case len(j.Texts) > 0 && b.Generator != nil:
		a.Texts, a.Usage, err = b.Generator.Generate(ctx, j.Texts)
	default:
		return a, fmt.Errorf("%w: it cannot do what the job asks", llm.ErrBackend)
	}
	return a, err
}

// fits says whether the answer has as many parts as the job.
func (a jobAnswer) fits(j job) bool {
	return len(a.Logs) == len(j.Queries) && len(a.Rows) == len(j.Choices) && len(a.Texts) == len(j.Texts)
}
