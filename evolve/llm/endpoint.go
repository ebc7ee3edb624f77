package llm

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// EndpointOptions describe an OpenAI-compatible endpoint.
type EndpointOptions struct {
	// BaseURL ends where /chat/completions begins. Model and, where the endpoint wants one, Key are
	// the user's.
	BaseURL, Model, Key string
	// Concurrency is the most requests under way at once. If zero, 4.
	Concurrency int
	// Retries is how often a request that failed is sent again. If zero, 5. A busy endpoint (status
	// 429 or 503) is waited for without end.
	Retries int
	// Backoff is the wait before the first retry; it doubles, to 30 s at most. If zero, half a
	// second. A Retry-After is honoured.
	Backoff time.Duration
	// OnWait is told, in words for the user, why nothing moves, and told "" when it does again. May
	// be nil.
	OnWait func(reason string)
}

// An Endpoint asks a model behind an OpenAI-compatible API. It is a Classifier and a Generator.
// Classification reads the log-probabilities of the first token where the endpoint gives them, and
// otherwise the text it wrote.
type Endpoint struct {
	client *chatClient
	model  string
	slots  chan struct{}
	// textOnly is set once the endpoint has shown that it gives no log-probabilities.
	textOnly atomic.Bool
}

// topTokens is the most alternatives that the API gives per token.
const topTokens = 20

// NewEndpoint checks the options; it sends nothing.
func NewEndpoint(opt EndpointOptions) (*Endpoint, error) {
	if opt.BaseURL == "" || opt.Model == "" {
		return nil, fmt.Errorf("%w: an endpoint needs a base URL and a model", ErrOptions)
	}
	if u, err := url.Parse(opt.BaseURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: %s is no base URL of an endpoint: want one such as http://127.0.0.1:11434/v1",
			ErrOptions, opt.BaseURL)
	}
	return &Endpoint{
		client: newChatClient(opt), model: opt.Model,
		slots: make(chan struct{}, cmp.Or(opt.Concurrency, 4)),
	}, nil
}

// Backend wraps e; its ID is the endpoint's model name and address.
func (e *Endpoint) Backend(baseURL string) Backend {
	id := "endpoint " + baseURL + " " + e.model
	return Backend{ID: id, Apart: true, Classifier: e, Generator: e}
}

// Generate writes after each prompt, at temperature zero.
func (e *Endpoint) Generate(ctx context.Context, requests []TextRequest) ([]string, Usage, error) {
	out := make([]string, len(requests))
	used, err := e.each(ctx, len(requests), func(ctx context.Context, i int) (Usage, error) {
		params := e.params(requests[i].Prompt, requests[i].MaxTokens)
		params.Stop = requests[i].Stop
		choice, used, err := e.ask(ctx, params)
		out[i] = choice.Message.Content
		return used, err
	})
	return out, used, err
}

// Classify asks for the first token after each prompt.
func (e *Endpoint) Classify(ctx context.Context, choices []Choice) ([][]float64, Usage, error) {
	out := make([][]float64, len(choices))
	used, err := e.each(ctx, len(choices), func(ctx context.Context, i int) (used Usage, err error) {
		out[i], used, err = e.classify(ctx, choices[i])
		return used, err
	})
	return out, used, err
}

// classify asks for one token and its alternatives. Where those do not tell the options apart, and
// where the endpoint gives none, it asks again for as many tokens as an option can have, and reads
// the text.
func (e *Endpoint) classify(ctx context.Context, c Choice) (logs []float64, used Usage, err error) {
	if !e.textOnly.Load() {
		params := e.params(c.Prompt, 1)
		params.Logprobs, params.TopLogprobs = true, topTokens
		choice, used, err := e.ask(ctx, params)
		if err != nil {
			return nil, used, err
		}
		if len(choice.Logprobs.Content) == 0 {
			e.textOnly.Store(true)
		} else if logs, ok := readTop(choice.Logprobs.Content[0].TopLogprobs, c.Options); ok {
			return logs, used, nil
		}
		logs, more, err := e.classifyText(ctx, c)
		return logs, used.Plus(more), err
	}
	return e.classifyText(ctx, c)
}

func (e *Endpoint) classifyText(ctx context.Context, c Choice) ([]float64, Usage, error) {
	choice, used, err := e.ask(ctx, e.params(c.Prompt, longestOption(c.Options)))
	return readText(choice.Message.Content, c.Options), used, err
}

// longestOption is a number of tokens in which any of the options can be written: one for every two
// bytes is ample.
func longestOption(options []string) int {
	n := 0
	for _, o := range options {
		n = max(n, len(o)/2+1)
	}
	return n
}

func (e *Endpoint) params(prompt string, maxTokens int) chatRequest {
	return chatRequest{
		Model: e.model, Messages: []chatMessage{{Role: "user", Content: prompt}},
		MaxTokens: maxTokens, Seed: 1,
	}
}

// each runs f for 0..n-1, as many at once as there are slots, over all callers, and adds up what
// they used.
func (e *Endpoint) each(
	ctx context.Context, n int, f func(ctx context.Context, i int) (Usage, error),
) (Usage, error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(e.slots))
	used := make([]Usage, n)
	for i := range n {
		g.Go(func() (err error) {
			select {
			case e.slots <- struct{}{}:
				defer func() { <-e.slots }()
			case <-ctx.Done():
				return ctx.Err()
			}
			used[i], err = f(ctx, i)
			return err
		})
	}
	err := g.Wait()
	sum := Usage{}
	for _, u := range used {
		sum = sum.Plus(u)
	}
	return sum, err
}

// ask sends one request.
func (e *Endpoint) ask(ctx context.Context, params chatRequest) (chatChoice, Usage, error) {
	answer, err := e.client.complete(ctx, params)
	if err != nil {
		return chatChoice{}, Usage{}, fmt.Errorf("ask %s: %w", e.model, err)
	}
	used := Usage{In: answer.Usage.PromptTokens, Out: answer.Usage.CompletionTokens}
	if used == (Usage{}) {
		// An endpoint that does not count is charged the guess.
		used = Guess(params.Messages[0].Content, params.MaxTokens)
	}
	if len(answer.Choices) == 0 {
		return chatChoice{}, used, fmt.Errorf("ask %s: %w: an answer without a choice", e.model, ErrEndpoint)
	}
	return answer.Choices[0], used, nil
}

// impossible is the log-probability of an option that was not seen: finite, so that sums stay
// numbers.
const impossible = -1e9

// readText turns sampled text into log-probabilities of the options: the option it begins with is
// certain, and without one all are equal.
func readText(text string, options []string) []float64 {
	text = fold(text)
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

// readTop adds up the first-token alternatives that begin each option. ok is false when none does,
// or when one begins several options and so says nothing about which.
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
