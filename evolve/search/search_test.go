package search

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestPlantedOptimumIsExact(t *testing.T) {
	for _, kind := range PlantedKinds() {
		p := NewPlanted(kind, 12, 3)
		best, worst := math.Inf(-1), math.Inf(1)
		for bits := range 1 << 12 {
			dropped := make([]bool, 12)
			for i := range dropped {
				dropped[i] = bits>>i&1 == 1
			}
			best, worst = math.Max(best, p.fitness(dropped)), math.Min(worst, p.fitness(dropped))
		}
		near(t, string(kind)+" optimum", p.Optimum, best)
		near(t, string(kind)+" lowest", p.lowest, worst)
	}
}

func TestPlantedRewardsAverageToTheFitness(t *testing.T) {
	p := NewPlanted(Interacting, 30, 1)
	problem := p.Problem()
	text := problem.Template.Text()
	rewards, err := p.Evaluate(t.Context(), []Trial{{text, 0, 16}, {"{x}", 0, 16}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "full prompt", Mean(rewards[0]), plantedFull)
	for _, r := range slices.Concat(rewards...) {
		if r < problem.Low || r > problem.High {
			t.Errorf("reward %v is outside [%v, %v]", r, problem.Low, problem.High)
		}
	}
}

func TestGuidedFindsPlantedOptima(t *testing.T) {
	rows, err := Bench(t.Context(), BenchOptions{Algorithms: []Algorithm{Guided}, Seeds: 4, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.Solved < r.Seeds || r.Saving < 3 {
			t.Errorf(
				"%s: solved %d of %d, %.1f times fewer evaluations than GGA, want all and 3", r.Kind, r.Solved, r.Seeds,
				r.Saving,
			)
		}
	}
}

// late answers in an order that has nothing to do with the order of asking.
type late struct{ Evaluator }

func (l late) Evaluate(ctx context.Context, trials []Trial) ([][]float64, error) {
	time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
	return l.Evaluator.Evaluate(ctx, trials)
}

func TestSameRunOnAnyNumberOfWorkers(t *testing.T) {
	planted := NewPlanted(Interacting, 40, 5)
	for _, a := range Algorithms() {
		var want string
		for _, workers := range []int{1, 2, 8} {
			p := planted.Problem()
			p.Evaluator = Parallel(late{p.Evaluator}, workers)
			got := digestOf(t, p, Options{Algorithm: a, Seed: 9, Ahead: 4, MaxPrompts: 400})
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s on %d workers is another run than on one", a, workers)
			}
		}
		if other := digestOf(t, planted.Problem(), Options{
			Algorithm: a, Seed: 10, Ahead: 4,
			MaxPrompts: 400,
		}); other == want &&
			(a == GGA || a == SSGA) {
			t.Errorf("%s: another seed gave the same run", a)
		}
	}
}

func digestOf(t *testing.T, p Problem, opt Options) string {
	t.Helper()
	var last string
	opt.OnGeneration = func(pr Progress) error { last = pr.Digest; return nil }
	if _, err := Run(t.Context(), p, opt); err != nil {
		t.Fatal(err)
	}
	return last
}

func TestSlotsAreNeverCut(t *testing.T) {
	for _, a := range Algorithms() {
		r, err := Run(t.Context(), NewPlanted(Additive, 30, 2).Problem(),
			Options{Algorithm: a, Seed: 1, MaxPrompts: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.History {
			if !c.Mask[len(c.Mask)-1] {
				t.Fatalf("%s cut the slot of %q", a, c.Text)
			}
		}
	}
}

func TestRacingChangesNoAnswer(t *testing.T) {
	for _, a := range []Algorithm{TAPruning, SAHC, GGA, Guided} {
		for seed := range uint64(4) {
			// Rewards are shifted towards the upper limit, where it bites.
			p := NewPlanted(Interacting, 40, seed).Problem()
			p.High = 195
			slow, err := Run(t.Context(), p, Options{Algorithm: a, Seed: seed, Reference: a == GGA})
			if err != nil {
				t.Fatal(err)
			}
			quick, err := Run(t.Context(), p, Options{Algorithm: a, Seed: seed, Reference: a == GGA, Racing: true})
			if err != nil {
				t.Fatal(err)
			}
			if slow.Best.Text != quick.Best.Text || slow.Best.Fitness != quick.Best.Fitness {
				t.Errorf("%s, seed %d: racing found %v, without it %v", a, seed, quick.Best.Fitness, slow.Best.Fitness)
			}
			if quick.Stats.Examples > slow.Stats.Examples {
				t.Errorf(
					"%s, seed %d: racing asked for %d rewards, more than %d", a, seed, quick.Stats.Examples,
					slow.Stats.Examples,
				)
			}
		}
	}
}

func TestObjectives(t *testing.T) {
	p := NewPlanted(Deceptive, 60, 4).Problem()
	best, err := Run(t.Context(), p, Options{Objective: Best})
	if err != nil {
		t.Fatal(err)
	}
	short, err := Run(t.Context(), p, Options{Objective: Shortest})
	if err != nil {
		t.Fatal(err)
	}
	if short.Best.Fitness < short.Full.Fitness || short.Best.Length >= best.Best.Length {
		t.Errorf(
			"shortest: length %d at %.1f, want under %d at %.1f or more", short.Best.Length, short.Best.Fitness,
			best.Best.Length, short.Full.Fitness,
		)
	}
	front, err := Run(t.Context(), p, Options{Objective: Front})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(front.Front); i++ {
		if a, b := front.Front[i-1], front.Front[i]; a.Length >= b.Length || a.Fitness >= b.Fitness {
			t.Errorf("front point %d is not longer and better than the one before", i)
		}
	}
	if front.Front[0].Length > 15 {
		t.Errorf("the front's shortest has %d units, want 15 or fewer", front.Front[0].Length)
	}
}

func TestSearchStopsWithTheContextAndKeepsItsBest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, err := Run(
		ctx,
		NewPlanted(Additive, 60, 1).Problem(),
		Options{Algorithm: GGA, OnGeneration: func(p Progress) error {
			if p.Generation == 3 {
				cancel()
			}
			return nil
		}},
	)
	if !errors.Is(err, context.Canceled) || r.Best.Text == "" {
		t.Errorf("Search = %q, %v, want the best so far and context.Canceled", r.Best.Text, err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	p := NewPlanted(Additive, 60, 1).Problem()
	for _, opt := range []Options{{Algorithm: "annealing"}, {Objective: "cheap"}, {Delta: 2}} {
		if _, err := Run(t.Context(), p, opt); !errors.Is(err, ErrOptions) {
			t.Errorf("Search(%+v) = %v, want ErrSearchOptions", opt, err)
		}
	}
}

func BenchmarkPlanted(b *testing.B) {
	for b.Loop() {
		rows, err := Bench(b.Context(), BenchOptions{Algorithms: []Algorithm{Guided}, Seeds: 10, Workers: 1})
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range rows {
			b.ReportMetric(r.Saving, string(r.Kind)+"-saving")
			b.ReportMetric(float64(r.Solved)/float64(r.Seeds), string(r.Kind)+"-solved")
		}
	}
}
