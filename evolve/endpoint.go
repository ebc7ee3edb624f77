package evolve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// EndpointOptions describe an OpenAI-compatible endpoint.
type EndpointOptions struct {
	// BaseURL ends where /chat/completions begins. Model and, where the endpoint wants one, Key are the user's.
	BaseURL, Model, Key string
	// Concurrency is the most requests under way at once. If zero, 4.
	Concurrency int
	// Retries is how often a refused or failed request is sent again; Retry-After is honoured. If zero, 5.
	Retries int
	// Backoff is the wait before the first retry; it doubles. If zero, half a second.
	Backoff time.Duration
	Budget  Budget
}

// An Endpoint asks a model behind an OpenAI-compatible API. It is a Classifier and a Generator. Classification reads the
// log-probabilities of the first token where the endpoint gives them, and otherwise the text it wrote.
type Endpoint struct {
	client *chatClient
	model  string
	slots  chan struct{}
	purse  *purse
}

// topTokens is the most alternatives that the API gives per token.
const topTokens = 20

// NewEndpoint checks the options; it sends nothing.
func NewEndpoint(opt EndpointOptions) (*Endpoint, error) {
	if opt.BaseURL == "" || opt.Model == "" {
		return nil, fmt.Errorf("%w: an endpoint needs a base URL and a model", ErrOptions)
	}
	return &Endpoint{
		client: newChatClient(opt), model: opt.Model, purse: newPurse(opt.Budget),
		slots: make(chan struct{}, cmp.Or(opt.Concurrency, 4)),
	}, nil
}

// Backend wraps e; its ID is the endpoint's model name and address.
func (e *Endpoint) Backend(baseURL string) Backend {
	return Backend{ID: "endpoint " + baseURL + " " + e.model, Apart: true, Classifier: e, Generator: e}
}

// Spent returns what the requests so far cost.
func (e *Endpoint) Spent() Spent { return e.purse.now() }

// Generate writes after each prompt, at temperature zero.
func (e *Endpoint) Generate(ctx context.Context, writings []Writing) ([]string, error) {
	out := make([]string, len(writings))
	err := e.each(ctx, len(writings), func(ctx context.Context, i int) error {
		params := e.params(writings[i].Prompt, writings[i].MaxTokens)
		params.Stop = writings[i].Stop
		choice, err := e.ask(ctx, params)
		out[i] = choice.Message.Content
		return err
	})
	return out, err
}

// Classify asks for the first tokens after each prompt.
func (e *Endpoint) Classify(ctx context.Context, choices []Choice) ([][]float64, error) {
	out := make([][]float64, len(choices))
	err := e.each(ctx, len(choices), func(ctx context.Context, i int) error {
		params := e.params(choices[i].Prompt, longestWord(choices[i].Options))
		params.Logprobs, params.TopLogprobs = true, topTokens
		choice, err := e.ask(ctx, params)
		if err != nil {
			return err
		}
		out[i] = readChoice(choice, choices[i].Options)
		return nil
	})
	return out, err
}

// longestWord is a number of tokens in which any of the options can be written: one for every two bytes is ample.
func longestWord(options []string) int {
	n := 0
	for _, o := range options {
		n = max(n, len(o)/2+1)
	}
	return n
}

func (e *Endpoint) params(prompt string, maxTokens int) chatRequest {
	return chatRequest{Model: e.model, Messages: []chatMessage{{Role: "user", Content: prompt}}, MaxTokens: maxTokens, Seed: 1}
}

// each runs f for 0..n-1, as many at once as there are slots, over all callers.
func (e *Endpoint) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(e.slots))
	for i := range n {
		g.Go(func() error {
			select {
			case e.slots <- struct{}{}:
				defer func() { <-e.slots }()
			case <-ctx.Done():
				return ctx.Err()
			}
			return f(ctx, i)
		})
	}
	return g.Wait()
}

// ask sends one request, if the budget allows it.
func (e *Endpoint) ask(ctx context.Context, params chatRequest) (chatChoice, error) {
	guess := guessUsage(params.Messages[0].Content, params.MaxTokens)
	if err := e.purse.reserve(guess); err != nil {
		return chatChoice{}, err
	}
	answer, err := e.client.complete(ctx, params)
	if err != nil {
		e.purse.settle(guess, usage{})
		return chatChoice{}, fmt.Errorf("ask %s: %w", e.model, err)
	}
	used := usage{in: answer.Usage.PromptTokens, out: answer.Usage.CompletionTokens}
	if used == (usage{}) {
		used = guess // an endpoint that does not count is charged the guess
	}
	e.purse.settle(guess, used)
	if len(answer.Choices) == 0 {
		return chatChoice{}, errors.New("the endpoint answered without a choice")
	}
	return answer.Choices[0], nil
}

// impossible is the log-probability of an option that was not seen: finite, so that sums stay numbers.
const impossible = -1e9

// readChoice turns an answer into log-probabilities of the options.
func readChoice(c chatChoice, options []string) []float64 {
	if len(c.Logprobs.Content) > 0 {
		if logs, ok := readTop(c.Logprobs.Content[0].TopLogprobs, options); ok {
			return logs
		}
	}
	// Sampled text is all there is: the option it begins with is certain, and without one all are equal.
	text := fold(c.Message.Content)
	logs := make([]float64, len(options))
	best := -1
	for i, o := range options {
		if strings.HasPrefix(text, fold(o)) && (best < 0 || len(o) > len(options[best])) {
			best = i
		}
	}
	if best < 0 {
		return logs
	}
	for i := range logs {
		if i != best {
			logs[i] = impossible
		}
	}
	return logs
}

// readTop adds up the first-token alternatives that begin each option. ok is false when none does, or when one begins
// several options and so says nothing about which.
func readTop(top []chatToken, options []string) (logs []float64, ok bool) {
	mass := make([]float64, len(options))
	for _, t := range top {
		piece := fold(t.Token)
		if piece == "" {
			continue
		}
		owner, owners := -1, 0
		for i, o := range options {
			if strings.HasPrefix(fold(o), piece) {
				owner, owners = i, owners+1
			}
		}
		if owners > 1 {
			return nil, false
		}
		if owners == 1 {
			mass[owner] += math.Exp(t.Logprob)
			ok = true
		}
	}
	logs = make([]float64, len(options))
	for i, m := range mass {
		logs[i] = math.Max(impossible, math.Log(m))
	}
	return logs, ok
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
