package knapsack

import "slices"

// halvings are those of the price, and as often it may rise before one is found at which something
// fits.
const halvings = 32

// byPrice is Pack for walks too large for the table: each token has a price, the same everywhere,
// and what is worth more than its tokens cost stays (the Lagrangian relaxation). The lowest price
// at which the choice fits is found by bisection. No choice of as many tokens is worth more; what
// is left of the budget is less than what would stay next.
func (k *Tree) byPrice(budget int) (chosen []int, ok bool) {
	low, high := 0.0, 0.0
	chosen, cost := k.at(high)
	for n := 0; cost > budget; n++ {
		if n == 2*halvings {
			return nil, false
		}
		low, high = high, max(8*high, 1e-12)
		chosen, cost = k.at(high)
	}
	for range halvings {
		price := (low + high) / 2
		if some, cost := k.at(price); cost <= budget {
			chosen, high = some, price
		} else {
			low = price
		}
	}
	return chosen, true
}

// at is the best choice where each token costs price, and how many tokens it has. Of equal ones the
// one that keeps less wins.
func (k *Tree) at(price float64) (chosen []int, cost int) {
	one := &best{unit: 1}
	worth, picked := make([][states]float64, len(k.Steps)+1), make([][states]int, len(k.Steps))
	for i := len(k.Steps) - 1; i >= 0; i-- {
		s := &k.Steps[i]
		for state := range states {
			most, pick := impossible, Left
			if s.Skip > 0 {
				tokens, after := k.out(one, s, state)
				most = worth[s.Skip][after] - price*float64(tokens)
			}
			for n, f := range s.Forms {
				tokens, after := k.in(one, i, f, state)
				if v := f.Value + worth[i+1][after] - price*float64(tokens); v > most {
					most, pick = v, n
				}
			}
			worth[i][state], picked[i][state] = most, pick
		}
	}
	chosen = slices.Repeat([]int{Left}, len(k.Steps))
	for i, state := 0, gapClosed; i < len(k.Steps); {
		s, tokens := &k.Steps[i], 0
		if chosen[i] = picked[i][state]; chosen[i] == Left {
			tokens, state = k.out(one, s, state)
			i = s.Skip
		} else {
			tokens, state = k.in(one, i, s.Forms[chosen[i]], state)
			i++
		}
		cost += tokens
	}
	return chosen, cost
}
