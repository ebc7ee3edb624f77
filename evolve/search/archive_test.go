package search

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// A text is asked about once, however many masks give it and however often it comes back.
func TestTextsAreAskedAboutOnce(t *testing.T) {
	e := &rewardTable{other: []float64{1, 0, 1, 0}}
	s := tableSearch(e, Options{})
	_, refs := candidatesOf("a", "b", "a")
	if err := s.evaluate(t.Context(), refs); err != nil {
		t.Fatal(err)
	}
	if len(e.asked) != 2 || s.stats.Prompts != 2 || s.stats.Examples != 8 {
		t.Errorf("%d trials, stats %+v, want 2 trials of 4 examples", len(e.asked), s.stats)
	}
	if len(s.history) != 3 || s.history[2].Fitness != 0.5 {
		t.Errorf("the history is %+v", s.history)
	}
	_, again := candidatesOf("b")
	if err := s.evaluate(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	if len(e.asked) != 2 || again[0].Fitness != 0.5 {
		t.Errorf("a known text was asked about again: %d trials", len(e.asked))
	}
}

// What is known of a text is not asked for again when more of it is wanted.
func TestExtensionAsksForTheRestAlone(t *testing.T) {
	e := &rewardTable{other: []float64{1, 0, 1, 1}}
	s := tableSearch(e, Options{})
	cs, refs := candidatesOf("a")
	if err := s.extend(t.Context(), refs, 1); err != nil {
		t.Fatal(err)
	}
	s.enter(refs[0])
	if !cs[0].Partial || cs[0].Fitness != 1 {
		t.Errorf("after one of four examples: %+v", cs[0])
	}
	if err := s.extend(t.Context(), refs, 4); err != nil {
		t.Fatal(err)
	}
	want := []Trial{{"a", 0, 1}, {"a", 1, 4}}
	if len(e.asked) != 2 || e.asked[0] != want[0] || e.asked[1] != want[1] {
		t.Errorf("trials are %v, want %v", e.asked, want)
	}
	s.enter(refs[0])
	if cs[0].Partial || cs[0].Fitness != 0.75 || s.stats.Prompts != 1 {
		t.Errorf("after all examples: %+v, stats %+v", cs[0], s.stats)
	}
}

// miscounter gives one reward whatever is asked.
type miscounter struct{}

func (miscounter) Evaluate(_ context.Context, trials []Trial) ([][]float64, error) {
	return make([][]float64, len(trials)), nil
}

type brokenEvaluator struct{ err error }

func (f brokenEvaluator) Evaluate(context.Context, []Trial) ([][]float64, error) { return nil, f.err }

func TestEvaluatorsThatFail(t *testing.T) {
	broken := errors.New("no answer")
	for _, a := range Algorithms() {
		p := letterProblem("abcdef", nil)
		p.Evaluator = brokenEvaluator{broken}
		if _, err := Run(t.Context(), p, Options{Algorithm: a}); !errors.Is(err, broken) {
			t.Errorf("%s: Run = %v, want the evaluator's error", a, err)
		}
		p.Evaluator = miscounter{}
		_, err := Run(t.Context(), p, Options{Algorithm: a})
		if err == nil || !strings.Contains(err.Error(), "0 rewards for 1 examples") {
			t.Errorf("%s: Run = %v, want what is wrong with the rewards", a, err)
		}
	}
}

// Each objective has its own best; the full prompt is the first, and half-seen candidates have no
// say.
func TestBestByObjective(t *testing.T) {
	e := &rewardTable{}
	s := tableSearch(e, Options{})
	for _, c := range []Candidate{
		{Text: "full", Fitness: 5, Length: 10},
		{Text: "half", Fitness: 99, Length: 1, Partial: true},
		{Text: "worse and short", Fitness: 4, Length: 2},
		{Text: "level", Fitness: 5, Length: 6},
		{Text: "best", Fitness: 7, Length: 8},
		{Text: "as good, longer", Fitness: 7, Length: 9},
		{Text: "level again", Fitness: 5, Length: 6},
		{Text: "short", Fitness: 6, Length: 6},
	} {
		s.record(c)
	}
	for o, want := range map[Objective]string{Best: "best", Front: "best", Shortest: "short"} {
		if got := s.best(o); got.Text != want {
			t.Errorf("the %s is %q, want %q", o, got.Text, want)
		}
	}
}

// The digest stands for every evaluation in its order.
func TestDigestTellsRunsApart(t *testing.T) {
	digest := func(cs ...Candidate) string {
		s := tableSearch(&rewardTable{}, Options{})
		for _, c := range cs {
			s.record(c)
		}
		return s.digest()
	}
	a, b := Candidate{Text: "a", Fitness: 1}, Candidate{Text: "b", Fitness: 2}
	if first, again := digest(a, b), digest(a, b); first != again {
		t.Error("the same run has two digests")
	}
	for name, other := range map[string]string{
		"another order":   digest(b, a),
		"another fitness": digest(a, Candidate{Text: "b", Fitness: 2.5}),
		"one fewer":       digest(a),
	} {
		if other == digest(a, b) {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestEvaluateMasks(t *testing.T) {
	p := letterProblem("abcdef", additive)
	p.Length = func(text string) int { return 10 * len(text) }
	got, err := EvaluateMasks(t.Context(), p, []Mask{FullMask(6), FullMask(6).Flip(0), FullMask(6).Flip(2)})
	if err != nil {
		t.Fatal(err)
	}
	if textsIn(got) != "abcdef bcdef abdef" {
		t.Errorf("candidates are %q", textsIn(got))
	}
	for i, want := range []float64{.8, .82, .75} {
		near(t, got[i].Text, got[i].Fitness, want)
		if got[i].Length != 10*len(got[i].Text) || got[i].Partial {
			t.Errorf("%+v is not judged whole with its length", got[i])
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := EvaluateMasks(ctx, p, []Mask{FullMask(6)}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
