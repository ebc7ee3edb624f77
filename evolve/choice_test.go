package evolve

import (
	"fmt"
	"strings"
	"testing"

	"pith/evolve/search"
)

func mustHold(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not hold %q:\n%s", what, want, text)
		}
	}
}

func TestPick(t *testing.T) {
	entry := func(name string, validation float64, length int) Entry {
		return Entry{Name: name, Validation: validation, Candidate: search.Candidate{Length: length}}
	}
	full := entry("full", .8, 100)
	best, shortest := Spec{Objective: search.Best}, Spec{Objective: search.Shortest}
	published := Spec{Objective: search.Best, Reference: true}
	tests := []struct {
		name       string
		spec       Spec
		contenders []Entry
		want       string
	}{
		{"the best", best, []Entry{entry("a", .85, 30), entry("b", .9, 60)}, "b"},
		{"the shorter of equals", best, []Entry{entry("a", .9, 30), entry("b", .9, 20), entry("c", .9, 25)}, "b"},
		{"as good as the full prompt, and shorter", best, []Entry{entry("a", .8, 99)}, "a"},
		{"the full prompt is a contender", best, []Entry{entry("a", .79, 30), entry("b", .5, 3)}, "full"},
		{"no contenders", best, nil, "full"},
		{
			"the first that loses nothing", shortest,
			[]Entry{entry("a", .7, 5), entry("b", .8, 9), entry("c", .99, 30)},
			"b",
		},
		{"all lose", shortest, []Entry{entry("a", .7, 5), entry("b", .79, 9)}, "full"},
		{"published: the full prompt has no say", published, []Entry{entry("a", .7, 30), entry("b", .75, 60)}, "b"},
		{"published: the first of equals", published, []Entry{entry("a", .75, 60), entry("b", .75, 20)}, "a"},
	}
	for _, tt := range tests {
		if got := pick(append([]Entry{full}, tt.contenders...), tt.spec); got.Name != tt.want {
			t.Errorf("%s: picked %s, want %s", tt.name, got.Name, tt.want)
		}
	}
}

func TestFitnessOfASpec(t *testing.T) {
	tests := []struct {
		spec Spec
		want string
	}{
		{Spec{}, FitnessReward},
		{Spec{Reference: true}, FitnessMetric},
		{Spec{Reference: true, Fitness: FitnessReward}, FitnessReward},
		{Spec{Fitness: FitnessMetric}, FitnessMetric},
	}
	for _, tt := range tests {
		if got := tt.spec.fitness(); got != tt.want {
			t.Errorf("fitness of %+v = %q, want %q", tt.spec, got, tt.want)
		}
	}
	if err := (Spec{Fitness: "luck"}).Check(); err == nil {
		t.Error("a fitness that does not exist was accepted")
	}
}

// As published: the metric drives, climbers search on the validation rows and keep their own
// answer, and everything at or above the percentile is judged again.
func TestReferenceRuns(t *testing.T) {
	task := runTask(t)
	for _, a := range search.Algorithms()[:4] {
		spec := runSpec(task, a)
		spec.Reference, spec.MaxPrompts = true, 300
		dir := t.TempDir() + "/run"
		mustRun(t, dir, spec, 2)
		r, err := ReadReport(dir)
		if err != nil {
			t.Fatal(err)
		}
		rows := r.Examples.Search
		if whole := r.Answer.Fitness * float64(rows); whole != float64(int(whole+.5)) || r.Answer.Fitness > 1 {
			t.Errorf("%s: fitness %v is no accuracy on %d rows", a, r.Answer.Fitness, rows)
		}
		climbs := a == search.TAPruning || a == search.SAHC
		if want := map[bool]int{true: 20, false: 16}[climbs]; rows != want {
			t.Errorf("%s: searched on %d rows, want %d", a, rows, want)
		}
		if climbs && r.Answer.Validation != r.Answer.Fitness {
			t.Errorf(
				"%s: %v on the rows it searched on and %v on validation, which are the same", a, r.Answer.Fitness,
				r.Answer.Validation,
			)
		}
	}
}

func TestTopCandidatesAreNotCapped(t *testing.T) {
	var history []search.Candidate
	for i := range 400 {
		history = append(history, search.Candidate{Text: fmt.Sprint(i), Fitness: float64(i / 100), Partial: i == 399})
	}
	if got := search.TopCandidates(history, 10); len(got) != 99 || got[0].Text != "300" {
		t.Errorf("%d candidates, first %q, want the 99 whole ones at the top in their order", len(got), got[0].Text)
	}
	if got := search.Contenders(history, 10, 20); len(got) != 20 {
		t.Errorf("%d contenders, want 20", len(got))
	}
}
