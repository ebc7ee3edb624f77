package evolve

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// pairs has, for each way in which a pair can come out, as many pairs as counts says.
func pairs(counts ...int) (answer, other []float64) {
	for i, n := range counts {
		a, o := float64(i/2), float64(i%2)
		answer = append(answer, slices.Repeat([]float64{a}, n)...)
		other = append(other, slices.Repeat([]float64{o}, n)...)
	}
	return answer, other
}

func TestCompare(t *testing.T) {
	tests := []struct {
		name   string
		counts []int // both wrong, only the other right, only the answer right, both right
		diff   float64
		want   Verdict
	}{
		{"one row", []int{0, 0, 1, 0}, 1, NotShown},
		{"four rows, all alike", []int{0, 0, 0, 4}, 0, NotShown},
		{"four hundred rows, all alike", []int{100, 0, 0, 300}, 0, NoWorse},
		{"clearly better", []int{40, 20, 60, 280}, .1, Better},
		{"a little better", []int{80, 18, 22, 280}, .01, NotShown},
		{"as good, with much change", []int{40, 60, 60, 240}, 0, NotShown},
		{"as good, on many rows", []int{4000, 300, 300, 5400}, 0, NoWorse},
		{"clearly worse", []int{40, 60, 20, 280}, -.1, NotShown},
		{"no rows", []int{}, 0, NotShown},
	}
	for _, tt := range tests {
		c := Compare("it", first(pairs(tt.counts...)), second(pairs(tt.counts...)))
		about(t, tt.name+" difference", c.Difference, tt.diff)
		if c.Verdict != tt.want || c.Low > c.Difference || c.High < c.Difference {
			t.Errorf("%s: %+v, want %s and an interval around the difference", tt.name, c, tt.want)
		}
	}
}

func first(a, _ []float64) []float64  { return a }
func second(_, b []float64) []float64 { return b }

// The interval holds the true difference as often as it says, few rows or many, and Better is said
// of equals no more often than one time in forty.
func TestCompareKeepsItsPromise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, rows := range []int{15, 60, 400} {
		const rounds = 4000
		inside, better := 0, 0
		for range rounds {
			var a, b []float64
			for range rows {
				both := rng.Float64() < .6
				x, y := both, both
				if rng.Float64() < .3 {
					x, y = rng.IntN(2) == 0, rng.IntN(2) == 0
				}
				a, b = append(a, oneIf(x)), append(b, oneIf(y))
			}
			c := Compare("", a, b)
			if c.Low <= 0 && c.High >= 0 {
				inside++
			}
			if c.Verdict == Better {
				better++
			}
		}
		if share := float64(inside) / rounds; share < .94 {
			t.Errorf("%d rows: the truth is inside %.3f of the intervals, want .95", rows, share)
		}
		if share := float64(better) / rounds; share > .032 {
			t.Errorf("%d rows: %.3f of equals are called better, want .025 at most", rows, share)
		}
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func TestReportVerdicts(t *testing.T) {
	full := Entry{Name: fullName, Tested: true, Test: .7, Validation: .6}
	full.Text, full.Length = "a b {x}", 40
	answer := full
	answer.Name, answer.Text, answer.Length, answer.Test = "guided", "a {x}", 10, .9
	report := func(v Verdict) *Report {
		return &Report{
			Full:        full,
			Answer:      answer,
			Comparisons: []Comparison{{With: randomName, Verdict: Better}, {With: fullName, Verdict: v}},
		}
	}
	same := report(Better)
	same.Answer.Text = full.Text
	untested := report(NotShown)
	untested.Answer.Tested, untested.Comparisons = false, nil
	tests := []struct {
		report *Report
		want   Verdict
		says   string
	}{
		{report(Better), Better, "does better than the full one: 0.9 against 0.7 on the test split, at 25 " +
			"% of the length"},
		{report(NoWorse), NoWorse, "does no worse than"},
		{report(NotShown), NotShown, "is not shown: 0.9 against 0.7"},
		{same, NotShown, "Keep the full prompt"},
		{untested, NotShown, "was not tested: 0.6 against 0.6 on the validation split"},
	}
	for _, tt := range tests {
		if got := tt.report.Against(); got != tt.want {
			t.Errorf("Against() = %q, want %q", got, tt.want)
		}
		mustHold(t, "verdict", tt.report.Verdict(), tt.says)
	}
}
