package compress

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomWalk makes a tree of blocks with frames between them, at most n steps.
func randomWalk(rng *rand.Rand, n int) []step {
	var walk []step
	var grow func(depth, room int)
	grow = func(depth, room int) {
		for room > 0 && len(walk) < n {
			if rng.IntN(4) == 0 {
				walk = append(walk, step{tokens: 1 + rng.IntN(6)})
				room--
				continue
			}
			at := len(walk)
			walk = append(walk, step{tokens: rng.IntN(9), value: float64(rng.IntN(10))})
			room--
			if depth < 3 && rng.IntN(3) == 0 {
				inner := rng.IntN(room + 1)
				grow(depth+1, inner)
				room -= inner
			}
			walk[at].skip = len(walk)
		}
	}
	grow(0, n)
	return walk
}

// price replays a choice: its value and cost, markers included.
func price(k knapsack, kept func(int) bool) (value float64, cost int) {
	gap := false
	for i := 0; i < len(k.steps); {
		s := k.steps[i]
		if s.skip > 0 && !kept(i) {
			if !gap {
				cost += k.marker
			}
			gap = true
			i = s.skip
			continue
		}
		value += s.value
		cost += s.tokens
		gap = gap && s.tokens == 0
		i++
	}
	return value, cost
}

func TestKnapsackAgainstAllChoices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		k := knapsack{steps: randomWalk(rng, 12), marker: rng.IntN(5)}
		budget := rng.IntN(60)
		best := math.Inf(-1)
		for choice := range 1 << len(k.steps) {
			if value, cost := price(k, func(i int) bool { return choice>>i&1 == 1 }); cost <= budget {
				best = max(best, value)
			}
		}
		kept, ok := k.pack(budget)
		if !ok {
			if !math.IsInf(best, -1) {
				t.Fatalf("round %d: nothing fits %d tokens, yet %v does", round, budget, best)
			}
			continue
		}
		value, cost := price(k, func(i int) bool { return kept[i] })
		if value != best || cost > budget {
			t.Fatalf("round %d: value %v at %d of %d tokens, best is %v", round, value, cost, budget, best)
		}
	}
}

// A table beyond its bound counts in coarser units: never over budget, and at least as good as what a budget smaller by
// one unit per step allows.
func TestKnapsackCoarseUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	k := knapsack{marker: 11}
	for i := range 300 {
		k.steps = append(k.steps, step{tokens: 20 + rng.IntN(200), value: rng.Float64(), skip: i + 1})
	}
	const budget = 20000
	table := k.fill(budget)
	if table.unit < 2 {
		t.Fatalf("unit %d: the table is too small for this test", table.unit)
	}
	kept, ok := k.pack(budget)
	value, cost := price(k, func(i int) bool { return kept[i] })
	if !ok || cost > budget {
		t.Fatalf("%d tokens in a budget of %d", cost, budget)
	}
	small := k
	small.steps = k.steps[:200] // fits the table exactly
	exact, _ := small.pack(budget - table.unit*len(k.steps))
	if floor, _ := price(small, func(i int) bool { return exact[i] }); value < floor {
		t.Errorf("value %v is below the bound %v", value, floor)
	}
}

func BenchmarkKnapsack(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	k := knapsack{steps: randomWalk(rng, 120), marker: 11}
	total := 0
	for _, s := range k.steps {
		total += s.tokens
	}
	for b.Loop() {
		k.pack(max(total/2, 1500))
	}
}
