package search

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// letters scores texts over single letters by a function of the text, as one example.
type letters func(text string) float64

func (f letters) Evaluate(_ context.Context, trials []Trial) ([][]float64, error) {
	out := make([][]float64, len(trials))
	for i, t := range trials {
		for range t.To - t.From {
			out[i] = append(out[i], f(t.Text))
		}
	}
	return out, nil
}

func letterProblem(text string, f letters) Problem {
	t, _ := NewTemplate(text, nil, func(s string) ([]string, error) { return strings.Split(s, ""), nil })
	return Problem{Template: t, Examples: 1, Evaluator: f}
}

// additive is the worked example of TAPruning: what removing each letter adds to .80. It counts in
// thousandths, so that equal sums are equal numbers.
func additive(text string) float64 {
	sum := 800
	for letter, gain := range map[string]int{"a": 20, "b": -10, "c": -50, "d": 10, "e": -20, "f": -40} {
		if !strings.Contains(text, letter) {
			sum += gain
		}
	}
	return float64(sum) / 1000
}

func TestTAPruningFollowsTheWorkedExample(t *testing.T) {
	tests := []struct {
		name  string
		opt   Options
		want  string
		fit   float64
		evals int
	}{
		{name: "delta .96", opt: Options{}, want: "cef", fit: .82, evals: 9},
		{name: "delta 1", opt: Options{Delta: 1}, want: "bcef", fit: .83, evals: 11},
		{name: "as published", opt: Options{Reference: true}, want: "cef", fit: .82, evals: 9},
	}
	for _, tt := range tests {
		tt.opt.Algorithm = TAPruning
		r, err := Run(t.Context(), letterProblem("abcdef", additive), tt.opt)
		if err != nil {
			t.Fatal(err)
		}
		if r.Best.Text != tt.want || len(r.History) != tt.evals {
			t.Errorf("%s: %q after %d evaluations, want %q after %d", tt.name, r.Best.Text, len(r.History),
				tt.want, tt.evals)
		}
		near(t, tt.name+" fitness", r.Best.Fitness, tt.fit)
	}
}

func TestTAPruningSpeculatingGivesTheSameAnswer(t *testing.T) {
	for seed := range uint64(5) {
		p := NewPlanted(Interacting, 40, seed).Problem()
		one, err := Run(t.Context(), p, Options{Algorithm: TAPruning})
		if err != nil {
			t.Fatal(err)
		}
		many, err := Run(t.Context(), p, Options{Algorithm: TAPruning, Ahead: 8})
		if err != nil {
			t.Fatal(err)
		}
		if one.Best.Text != many.Best.Text || len(one.History) != len(many.History) {
			t.Errorf("seed %d: one at a time and eight ahead differ", seed)
		}
		if many.Stats.Prompts < one.Stats.Prompts {
			t.Errorf("seed %d: speculation evaluated %d prompts, fewer than %d", seed, many.Stats.Prompts,
				one.Stats.Prompts)
		}
	}
}

// With a negative best the published ratio accepts a worse prompt and rejects a better one.
func TestTAPruningOnNegativeFitness(t *testing.T) {
	fitness := letters(func(text string) float64 {
		switch text {
		case "ab":
			return -10
		case "b":
			return -20
		case "a":
			return -9
		}
		return -30
	})
	for _, tt := range []struct {
		reference bool
		// The text after the first sweep's first removal was folded: what the second removal starts
		// from.
		first string
		want  string
	}{
		{reference: false, first: "a", want: "a"},
		{reference: true, first: "", want: "ab"},
	} {
		r, err := Run(t.Context(), letterProblem("ab", fitness), Options{Algorithm: TAPruning, Reference: tt.reference})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.History[2].Text; got != tt.first || r.Best.Text != tt.want {
			t.Errorf(
				"reference %v: second removal gave %q, answer %q, want %q and %q", tt.reference, got, r.Best.Text,
				tt.first, tt.want,
			)
		}
	}
}

