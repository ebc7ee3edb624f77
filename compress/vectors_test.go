package compress

import (
	"math"
	"slices"
	"testing"

	"pith/compress/knapsack"
)

// near compares to six digits, as the published vectors are given.
func near(a, b float64) bool { return math.Abs(a-b) < 1e-6 || a == b }

func losses(nll ...float64) []Loss {
	list := make([]Loss, len(nll))
	for i, x := range nll {
		list[i] = Loss{Offset: 4 * i, NLL: x}
	}
	return list
}

func TestAMI(t *testing.T) {
	alone := losses(math.NaN(), 2, 1, 3, 2)[1:] // the first token of a pass has no loss
	for _, tt := range []struct {
		name  string
		given []Loss
		want  float64
	}{
		{"first token left out", losses(5, 1, .5, 1.5, 1), 4.670774},
		{"nothing gained", losses(9, 2, 1, 3, 2), 0},
		{"harm", losses(5, 3, 3, 3, 3), math.Exp(2) - math.Exp(3)},
	} {
		e := evidence{rows: make([]row, 1), alone: alone, given: [][]Loss{tt.given}}
		if got := (amiRanker{}).scores(e)[0]; !near(got, tt.want) {
			t.Errorf("%s: AMI = %.6f, want %.6f", tt.name, got, tt.want)
		}
	}
	if mean, _ := meanLoss(alone); !near(math.Exp(mean), 7.389056) {
		t.Errorf("PPL(q) = %.6f, want 7.389056", math.Exp(mean))
	}
	// A chunk so long that no query loss is left ranks last; the reference gives it PPL 1 and with
	// that the first place.
	e := evidence{
		rows: make([]row, 3), alone: alone,
		given: [][]Loss{losses(5, 1, .5, 1.5, 1), nil, losses(5, 3, 3, 3, 3)},
	}
	if got := (amiRanker{}).scores(e); got[1] != got[2] {
		t.Errorf("score without losses = %v, want the least of the others, %v", got[1], got[2])
	}
	if got := (amiRanker{}).scores(evidence{rows: make([]row, 2), given: [][]Loss{nil, nil}}); got[0] != 0 ||
		got[1] != 0 {
		t.Errorf("scores of a one-token query = %v, want 0", got)
	}
}

func TestSpikes(t *testing.T) {
	inf := math.Inf(1)
	scores := []float64{0, 3.1, 1.2, 1.0, 4.0, .9, 1.1, 2.6, 2.5, 0, 3.3, .8, inf, 1.5}
	mean, std, n := deviation(scores)
	if n != 11 || !near(mean, 2.0) || !near(std, 1.081245) {
		t.Errorf("deviation = %.6f, %.6f of %d, want 2, 1.081245 of 11", mean, std, n)
	}
	for _, tt := range []struct {
		name   string
		scores []float64
		theta  float64
		want   []int
	}{
		{"released", scores, mean + 0.2*std, []int{1, 4, 10}},
		{"paper", scores, 1.0 * std, []int{1, 4, 7, 10}},
		{"low", scores, 0.2 * std, []int{1, 4, 7, 10}},
		{"few scores", []float64{1, 2, 1.4}, 0.5, []int{1}},
		{"few scores, flat", []float64{1, 1.4, 1}, 0.5, nil},
		{"none", nil, 0.5, nil},
	} {
		if got := spikes(tt.scores, tt.theta); !slices.Equal(got, tt.want) {
			t.Errorf("%s: spikes = %v, want %v", tt.name, got, tt.want)
		}
	}
	var starts []int
	for line, opens := range boundaries(scores) {
		if opens {
			starts = append(starts, line)
		}
	}
	if want := []int{1, 4, 7, 10}; !slices.Equal(starts, want) { // [0,1)[1,4)[4,7)[7,10)[10,14)
		t.Errorf("blocks begin at %v, want %v", starts, want)
	}
}

func TestLineScores(t *testing.T) {
	// Tokens: "a", " b", "\n\n" (merged), "c", ":\n" (begins on the line, reaches over its end).
	text := "a b\n\nc:\nd"
	got := lineScores(text, []Loss{{1, 2 * math.Ln2}, {3, 9}, {5, 1 * math.Ln2}, {6, 3 * math.Ln2}, {8, math.Ln2}}, 0)
	want := []float64{2, 0, 2, 1}
	if !slices.EqualFunc(got, want, near) {
		t.Errorf("lineScores = %v, want %v", got, want)
	}
	cut := lineScores("head\nrest\n", []Loss{{5, math.Ln2}}, 5)
	if len(cut) != 2 || !math.IsNaN(cut[0]) || !near(cut[1], 1) {
		t.Errorf("with 5 bytes dropped: %v, want [NaN 1]", cut)
	}
}

