package knapsack

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomWalk makes a tree of blocks with frames between them, at most n steps, each in up to most
// Forms.
func randomWalk(rng *rand.Rand, n, most int) []Step {
	var walk []Step
	var grow func(depth, room int)
	grow = func(depth, room int) {
		for room > 0 && len(walk) < n {
			if rng.IntN(4) == 0 {
				walk = append(walk, Keep(1+rng.IntN(6), 0, 0))
				room--
				continue
			}
			at := len(walk)
			walk = append(walk, Step{Forms: []Form{randomForm(rng)}})
			for range rng.IntN(most) {
				walk[at].Forms = append(walk[at].Forms, randomForm(rng))
			}
			if depth == 0 && rng.IntN(5) == 0 {
				walk[at].Alone = 1 + rng.IntN(4)
			}
			room--
			if depth < 3 && rng.IntN(3) == 0 {
				inner := rng.IntN(room + 1)
				grow(depth+1, inner)
				room -= inner
			}
			walk[at].Skip = len(walk)
		}
	}
	grow(0, n)
	return walk
}

func randomForm(rng *rand.Rand) Form {
	f := Form{Tokens: rng.IntN(9), Value: float64(rng.IntN(10))}
	if f.Tokens > 0 {
		f.Leads, f.Trails = rng.IntN(3) == 0, rng.IntN(3) == 0
	}
	return f
}

// price replays a choice: its value and cost, markers included. It says by itself what gaps cost.
func price(k Tree, chosen func(int) int) (value float64, cost int) {
	gap := false
	for i := 0; i < len(k.Steps); {
		s := k.Steps[i]
		n := chosen(i)
		if s.Skip > 0 && n == Left {
			switch {
			case s.Alone > 0:
				cost += s.Alone
				gap = false
			case !gap:
				cost += k.Marker
				gap = true
			}
			i = s.Skip
			continue
		}
		f := s.Forms[max(n, 0)%len(s.Forms)]
		value += f.Value
		cost += f.Tokens
		if f.Leads && !gap {
			cost += k.Marker
		}
		switch {
		case s.Alone > 0:
			gap = false
		case f.Trails:
			gap = true
		case f.Tokens > 0:
			gap = false
		}
		i++
	}
	return value, cost
}

// bestOf tries every choice of the steps from i on.
func bestOf(k Tree, chosen []int, i, budget int) float64 {
	if i == len(k.Steps) {
		if value, cost := price(k, func(i int) int { return chosen[i] }); cost <= budget {
			return value
		}
		return math.Inf(-1)
	}
	most := math.Inf(-1)
	for n := Left; n < len(k.Steps[i].Forms); n++ {
		chosen[i] = n
		most = max(most, bestOf(k, chosen, i+1, budget))
	}
	return most
}

func TestKnapsackAgainstAllChoices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		k := Tree{Steps: randomWalk(rng, 7, 3), Marker: rng.IntN(5)}
		budget := rng.IntN(40)
		most := bestOf(k, make([]int, len(k.Steps)), 0, budget)
		chosen, ok := k.Pack(budget)
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
		k := Tree{Steps: randomWalk(rng, 30, 3), Marker: rng.IntN(5)}
		budget := 20 + rng.IntN(100)
		whole := Tree{Marker: k.Marker}
		for _, s := range k.Steps {
			s.Forms = s.Forms[:1]
			whole.Steps = append(whole.Steps, s)
		}
		first, ok := whole.Pack(budget)
		if !ok {
			continue
		}
		two := append([]int(nil), first...)
		floor, _ := price(k, func(i int) int { return two[i] })
		for i, s := range k.Steps {
			for n := 1; two[i] == Left && n < len(s.Forms); n++ {
				two[i] = n
				if value, cost := price(k, func(i int) int { return two[i] }); cost <= budget && value > floor {
					floor = value
				} else {
					two[i] = Left
				}
			}
		}
		chosen, _ := k.Pack(budget)
		if value, _ := price(k, func(i int) int { return chosen[i] }); value < floor {
			t.Fatalf("round %d: value %v, two stages find %v", round, value, floor)
		}
	}
}