func TestSurvivors(t *testing.T) {
	fit := func(prefix string, values ...float64) []Candidate {
		var out []Candidate
		for i, v := range values {
			out = append(out, Candidate{Text: prefix + string(rune('1'+i)), Fitness: v})
		}
		return out
	}
	old, children := fit("P", 9, 8, 7, 6), fit("O", 3, 5, 4, 2, 1, 5)
	tests := []struct {
		name      string
		children  []Candidate
		reference bool
		want      []string
	}{
		{name: "full brood", children: children, reference: true, want: []string{"O2", "O6", "O3", "O1"}},
		{
			name:      "one slot wasted, as published",
			children:  children[:5],
			reference: true,
			want:      []string{"P4", "O2", "O3", "O1"},
		},
		{name: "one slot wasted, ours", children: children[:5], want: []string{"P1", "O2", "O3", "O1"}},
	}
	for _, tt := range tests {
		s := &search{opt: Options{Reference: tt.reference, Evolution: Evolution{Population: 4, Offspring: 6}}}
		var got []string
		for _, c := range s.survivors(old, tt.children) {
			got = append(got, c.Text)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: survivors %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestHalvingPromotesFromThePopulationMinimum(t *testing.T) {
	stages := map[string][2]float64{"a": {.60, 0}, "b": {.72, .64}, "c": {.70, .80}, "d": {.55, 0}}
	p := letterProblem("abcd", nil)
	p.Examples = 4
	p.Evaluator = rewardRows(func(text string, example int) float64 { return stages[text][example/2] })
	s := &search{archive: newArchive(p)}
	cs := []Candidate{{Text: "a"}, {Text: "b"}, {Text: "c"}, {Text: "d"}}
	refs := []*Candidate{&cs[0], &cs[1], &cs[2], &cs[3]}
	if err := s.halve(t.Context(), refs, .62); err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{.60, .68, .75, .55} {
		s.enter(refs[i])
		near(t, "fitness of "+cs[i].Text, cs[i].Fitness, want)
	}
	if cs[0].Partial != true || cs[1].Partial != false {
		t.Error("only those that were promoted saw every example")
	}
}

type rewardRows func(text string, example int) float64

func (f rewardRows) Evaluate(_ context.Context, trials []Trial) ([][]float64, error) {
	out := make([][]float64, len(trials))
	for i, t := range trials {
		for e := t.From; e < t.To; e++ {
			out[i] = append(out[i], f(t.Text, e))
		}
	}
	return out, nil
}

func TestElite(t *testing.T) {
	scores := []float64{.50, .62, .62, .70, .71, .55, .71, .40, .66, .68}
	if got := TopPercent(scores, 10); !slices.Equal(got, []int{4, 6}) {
		t.Errorf("Elite = %v, want [4 6]", got)
	}
	if got := TopPercent([]float64{1, 2, 1, 2, 1, 2, 1, 2, 1, 1}, 10); !slices.Equal(got, []int{1, 3, 5, 7}) {
		t.Errorf("Elite of ties = %v, want [1 3 5 7]", got)
	}
}

func TestSpreadTakesNoNearCopies(t *testing.T) {
	mask := func(s string) (m Mask) {
		if err := m.UnmarshalText([]byte(s)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	history := []Candidate{
		{Text: "a", Mask: mask("1111"), Fitness: 3},
		{Text: "b", Mask: mask("1110"), Fitness: 5},
		{Text: "c", Mask: mask("0000"), Fitness: 1},
		{Text: "d", Mask: mask("0011"), Fitness: 9, Partial: true},
		{Text: "e", Mask: mask("1100"), Fitness: 2},
	}
	var got []string
	for _, c := range SpreadContenders(history, 2, 5) {
		got = append(got, c.Text)
	}
	if !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("spread = %v, want [b c]: a and e are one unit from b", got)
	}
}