func TestKnapsackVectors(t *testing.T) {
	weights := []int{12, 10, 20, 30, 15, 7, 25}
	raw := []float64{.9, 0, 1.2, 2.0, -.3, .5, 1.6} // -inf counts as 0
	norm := []float64{.521739, 0, .652174, 1, 0, .347826, .826087}
	for _, tt := range []struct {
		name   string
		values []float64
		budget int
		free   []int // blocks that may go
		want   []int
	}{
		{"80, first preserved", raw, 80, []int{1, 2, 3, 4, 5, 6}, []int{0, 3, 5, 6}},
		{"80, two preserved", raw, 80, []int{1, 2, 3, 5, 6}, []int{0, 2, 4, 5, 6}},
		{"47", raw, 47, []int{0, 1, 2, 3, 4, 5, 6}, []int{0, 5, 6}},
		{"12", raw, 12, []int{1, 2, 3, 4, 5, 6}, []int{0}},
		{"200", raw, 200, []int{1, 2, 3, 4, 5, 6}, []int{0, 2, 3, 5, 6}},
		{"min-max values", norm, 80, []int{1, 2, 3, 4, 5, 6}, []int{0, 3, 5, 6}},
	} {
		steps := make([]knapsack.Step, len(weights))
		for i := range steps {
			steps[i] = knapsack.Keep(weights[i], tt.values[i], 0)
			if slices.Contains(tt.free, i) {
				steps[i].Skip = i + 1
			}
		}
		chosen, ok := (&knapsack.Tree{Steps: steps}).Pack(tt.budget)
		var got []int
		for i := range chosen {
			if chosen[i] != knapsack.Left {
				got = append(got, i)
			}
		}
		if !ok || !slices.Equal(got, tt.want) {
			t.Errorf("%s: kept %v (%v), want %v", tt.name, got, ok, tt.want)
		}
	}
	steps := []knapsack.Step{knapsack.Keep(10, 60, 1), knapsack.Keep(20, 100, 2), knapsack.Keep(30, 120, 3)}
	if kept, _ := (&knapsack.Tree{Steps: steps}).Pack(50); !slices.Equal(kept, []int{knapsack.Left, 0, 0}) {
		t.Errorf("kept %v, want the two worth 220; greedy would take 160", kept)
	}
	if _, ok := (&knapsack.Tree{Steps: []knapsack.Step{knapsack.Keep(12, 0, 0)}}).Pack(5); ok {
		t.Error("a frame of 12 tokens fits into 5")
	}
}

func TestWordsAndHybrid(t *testing.T) {
	alone := losses(math.NaN(), 2, 2)[1:]
	bodies := wordRows(0.5, 0, -0.5)
	headers := wordRows(0.2, 0, -0.2)
	headers[1][signalHeadVec] = 8
	named := wordRows(0.2, 0, -0.2)
	named[2][signalNamed] = 1
	e := func(rows []row, given ...float64) evidence {
		out := evidence{rows: rows, alone: alone}
		for _, nats := range given {
			out.given = append(out.given, losses(0, nats, nats))
		}
		return out
	}
	for _, tt := range []struct {
		name     string
		ranker   ranker
		evidence evidence
		want     []int
	}{
		{"a match of the header outweighs half a match of the text", wordsRanker{}, e(headers), []int{1, 0, 2}},
		{"a name outweighs words", wordsRanker{}, e(named), []int{2, 0, 1}},
		{
			"what the model says tips words that are level",
			hybridRanker{},
			e(wordRows(0, 0, 0), 2, 0, 2),
			[]int{1, 0, 2},
		},
		{"where the model says nothing, words decide", hybridRanker{}, e(bodies, 1, 1, 1), []int{0, 1, 2}},
	} {
		if got := byScore(tt.ranker.scores(tt.evidence)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: order %v of %v, want %v", tt.name, got, tt.ranker.scores(tt.evidence), tt.want)
		}
	}
}
