package search

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// rewardTable gives the rewards of a text's examples and remembers what was asked for.
type rewardTable struct {
	rows  map[string][]float64
	other []float64 // of a text that has no row
	asked []Trial
}

func (e *rewardTable) Evaluate(_ context.Context, trials []Trial) ([][]float64, error) {
	e.asked = append(e.asked, trials...)
	out := make([][]float64, len(trials))
	for i, t := range trials {
		row, ok := e.rows[t.Text]
		if !ok {
			row = e.other
		}
		out[i] = row[t.From:t.To]
	}
	return out, nil
}

// tableSearch is a search over letters whose rewards, from 0 to 1, stand in a table of four
// examples.
func tableSearch(e *rewardTable, opt Options) *search {
	p := letterProblem("abcdef", nil)
	p.Examples, p.Low, p.High, p.Evaluator = 4, 0, 1, e
	return &search{archive: newArchive(p), opt: opt}
}

func candidatesOf(texts ...string) ([]Candidate, []*Candidate) {
	cs := make([]Candidate, len(texts))
	refs := make([]*Candidate, len(texts))
	for i, text := range texts {
		cs[i], refs[i] = Candidate{Text: text}, &cs[i]
	}
	return cs, refs
}

// seen says how many examples of each text were looked at.
func seen(s *search, texts ...string) string {
	var all []string
	for _, text := range texts {
		all = append(all, fmt.Sprintf("%s%d", text, len(s.rows[text])))
	}
	return strings.Join(all, " ")
}

func TestRaceLeavesOutWhatCannotReachTheGoal(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{
		"a": {0, 0, 0, 0},
		"b": {1, 0, 1, 1},
		"c": {1, 1, 0, 1},
		"d": {0, 1, 1, 1},
	}}
	tests := []struct {
		name   string
		racing bool
		need   float64
		want   string
	}{
		{"without racing all are seen whole", false, 1, "a4 b4 c4 d4"},
		{"a goal that only a perfect row reaches", true, 1, "a1 b2 c3 d1"},
		{"a goal of three of four", true, 0.75, "a2 b4 c4 d4"},
		{"a goal below all", true, -1, "a4 b4 c4 d4"},
	}
	for _, tt := range tests {
		s := tableSearch(e, Options{Racing: tt.racing})
		_, refs := candidatesOf("a", "b", "c", "d")
		if err := s.race(t.Context(), refs, tt.need); err != nil {
			t.Fatal(err)
		}
		if got := seen(s, "a", "b", "c", "d"); got != tt.want {
			t.Errorf("%s: examples seen are %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What can still draw level with the goal stays in the race: a climber takes a draw.
func TestRaceKeepsADraw(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{"a": {1, 1, 1, 0}}}
	s := tableSearch(e, Options{Racing: true})
	cs, refs := candidatesOf("a")
	if err := s.race(t.Context(), refs, 1); err != nil {
		t.Fatal(err)
	}
	s.enter(refs[0])
	if cs[0].Partial || cs[0].Fitness != 0.75 {
		t.Errorf("the candidate that could draw level was left at %+v", cs[0])
	}
}

func TestClimberTakesADraw(t *testing.T) {
	for _, racing := range []bool{false, true} {
		e := &rewardTable{other: []float64{1, 1, 1, 1}}
		p := letterProblem("abcdef", nil)
		p.Examples, p.Low, p.High, p.Evaluator = 4, 0, 1, e
		r, err := Run(t.Context(), p, Options{Algorithm: TAPruning, Delta: 1, Racing: racing})
		if err != nil {
			t.Fatal(err)
		}
		if r.Best.Text != "" || r.Best.Fitness != 1 {
			t.Errorf("racing %v: %q is left where every removal draws level", racing, r.Best.Text)
		}
	}
}

// The best few are those of a race without leaving any out, and fewer examples are asked for.
func TestRaceTopFindsTheSameBest(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{
		"a": {1, 1, 1, 1}, "b": {0, 0, 0, 0}, "c": {1, 1, 1, 0}, "d": {0, 0, 1, 0}, "e": {1, 1, 0, 1},
	}}
	s := tableSearch(e, Options{Racing: true})
	names := []string{"a", "b", "c", "d", "e"}
	_, refs := candidatesOf(names...)
	if err := s.raceTop(t.Context(), refs, 2); err != nil {
		t.Fatal(err)
	}
	if got := seen(s, names...); got != "a4 b3 c4 d3 e4" {
		t.Errorf("examples seen are %q", got)
	}
	// As many places as runners: nobody is left out.
	s = tableSearch(e, Options{Racing: true})
	_, refs = candidatesOf(names...)
	if err := s.raceTop(t.Context(), refs, 6); err != nil {
		t.Fatal(err)
	}
	if got := seen(s, names...); got != "a4 b4 c4 d4 e4" {
		t.Errorf("with a place for all, examples seen are %q", got)
	}
}

func TestHalvingPromotesWhatReachesTheMinimum(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{
		"a": {1, 1, 0, 0}, "b": {0, 0, 1, 1}, "c": {1, 0, 1, 1},
	}}
	s := tableSearch(e, Options{Halving: true})
	_, refs := candidatesOf("a", "b", "c")
	if err := s.halve(t.Context(), refs, 0.5); err != nil {
		t.Fatal(err)
	}
	if got := seen(s, "a", "b", "c"); got != "a4 b2 c4" {
		t.Errorf("examples seen are %q, want the second half for a and c alone", got)
	}
	for _, ref := range refs {
		s.enter(ref)
	}
	if !refs[1].Partial || refs[1].Fitness != 0 || refs[0].Partial || refs[2].Fitness != 0.75 {
		t.Errorf("candidates are %+v %+v %+v", *refs[0], *refs[1], *refs[2])
	}
}

// One example cannot be halved.
func TestHalvingOfOneExampleSeesIt(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{"a": {0}}}
	s := tableSearch(e, Options{Halving: true})
	s.problem.Examples = 1
	_, refs := candidatesOf("a")
	if err := s.halve(t.Context(), refs, 9); err != nil {
		t.Fatal(err)
	}
	if got := seen(s, "a"); got != "a1" {
		t.Errorf("examples seen are %q", got)
	}
}

// Where the limits of a reward are unknown, nothing can be left out.
func TestRaceWithoutLimitsSeesAll(t *testing.T) {
	e := &rewardTable{rows: map[string][]float64{"a": {0, 0, 0, 0}}}
	s := tableSearch(e, Options{Racing: true})
	s.problem.Low, s.problem.High = 0, 0
	_, refs := candidatesOf("a")
	if err := s.race(t.Context(), refs, 1); err != nil {
		t.Fatal(err)
	}
	if got := seen(s, "a"); got != "a4" {
		t.Errorf("examples seen are %q", got)
	}
}
