package evolve

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pith/evolve/search"
)

func TestRoundTicks(t *testing.T) {
	tests := []struct {
		low, high float64
		want      string
	}{
		{0, 100, "0 20 40 60 80 100"},
		{-83, 17, "-80 -60 -40 -20 0"},
		{.61, .97, "0.7 0.8 0.9"},
		{.9412, .9431, "0.9415 0.9420 0.9425 0.9430"},
		{-.04, .33, "0.0 0.1 0.2 0.3"},
		{3, 250000, "50000 100000 150000 200000 250000"},
		{-1, 1, "-1.0 -0.5 0.0 0.5 1.0"},
	}
	for _, tt := range tests {
		values, digits := roundTicks(tt.low, tt.high, chartTicks)
		var got []string
		for _, v := range values {
			got = append(got, fixed(v, digits))
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("ticks from %v to %v: %s, want %s", tt.low, tt.high, strings.Join(got, " "), tt.want)
		}
	}
}

func chartReport() *Report {
	r := testReport()
	r.Full.Name, r.Answer.Name, r.Task = fullName, "guided <b>", "mood & more"
	r.Full.Text, r.Full.Length, r.Full.Fitness = "a\nb c {x}", 40, 1
	r.Pieces = []string{"a", "\n", "b", " c", " {x}"}
	r.Answer.Mask, r.Answer.Text, r.Answer.Length = search.Mask{true, false, false, true, true}, "a c {x}", 20
	r.Front = []search.Candidate{{Length: 10, Fitness: -2}, {Length: 20, Fitness: 3}}
	r.Curve = []search.Progress{{Best: search.Candidate{Fitness: 2}, Stats: search.Stats{Prompts: 9}}}
	r.Comparisons = []Comparison{Compare(fullName, []float64{1, 1, 0}, []float64{0, 1, 0})}
	r.Spending.In, r.Spending.Out, r.Spending.Money = 12345, 67, .0891
	return r
}

// The front is a staircase: between two of its points the shorter one is the best there is.
func TestChartsAreStaircases(t *testing.T) {
	r := chartReport()
	for _, c := range []struct {
		chart chart
		want  string
	}{
		{r.frontChart(), "[{10 -2} {20 -2} {20 3} {40 3}]"},
		{r.curveChart(), "[{1 1} {9 1} {9 2}]"},
	} {
		if got := fmt.Sprint(c.chart.Stairs); got != c.want {
			t.Errorf("%s: %s, want %s", c.chart.Title, got, c.want)
		}
		svg := string(c.chart.SVG())
		for _, bad := range []string{"NaN", "Inf", "<b>"} {
			if strings.Contains(svg, bad) {
				t.Errorf("%s holds %s", c.chart.Title, bad)
			}
		}
	}
}

func TestPageShowsWhatWentAndWhatItCost(t *testing.T) {
	page, err := chartReport().page()
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, "page", string(page),
		"a<del>↵\nb</del> c {x}", "mood &amp; more", "guided &lt;b&gt;",
		"12345 tokens read and 67 written, cost 0.0891", "95 % confidence", "width=device-width")
	if strings.Contains(string(page), "<b>") || strings.Contains(string(page), "http") {
		t.Error("the page has a name unescaped, or needs something from elsewhere")
	}
	bare := chartReport()
	bare.Answer.Mask, bare.Comparisons, bare.Missing = nil, nil, "the test"
	page, err = bare.page()
	if err != nil {
		t.Fatal(err)
	}
	mustHold(t, "provisional page", string(page), "stopped before the test", "Full prompt")
	if strings.Contains(string(page), "<del>") {
		t.Error("without a mask something is struck through")
	}
}

// One prompt and one point: nothing to scale by.
func TestChartOfOnePoint(t *testing.T) {
	c := chart{Stairs: []point{{5, 7}}}
	if p := c.place(point{5, 7}); p.X <= chartLeft || p.X >= chartWidth || p.Y <= 0 || p.Y >= chartHeight {
		t.Errorf("the only point is at %+v", p)
	}
	if n := slices.Repeat([]int{1}, strings.Count(string(c.SVG()), "<text")); len(n) < 4 {
		t.Errorf("%d labels, want some ticks", len(n))
	}
}
