package evolve

import (
	"errors"
	"testing"
)

// Requests under way count with what they are taken to use, so that many at once cannot overrun the
// budget together; an answer puts what was really used in the place of the guess.
func TestRequestsUnderWayCount(t *testing.T) {
	for name, b := range map[string]Budget{
		"tokens": {Tokens: 100},
		"money":  {Money: 100e-6, InPrice: 1, OutPrice: 1},
	} {
		p := newPurse(b)
		guess := usage{in: 30, out: 10}
		for range 2 {
			if err := p.reserve(guess); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := p.reserve(guess); !errors.Is(err, ErrBudgetSpent) {
			t.Errorf("%s: a third request while two are under way: %v", name, err)
		}
		p.settle(guess, usage{in: 5, out: 5})
		if err := p.reserve(guess); err != nil {
			t.Errorf("%s: after an answer: %v", name, err)
		}
		if got := p.now(); got.In != 5 || got.Out != 5 {
			t.Errorf("%s: spent %+v", name, got)
		}
	}
}
