package search

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// bred is a search with what breeding needs: sizes and random numbers.
func bred(t *testing.T, change func(*Options)) *search {
	t.Helper()
	opt := Options{Algorithm: GGA}
	opt.Evolution.Population, opt.Evolution.Offspring = 4, 6
	if change != nil {
		change(&opt)
	}
	opt, err := opt.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	p := letterProblem("abcdefghij", func(text string) float64 { return -float64(len(text)) })
	return &search{archive: newArchive(p), opt: opt, rng: rand.New(rand.NewPCG(1, 2))}
}

func fitnesses(values ...float64) []Candidate {
	var out []Candidate
	for i, v := range values {
		out = append(out, Candidate{Text: string(rune('a' + i)), Fitness: v})
	}
	return out
}

// Age removes every parent, even the best, unless slots were wasted; then the best-ranked stay, or
// in reference mode the worst.
func TestAgeRemovesParents(t *testing.T) {
	old := fitnesses(9, 8, 2, 1)
	children := func(values ...float64) []Candidate {
		var out []Candidate
		for _, v := range values {
			out = append(out, Candidate{Text: "child", Fitness: v})
		}
		return out
	}
	tests := []struct {
		name      string
		reference bool
		children  []Candidate
		want      []float64
	}{
		{"a full brood: no parent stays", false, children(1, 2, 3, 4, 5, 6), []float64{6, 5, 4, 3}},
		{"two slots wasted: two of the best stay", false, children(1, 2, 3, 4), []float64{9, 8, 4, 3}},
		{"the same as published: two of the worst compete", true, children(1, 2, 3, 4), []float64{4, 3, 2, 2}},
		{"more wasted than there are parents", false, children(3), []float64{9, 8, 3, 2}},
	}
	for _, tt := range tests {
		s := bred(t, func(o *Options) { o.Reference = tt.reference })
		got := s.survivors(old, tt.children)
		for i, c := range got {
			if i >= len(tt.want) || c.Fitness != tt.want[i] {
				t.Errorf("%s: survivor %d has %v, want %v", tt.name, i, c.Fitness, tt.want)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %d survivors, want %d", tt.name, len(got), len(tt.want))
		}
	}
}

// A child lacks one to Mutations units of its parent, and never all of them.
func TestChildrenLoseAFewUnits(t *testing.T) {
	s := bred(t, nil)
	parent := s.candidate(FullMask(10))
	losses := map[int]bool{}
	for range 200 {
		child, ok := s.child([]Candidate{parent})
		if !ok {
			t.Fatal("a parent of ten units has no child")
		}
		losses[10-child.Mask.Kept()] = true
	}
	if len(losses) != 4 || losses[0] || losses[5] {
		t.Errorf("children lost %v units, want 1 to 4", losses)
	}
	bare := s.candidate(maskOf("1000000000"))
	if child, ok := s.child([]Candidate{bare}); ok {
		t.Errorf("the last unit was dropped: %q", child.Text)
	}
}

// The fittest of those drawn wins, and the larger the tournament the surer it is the best of all.
func TestTournaments(t *testing.T) {
	population := fitnesses(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	wins := func(size float64) (best int) {
		s := bred(t, func(o *Options) { o.Evolution.Tournament = size })
		for range 300 {
			if s.tournament(population).Fitness == 10 {
				best++
			}
		}
		return best
	}
	lottery, contest := wins(0.1), wins(1)
	if lottery < 10 || lottery > 60 || contest < 150 {
		t.Errorf("the best won %d of 300 draws of one and %d of 300 tournaments of ten", lottery, contest)
	}
}

func TestScatterDropsAFewUnits(t *testing.T) {
	s := bred(t, func(o *Options) { o.Evolution.Scatter = true })
	full := s.candidate(FullMask(10))
	population, err := s.firstPopulation(t.Context(), full)
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]bool{}
	for i, c := range population {
		texts[c.Text] = true
		if i > 0 && c.Fitness > population[i-1].Fitness {
			t.Error("the first population is not sorted by fitness")
		}
	}
	if len(population) != 4 || len(texts) < 2 || s.stats.Explored != 4 {
		t.Errorf("%d members, %d texts, %d explored", len(population), len(texts), s.stats.Explored)
	}
	plain := bred(t, nil)
	if population, _ = plain.firstPopulation(t.Context(), full); population[3].Text != full.Text ||
		plain.stats.Explored != 0 {
		t.Errorf("plain copies are %+v, %d explored", population, plain.stats.Explored)
	}
}

// An evolution ends where nothing is left to prune, at its budget, and at its shortest length.
func TestEvolutionsEnd(t *testing.T) {
	shorter := letters(func(text string) float64 { return -float64(len(text)) })
	for _, a := range []Algorithm{GGA, SSGA} {
		few, err := Run(t.Context(), letterProblem("abc", shorter),
			Options{Algorithm: a, MinLength: 1, MaxPrompts: 5000})
		if err != nil {
			t.Fatal(err)
		}
		if len(few.Best.Text) != 1 || few.Stats.Prompts > 8 {
			t.Errorf("%s on three units: %q after %d prompts", a, few.Best.Text, few.Stats.Prompts)
		}
		capped, err := Run(t.Context(), NewPlanted(Additive, 60, 1).Problem(),
			Options{Algorithm: a, MinLength: 1, MaxPrompts: 120})
		if err != nil {
			t.Fatal(err)
		}
		if n := capped.Stats.Explored; n < 120 || n > 120+50 {
			t.Errorf("%s explored %d prompts with a budget of 120 and broods of 50", a, n)
		}
		short, err := Run(t.Context(), NewPlanted(Additive, 60, 1).Problem(), Options{Algorithm: a, MinLength: 55})
		if err != nil {
			t.Fatal(err)
		}
		if n := short.Stats.Explored; n < 51 || n > 1000 {
			t.Errorf("%s explored %d prompts before the mean length was 55 of 60", a, n)
		}
	}
}

// The published count has the wasted slots of a brood, ours has the prompts.
func TestWastedSlotsCountInReferenceMode(t *testing.T) {
	shorter := letters(func(text string) float64 { return -float64(len(text)) })
	for _, reference := range []bool{false, true} {
		var explored []int
		_, err := Run(t.Context(), letterProblem("abcdefghij", shorter), Options{
			Algorithm: GGA, Reference: reference, MinLength: 1,
			OnGeneration: func(p Progress) error { explored = append(explored, p.Stats.Explored); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		wasted := slices.ContainsFunc(explored, func(n int) bool { return (n-1)%50 != 0 })
		if len(explored) < 2 || reference == wasted {
			t.Errorf("reference %v: explored %v, in broods of 50", reference, explored)
		}
	}
}
