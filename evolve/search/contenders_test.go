package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func textsIn(cs []Candidate) string {
	var all []string
	for _, c := range cs {
		all = append(all, c.Text)
	}
	return strings.Join(all, " ")
}

func TestTopPercent(t *testing.T) {
	tests := []struct {
		name    string
		scores  []float64
		percent float64
		want    []int
	}{
		{"nothing", nil, 10, nil},
		{"one is its own top", []float64{3}, 10, []int{0}},
		{"the edge belongs to it", []float64{1, 2, 3, 4, 5}, 25, []int{3, 4}},
		{"the edge lies between two", []float64{1, 2, 3, 4}, 50, []int{2, 3}},
		{"equals stay together", []float64{5, 1, 5, 5}, 10, []int{0, 2, 3}},
		{"all", []float64{2, 1, 3}, 100, []int{0, 1, 2}},
		{"in their order", []float64{9, 1, 1, 1, 8, 1, 1, 1, 1, 1, 1}, 10, []int{0, 4}},
	}
	for _, tt := range tests {
		if got := TopPercent(tt.scores, tt.percent); !slices.Equal(got, tt.want) {
			t.Errorf("%s: the top %g %% of %v are %v, want %v", tt.name, tt.percent, tt.scores, got, tt.want)
		}
	}
}

// As published, a text that was looked at often counts as often; one half seen does not count.
func TestTopCandidatesKeepRepeats(t *testing.T) {
	history := []Candidate{
		{Text: "full", Fitness: 1},
		{Text: "half", Fitness: 9, Partial: true},
		{Text: "good", Fitness: 5},
		{Text: "good", Fitness: 5},
		{Text: "bad", Fitness: 0},
	}
	if got := textsIn(TopCandidates(history, 10)); got != "good good" {
		t.Errorf("the top is %q, want good twice", got)
	}
}

func TestContendersAreDistinctWholeAndFittestFirst(t *testing.T) {
	history := []Candidate{
		{Text: "long", Fitness: 5, Length: 9},
		{Text: "short", Fitness: 5, Length: 4},
		{Text: "short", Fitness: 5, Length: 4},
		{Text: "best", Fitness: 7, Length: 20},
		{Text: "half", Fitness: 99, Partial: true},
		{Text: "as short", Fitness: 5, Length: 4},
	}
	tests := []struct {
		percent float64
		most    int
		want    string
	}{
		{100, 10, "best short as short long"},
		{100, 2, "best short"},
		{100, 0, ""},
		{1, 10, "best"},
	}
	for _, tt := range tests {
		if got := textsIn(Contenders(history, tt.percent, tt.most)); got != tt.want {
			t.Errorf("the top %g %%, at most %d: %q, want %q", tt.percent, tt.most, got, tt.want)
		}
	}
	if history[0].Text != "long" {
		t.Error("the history was reordered")
	}
}

// A half-seen text that is seen whole later is out, as its first entry stands for it.
func TestContendersTakeTheFirstEntryOfAText(t *testing.T) {
	history := []Candidate{
		{Text: "a", Fitness: 3, Length: 3},
		{Text: "a", Fitness: 8, Length: 3},
	}
	got := Contenders(history, 100, 5)
	if len(got) != 1 || got[0].Fitness != 3 {
		t.Errorf("contenders are %+v, want the first entry alone", got)
	}
}

func maskOf(bits string) Mask {
	var m Mask
	for _, b := range bits {
		m = append(m, b == '1')
	}
	return m
}

func TestSpreadContendersAreApart(t *testing.T) {
	history := []Candidate{
		{Text: "best", Mask: maskOf("11110000"), Fitness: 9},
		{Text: "its neighbour", Mask: maskOf("11110001"), Fitness: 8},
		{Text: "two away", Mask: maskOf("11111100"), Fitness: 7},
		{Text: "far", Mask: maskOf("00001111"), Fitness: 6},
		{Text: "next to far", Mask: maskOf("00001110"), Fitness: 5},
	}
	tests := []struct {
		apart, most int
		want        string
	}{
		{1, 9, "best,its neighbour,two away,far,next to far"},
		{2, 9, "best,two away,far"},
		{3, 9, "best,far"},
		{2, 2, "best,two away"},
		{9, 9, "best"},
	}
	for _, tt := range tests {
		got := strings.ReplaceAll(textsOfAll(SpreadContenders(history, tt.apart, tt.most)), "|", ",")
		if got != tt.want {
			t.Errorf("%d apart, at most %d: %q, want %q", tt.apart, tt.most, got, tt.want)
		}
	}
}

func textsOfAll(cs []Candidate) string {
	var all []string
	for _, c := range cs {
		all = append(all, c.Text)
	}
	return strings.Join(all, "|")
}

// The elite is cut at a percentile: what stands exactly on the edge is in.
func TestElitesEdgeIsIn(t *testing.T) {
	var history []Candidate
	for i := range 21 {
		history = append(history, Candidate{Text: fmt.Sprint(i), Fitness: float64(i)})
	}
	got := Contenders(history, 10, 21)
	if textsIn(got) != "20 19 18" {
		t.Errorf("the elite of 21 is %q, want 20 19 18", textsIn(got))
	}
}

func TestShortestFirst(t *testing.T) {
	found := Result{Full: Candidate{Text: "full", Fitness: 5, Length: 10}}
	found.History = []Candidate{
		found.Full,
		{Text: "lost", Fitness: 4.9, Length: 1},
		{Text: "half", Fitness: 9, Length: 2, Partial: true},
		{Text: "level", Fitness: 5, Length: 6},
		{Text: "better", Fitness: 6, Length: 6},
		{Text: "level", Fitness: 5, Length: 6},
		{Text: "short", Fitness: 5, Length: 3},
	}
	if got := textsIn(ShortestFirst(found, 9)); got != "short better level full" {
		t.Errorf("shortest first is %q", got)
	}
	if got := textsIn(ShortestFirst(found, 1)); got != "short" {
		t.Errorf("the one shortest is %q", got)
	}
}

func TestParetoFront(t *testing.T) {
	history := []Candidate{
		{Text: "full", Fitness: 5, Length: 10},
		{Text: "beaten", Fitness: 4, Length: 6},
		{Text: "middle", Fitness: 4.5, Length: 5},
		{Text: "half", Fitness: 99, Length: 1, Partial: true},
		{Text: "short", Fitness: 1, Length: 2},
		{Text: "as long and worse", Fitness: 4.9, Length: 10},
		{Text: "longer, no better", Fitness: 5, Length: 11},
	}
	if got := textsOfAll(ParetoFront(history)); got != "short|middle|full" {
		t.Errorf("the front is %q", got)
	}
	if got := ParetoFront(nil); got != nil {
		t.Errorf("the front of nothing is %v", got)
	}
}
