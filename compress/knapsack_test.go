package compress

import (
	"math"
	"math/rand/v2"
	"testing"
)

// randomWalk makes a tree of blocks with frames between them, at most n steps, each in up to most
// forms.
func randomWalk(rng *rand.Rand, n, most int) []step {
	var walk []step
	var grow func(depth, room int)
	grow = func(depth, room int) {
		for room > 0 && len(walk) < n {
			if rng.IntN(4) == 0 {
				walk = append(walk, keep(1+rng.IntN(6), 0, 0))
				room--
				continue
			}
			at := len(walk)
			walk = append(walk, step{forms: []form{randomForm(rng)}})
			for range rng.IntN(most) {
				walk[at].forms = append(walk[at].forms, randomForm(rng))
			}
			if depth == 0 && rng.IntN(5) == 0 {
				walk[at].alone = 1 + rng.IntN(4)
			}
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

func randomForm(rng *rand.Rand) form {
	f := form{tokens: rng.IntN(9), value: float64(rng.IntN(10))}
	if f.tokens > 0 {
		f.leads, f.trails, f.skips = rng.IntN(3) == 0, rng.IntN(3) == 0, rng.IntN(4) == 0
	}
	return f
}

// price replays a choice: its value and cost, markers included. It says by itself what gaps cost.
func price(k knapsack, chosen func(int) int) (value float64, cost int) {
	gap := false
	for i := 0; i < len(k.steps); {
		s := k.steps[i]
		n := chosen(i)
		if s.skip > 0 && n == left {
			switch {
			case s.alone > 0:
				cost += s.alone
				gap = false
			case !gap:
				cost += k.marker
				gap = true
			}
			i = s.skip
			continue
		}
		f := s.forms[max(n, 0)%len(s.forms)]
		value += f.value
		cost += f.tokens
		if f.leads && !gap {
			cost += k.marker
		}
		switch {
		case s.alone > 0:
			gap = false
		case f.trails:
			gap = true
		case f.tokens > 0:
			gap = false
		}
		i++
		if f.skips {
			i = s.skip
		}
	}
	return value, cost
}

// bestOf tries every choice of the steps from i on.
func bestOf(k knapsack, chosen []int, i, budget int) float64 {
	if i == len(k.steps) {
		if value, cost := price(k, func(i int) int { return chosen[i] }); cost <= budget {
			return value
		}
		return math.Inf(-1)
	}
	most := math.Inf(-1)
	for n := left; n < len(k.steps[i].forms); n++ {
		chosen[i] = n
		most = max(most, bestOf(k, chosen, i+1, budget))
	}
	return most
}

func TestKnapsackAgainstAllChoices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		k := knapsack{steps: randomWalk(rng, 7, 3), marker: rng.IntN(5)}
		budget := rng.IntN(40)
		most := bestOf(k, make([]int, len(k.steps)), 0, budget)
		chosen, ok := k.pack(budget)
		if !ok {
			if !math.IsInf(most, -1) {
				t.Fatalf("round %d: nothing fits %d tokens, yet %v does", round, budget, most)
			}
			continue
		}
		value, cost := price(k, func(i int) int { return chosen[i] })
		if value != most || cost > budget {
			t.Fatalf("round %d: value %v at %d of %d tokens, best is %v", round, value, cost, budget, most)
		}
	}
}

// Forms chosen together are worth at least what the two stages of LongCodeZip find: the best blocks
// as a whole first, then smaller forms in what is left.
func TestKnapsackIsNeverWorseThanTwoStages(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for round := range 200 {
		k := knapsack{steps: randomWalk(rng, 30, 3), marker: rng.IntN(5)}
		budget := 20 + rng.IntN(100)
		whole := knapsack{marker: k.marker}
		for _, s := range k.steps {
			s.forms = s.forms[:1]
			whole.steps = append(whole.steps, s)
		}
		first, ok := whole.pack(budget)
		if !ok {
			continue
		}
		two := append([]int(nil), first...)
		floor, _ := price(k, func(i int) int { return two[i] })
		for i, s := range k.steps {
			for n := 1; two[i] == left && n < len(s.forms); n++ {
				two[i] = n
				if value, cost := price(k, func(i int) int { return two[i] }); cost <= budget && value > floor {
					floor = value
				} else {
					two[i] = left
				}
			}
		}
		chosen, _ := k.pack(budget)
		if value, _ := price(k, func(i int) int { return chosen[i] }); value < floor {
			t.Fatalf("round %d: value %v, two stages find %v", round, value, floor)
		}
	}
}

// A table beyond its bound counts in coarser units: never over budget, and at least as good as what
// a budget smaller by one unit a step allows.
func TestKnapsackCoarseUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	k := knapsack{marker: 11}
	for i := range 100 {
		k.steps = append(k.steps, keep(20+rng.IntN(200), rng.Float64(), i+1))
	}
	const budget = 6000
	table := k.fill(budget)
	if table.unit < 2 {
		t.Fatalf("unit %d: the table is too small for this test", table.unit)
	}
	chosen, ok := k.pack(budget)
	value, cost := price(k, func(i int) int { return chosen[i] })
	if !ok || cost > budget {
		t.Fatalf("%d tokens in a budget of %d", cost, budget)
	}
	small := k
	small.steps = k.steps[:40] // fits the table exactly
	exact, _ := small.pack(budget - table.unit*len(k.steps))
	if floor, _ := price(small, func(i int) int { return exact[i] }); value < floor {
		t.Errorf("value %v is below the bound %v", value, floor)
	}
}

func BenchmarkKnapsack(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	k := knapsack{steps: randomWalk(rng, 120, 3), marker: 11}
	total := 0
	for _, s := range k.steps {
		total += s.forms[0].tokens
	}
	for b.Loop() {
		k.pack(max(total/2, 1500))
	}
}