// A table beyond its bound counts in coarser units: never over budget, and at least as good as what
// a budget smaller by one unit a step allows.
func TestKnapsackCoarseUnits(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	k := Tree{Marker: 11}
	for i := range 100 {
		k.Steps = append(k.Steps, Keep(20+rng.IntN(200), rng.Float64(), i+1))
	}
	const budget = 6000
	chosen, ok := k.Pack(budget)
	unit := k.table.unit
	if unit < 2 {
		t.Fatalf("unit %d: the table is too small for this test", unit)
	}
	value, cost := price(k, func(i int) int { return chosen[i] })
	if !ok || cost > budget {
		t.Fatalf("%d tokens in a budget of %d", cost, budget)
	}
	small := Tree{Steps: k.Steps[:40], Marker: k.Marker} // fits the table exactly
	exact, _ := small.Pack(budget - unit*len(k.Steps))
	if floor, _ := price(small, func(i int) int { return exact[i] }); value < floor {
		t.Errorf("value %v is below the bound %v", value, floor)
	}
}

// What was packed before, under whatever budget and price of markers, decides nothing.
func TestKnapsackRemembersNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for round := range 40 {
		k := Tree{Steps: randomWalk(rng, 60, 3)}
		for range 12 {
			k.Marker = 5 * rng.IntN(3)
			budget := rng.IntN(12000)
			fresh := Tree{Steps: k.Steps, Marker: k.Marker}
			got, ok := k.Pack(budget)
			if want, fits := fresh.Pack(budget); ok != fits || !slices.Equal(got, want) {
				t.Fatalf("round %d, budget %d: %v, %v; alone %v, %v", round, budget, got, ok, want, fits)
			}
		}
	}
}

func BenchmarkKnapsack(b *testing.B) {
	rng := rand.New(rand.NewPCG(5, 6))
	k := Tree{Steps: randomWalk(rng, 120, 3), Marker: 11}
	total := 0
	for _, s := range k.Steps {
		total += s.Forms[0].Tokens
	}
	for b.Loop() {
		fresh := Tree{Steps: k.Steps, Marker: k.Marker}
		fresh.Pack(max(total/2, 1500))
	}
}

// Trees that take each other's tables choose as those with their own do.
func TestKnapsackTablesAreShared(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for round := range 200 {
		k := Tree{Steps: randomWalk(rng, 1+rng.IntN(60), 3), Marker: rng.IntN(5)}
		budget := rng.IntN(400)
		want, fits := (&Tree{Steps: k.Steps, Marker: k.Marker}).Pack(budget)
		for range 2 {
			if got, ok := k.Pack(budget); ok != fits || !slices.Equal(got, want) {
				t.Fatalf("round %d, budget %d: %v, %v; alone %v, %v", round, budget, got, ok, want, fits)
			}
			k.Free()
		}
	}
}

// codeWalk is a walk as code has it: what is around is small, what is inside has the worth.
func codeWalk(rng *rand.Rand, n int) (walk []Step, tokens int) {
	walk = randomWalk(rng, n, 3)
	for i := range walk {
		s := &walk[i]
		for n := range s.Forms {
			s.Forms[n] = Form{Tokens: 1 + rng.IntN(4), Value: rng.Float64() / 10}
			if s.Skip == i+1 {
				s.Forms[n] = Form{Tokens: 40 + rng.IntN(60), Value: 1 + 9*rng.Float64()}
			}
		}
		tokens += s.Forms[0].Tokens
	}
	return walk, tokens
}

// A choice by price fits, and no other of as many tokens is worth more; where the walk is too large
// for the table it uses nearly all of its budget.
func TestKnapsackByPrice(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for round := range 60 {
		walk, total := codeWalk(rng, 60)
		k := Tree{Steps: walk, Marker: rng.IntN(5)}
		budget := total * rng.IntN(5) / 10
		chosen, fits := k.byPrice(budget)
		if _, ok := k.Pack(budget); ok != fits {
			t.Fatalf("round %d: fits %v, by price %v", round, ok, fits)
		}
		if !fits {
			continue
		}
		value, cost := price(k, func(i int) int { return chosen[i] })
		exact, _ := (&Tree{Steps: walk, Marker: k.Marker}).Pack(cost)
		if most, _ := price(k, func(i int) int { return exact[i] }); cost > budget || math.Abs(value-most) > 1e-9 {
			t.Fatalf("round %d: value %v at %d of %d tokens, best is %v", round, value, cost, budget, most)
		}
	}
	large := Tree{Marker: 11}
	for i := range 5000 {
		large.Steps = append(large.Steps, Keep(20+rng.IntN(200), rng.Float64(), i+1))
	}
	const budget = 100_000
	chosen, ok := large.Pack(budget)
	if _, cost := price(large, func(i int) int { return chosen[i] }); !ok || cost > budget || cost < budget*95/100 {
		t.Errorf("%d tokens of a budget of %d", cost, budget)
	}
	large.Steps = append(large.Steps, Keep(budget+1, 1, 0))
	if _, ok := large.Pack(budget); ok {
		t.Error("what must stay is larger than the budget, and fits")
	}
}
