package evolve

import (
	"errors"
	"fmt"
	"sync"
)

// A Budget limits what a run may spend at an endpoint. Zero means no limit. Prices are money per million tokens.
type Budget struct {
	Tokens            int64
	Money             float64
	InPrice, OutPrice float64
	AlreadySpent      Spent // by earlier parts of a resumed run
}

// Spent is what was used.
type Spent struct {
	In    int64   `json:"tokens_in"`
	Out   int64   `json:"tokens_out"`
	Money float64 `json:"money"`
}

// ErrBudgetSpent ends a run cleanly: what was found so far stands, and a resume with a larger budget goes on.
var ErrBudgetSpent = errors.New("budget spent")

type usage struct{ in, out int64 }

func (u usage) plus(o usage) usage { return usage{u.in + o.in, u.out + o.out} }

// guessUsage is what a request is taken to use until its answer says more: three bytes a token is a careful guess.
func guessUsage(prompt string, maxTokens int) usage {
	return usage{in: int64(len(prompt)/3 + 1), out: int64(maxTokens)}
}

// A purse holds back a guess for each request under way, so that many at once cannot overrun the budget together.
type purse struct {
	mu       sync.Mutex
	budget   Budget
	used     usage
	reserved usage
}

func newPurse(b Budget) *purse {
	return &purse{budget: b, used: usage{b.AlreadySpent.In, b.AlreadySpent.Out}}
}

func (p *purse) reserve(u usage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	after := usage{p.used.in + p.reserved.in + u.in, p.used.out + p.reserved.out + u.out}
	if p.budget.Tokens > 0 && after.in+after.out > p.budget.Tokens {
		return fmt.Errorf("%w: %d of %d tokens used", ErrBudgetSpent, p.used.in+p.used.out, p.budget.Tokens)
	}
	if p.budget.Money > 0 && p.cost(after) > p.budget.Money {
		return fmt.Errorf("%w: %.4f of %.4f used", ErrBudgetSpent, p.cost(p.used), p.budget.Money)
	}
	p.reserved = usage{p.reserved.in + u.in, p.reserved.out + u.out}
	return nil
}

// settle replaces a guess by what was really used.
func (p *purse) settle(guess, used usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reserved = usage{p.reserved.in - guess.in, p.reserved.out - guess.out}
	p.used = usage{p.used.in + used.in, p.used.out + used.out}
}

func (p *purse) cost(u usage) float64 {
	return (float64(u.in)*p.budget.InPrice + float64(u.out)*p.budget.OutPrice) / 1e6
}

func (p *purse) now() Spent {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Spent{In: p.used.in, Out: p.used.out, Money: p.cost(p.used)}
}
