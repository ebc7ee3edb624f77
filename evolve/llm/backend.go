package llm

import (
	"context"
	"errors"
)

// A Query asks for the log-probability of a continuation after a prompt.
type Query struct {
	Prompt, Continuation string
	// Shared is the number of leading bytes of Prompt that stand before every example too: a model
	// that keeps its state there pays for them once.
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
	// Classify also returns what the answers used, as far as that is known even where it fails.
	Classify(ctx context.Context, choices []Choice) ([][]float64, Usage, error)
}

// A TextRequest asks for text after a prompt.
type TextRequest struct {
	Prompt string
	Generation
}

// A Generator writes.
type Generator interface {
	// Generate also returns what the answers used, as far as that is known even where it fails.
	Generate(ctx context.Context, requests []TextRequest) ([]string, Usage, error)
}

// A Backend is what a model can do; nil means that it cannot.
type Backend struct {
	// ID names the model to the byte (a checksum, or an endpoint's model name): rewards are
	// remembered under it.
	ID string
	// Apart says that an answer does not depend, to the last bit, on what else is asked with it.
	// Every question is then asked and remembered on its own, so that a run that stops half-way
	// keeps each answer it paid for.
	Apart      bool
	LM         LM
	Classifier Classifier
	Generator  Generator
}

// Generation limits what the model writes.
type Generation struct {
	MaxTokens int      `yaml:"max_tokens"` // if zero, 256
	Stop      []string `yaml:"stop"`
}

// ErrBackend means that a backend cannot do what a task needs.
var ErrBackend = errors.New("backend does not fit the task")

// ErrOptions marks options that make no sense.
var ErrOptions = errors.New("bad options")

// ByLikelihood is the Classifier of an LM.
func ByLikelihood(lm LM) Classifier { return byLikelihood{lm} }

type byLikelihood struct{ lm LM }

func (b byLikelihood) Classify(ctx context.Context, choices []Choice) ([][]float64, Usage, error) {
	var queries []Query
	for _, c := range choices {
		for _, o := range c.Options {
			queries = append(queries, Query{Prompt: c.Prompt, Shared: c.Shared, Continuation: o})
		}
	}
	logs, err := b.lm.LogProbs(ctx, queries)
	if err != nil {
		return nil, Usage{}, err
	}
	out := make([][]float64, len(choices))
	for i, c := range choices {
		out[i], logs = logs[:len(c.Options)], logs[len(c.Options):]
	}
	return out, Usage{}, nil
}
