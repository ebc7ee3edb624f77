package search

import (
	"context"
	"math"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A Trial asks for the rewards of one prompt text, slots unfilled, on the examples [From, To).
type Trial struct {
	Text     string
	From, To int
}

// An Evaluator answers trials: one reward per example, in the order of trials. It must be safe for
// concurrent use, and a reward may depend on nothing but text and example.
type Evaluator interface {
	Evaluate(ctx context.Context, trials []Trial) ([][]float64, error)
}

// A Problem is what a search works on. The fitness of a text is the mean of its rewards.
type Problem struct {
	Template Template
	// Examples is the number of examples of the search split.
	Examples int
	// Low and High bound the reward of one example; racing relies on them. If both are zero,
	// rewards are unbounded.
	Low, High float64
	// Length measures a text, in tokens of the target model. If nil, the number of kept units
	// counts.
	Length func(text string) int
	// Retokenize cuts a pruned text anew; only TAPruning in reference mode does so. If nil, units
	// stay as they are.
	Retokenize func(text string) (Template, error)
	Evaluator  Evaluator
}

// bounds returns the limits of one reward, infinite when none are known.
func (p Problem) bounds() (low, high float64) {
	if p.Low == 0 && p.High == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	return p.Low, p.High
}

// A Candidate is one pruned prompt.
type Candidate struct {
	// Mask is over the units of the original template. It is nil where TAPruning in reference mode
	// tokenised anew.
	Mask   Mask   `json:"mask,omitempty"`
	Text   string `json:"text"`
	Length int    `json:"length"`
	// Fitness is the mean reward over the examples seen: all of them, unless Partial.
	Fitness float64 `json:"fitness"`
	// Partial marks a candidate that racing or halving left before it had seen every example.
	Partial bool `json:"partial,omitempty"`
}

// Parallel spreads trials over workers goroutines. Results do not depend on the number.
func Parallel(next Evaluator, workers int) Evaluator {
	return parallel{next: next, workers: max(1, workers)}
}

type parallel struct {
	next    Evaluator
	workers int
}

func (p parallel) Evaluate(ctx context.Context, trials []Trial) ([][]float64, error) {
	out := make([][]float64, len(trials))
	err := Each(len(trials), p.workers, func(i int) error {
		rewards, err := p.next.Evaluate(ctx, trials[i:i+1])
		if err == nil {
			out[i] = rewards[0]
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Each calls f for 0 to n-1 on some goroutines. After an error it begins nothing new, but lets
// what is under way end: an answer on its way from an endpoint is paid for.
func Each(n, workers int, f func(i int) error) error {
	var (
		g      errgroup.Group
		next   atomic.Int64
		failed atomic.Bool
	)
	for range min(max(1, workers), n) {
		g.Go(func() error {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return nil
				}
				if err := f(i); err != nil {
					failed.Store(true)
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
