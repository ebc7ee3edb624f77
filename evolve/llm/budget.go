package llm

import (
	"errors"
	"fmt"
	"math"
	"sync"
)

// Usage counts tokens read and written by a model that charges for them.
type Usage struct {
	In  int64 `json:"tokens_in"`
	Out int64 `json:"tokens_out"`
}

// Plus adds two usages.
func (u Usage) Plus(o Usage) Usage { return Usage{u.In + o.In, u.Out + o.Out} }

// minus subtracts.
func (u Usage) minus(o Usage) Usage { return Usage{u.In - o.In, u.Out - o.Out} }

// Total is all tokens together.
func (u Usage) Total() int64 { return u.In + u.Out }

// Prices are money per million tokens; zero where they are not known.
type Prices struct {
	In  float64 `json:"in,omitempty"`
	Out float64 `json:"out,omitempty"`
}

// Of is what a usage costs.
func (p Prices) Of(u Usage) Spending {
	return Spending{Usage: u, Money: (float64(u.In)*p.In + float64(u.Out)*p.Out) / 1e6}
}

// Spending is a usage with what it cost; Money is zero where prices are not known.
type Spending struct {
	Usage
	Money float64 `json:"money"`
}

// A Budget limits what a run may spend, earlier parts of it included. Zero means no limit.
type Budget struct {
	Tokens int64
	Money  float64
	Prices Prices
}

// ErrBudgetSpent ends a run cleanly: what was found so far stands, and a resume with a larger
// budget goes on.
var ErrBudgetSpent = errors.New("budget spent")

// chatOverhead is what the tokens of a chat template around a short prompt are taken to be.
const chatOverhead = 16

// Guess is what a request is taken to use until its answer says more: three bytes a token is a
// careful guess for text.
func Guess(prompt string, maxTokens int) Usage {
	return Usage{In: int64(len(prompt)/3 + chatOverhead), Out: int64(maxTokens)}
}

// GuessChoice is Guess for a Choice.
func GuessChoice(c Choice) Usage { return Guess(c.Prompt, longestOption(c.Options)) }

// A Limiter keeps a run within its budget. It holds back a guess for each request under way, so
// that many at once cannot overrun the budget together, and guesses more where answers used more
// than was guessed. It is safe for concurrent use.
type Limiter struct {
	mu     sync.Mutex
	free   sync.Cond // what was held back may have become free
	budget Budget
	used   Usage
	held   Usage
	// inScale and outScale are the largest ratio seen of what was used to what was guessed.
	inScale, outScale float64
}

// NewLimiter starts with what earlier parts of the run used.
func NewLimiter(b Budget, already Usage) *Limiter {
	l := &Limiter{budget: b, used: already, inScale: 1, outScale: 1}
	l.free.L = &l.mu
	return l
}

// Reserve holds back what a request of the guessed size may use. Where the budget does not have as
// much, it waits for requests under way, which mostly use less than is held back for them; it fails
// with ErrBudgetSpent when there are none. Whoever reserves must settle, and not reserve before
// that.
func (l *Limiter) Reserve(guess Usage) (held Usage, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		held = Usage{scaled(guess.In, l.inScale), scaled(guess.Out, l.outScale)}
		if err = l.fits(held); err == nil {
			l.held = l.held.Plus(held)
			return held, nil
		}
		if l.held == (Usage{}) {
			return Usage{}, err
		}
		l.free.Wait()
	}
}

// fits says why the budget has no room for as much as held.
func (l *Limiter) fits(held Usage) error {
	after := l.used.Plus(l.held).Plus(held)
	if held.Total() > 0 && l.budget.Tokens > 0 && after.Total() > l.budget.Tokens {
		return fmt.Errorf("%w: %d of %d tokens used, and the next request may take %d",
			ErrBudgetSpent, l.used.Total(), l.budget.Tokens, held.Total())
	}
	prices := l.budget.Prices
	if held.Total() > 0 && l.budget.Money > 0 && prices.Of(after).Money > l.budget.Money {
		return fmt.Errorf("%w: %.4f of %.4f used, and the next request may take %.4f",
			ErrBudgetSpent, prices.Of(l.used).Money, l.budget.Money, prices.Of(held).Money)
	}
	return nil
}

func scaled(n int64, by float64) int64 { return int64(math.Ceil(float64(n) * by)) }

// Settle replaces what Reserve held back by what was really used.
func (l *Limiter) Settle(held, used Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = l.held.minus(held)
	l.used = l.used.Plus(used)
	l.inScale = rescaled(l.inScale, held.In, used.In)
	l.outScale = rescaled(l.outScale, held.Out, used.Out)
	l.free.Broadcast()
}

func rescaled(scale float64, held, used int64) float64 {
	if held == 0 || used <= held {
		return scale
	}
	return scale * float64(used) / float64(held)
}

// Spending is what was used so far, requests under way not counted.
func (l *Limiter) Spending() Spending {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.budget.Prices.Of(l.used)
}
