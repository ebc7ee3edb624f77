package llm

import (
	"errors"
	"math"
	"sync"
	"testing"
)

func TestLimiterHoldsBack(t *testing.T) {
	tests := []struct {
		name    string
		budget  Budget
		already Usage
		guess   Usage
		fit     int // reservations that fit
	}{
		{name: "no limit", guess: Usage{In: 1 << 40}, fit: 20},
		{name: "tokens", budget: Budget{Tokens: 100}, guess: Usage{In: 8, Out: 2}, fit: 10},
		{
			name:    "tokens of earlier parts",
			budget:  Budget{Tokens: 100},
			already: Usage{In: 30, Out: 35},
			guess:   Usage{In: 10},
			fit:     3,
		},
		{name: "overspent before", budget: Budget{Tokens: 100}, already: Usage{In: 200}, guess: Usage{In: 1}},
		{
			name: "money", budget: Budget{Money: 1e-4, Prices: Prices{In: 1, Out: 4}},
			guess: Usage{In: 12, Out: 2}, fit: 5,
		},
		{name: "nothing asked", budget: Budget{Tokens: 1}, already: Usage{In: 5}, fit: 20},
	}
	for _, tt := range tests {
		l := NewLimiter(tt.budget, tt.already)
		n := 0
		for ; n < 20; n++ {
			held, err := l.Reserve(tt.guess)
			if errors.Is(err, ErrBudgetSpent) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			l.Settle(held, tt.guess)
		}
		if n != tt.fit {
			t.Errorf("%s: %d requests fit, want %d", tt.name, n, tt.fit)
		}
	}
}

func TestLimiterSettles(t *testing.T) {
	l := NewLimiter(Budget{Tokens: 100, Prices: Prices{In: 2, Out: 10}}, Usage{})
	held, err := l.Reserve(Usage{In: 50, Out: 50})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Spending().Usage; got != (Usage{}) {
		t.Errorf("spent %+v while all is under way, want nothing", got)
	}
	waiting := make(chan error)
	go func() {
		_, err := l.Reserve(Usage{In: 69})
		waiting <- err
	}()
	l.Settle(held, Usage{In: 30, Out: 1})
	if s := l.Spending(); s.Usage != (Usage{30, 1}) || math.Abs(s.Money-70e-6) > 1e-12 {
		t.Errorf("spending %+v", s)
	}
	if err := <-waiting; err != nil {
		t.Errorf("what was held and not used is free again: %v", err)
	}
}

// Guesses that are far too small are mended by the first answers, so the budget is used and kept.
func TestLimiterLearnsFromAnswers(t *testing.T) {
	const budget, first = 10_000, 4
	l := NewLimiter(Budget{Tokens: budget}, Usage{})
	var group sync.WaitGroup
	for range first {
		group.Go(func() {
			for {
				held, err := l.Reserve(Usage{In: 10, Out: 1})
				if err != nil {
					return
				}
				l.Settle(held, Usage{In: 90, Out: 9})
			}
		})
	}
	group.Wait()
	used := l.Spending().Total()
	if used > budget || used < budget-first*2*99 {
		t.Errorf("used %d of %d", used, budget)
	}
	l = NewLimiter(Budget{Tokens: budget}, Usage{})
	l.Settle(Usage{In: 10, Out: 1}, Usage{In: 90, Out: 2})
	if held, err := l.Reserve(Usage{In: 10, Out: 1}); err != nil || held != (Usage{In: 90, Out: 2}) {
		t.Errorf("after an answer of nine times the guess %v is held back, %v", held, err)
	}
}
