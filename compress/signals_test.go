package compress

import (
	"encoding/json"
	"slices"
	"testing"
)

// The table of weights names signals that exist, and its curve rises.
func TestWeights(t *testing.T) {
	var table map[string]json.RawMessage
	if err := json.Unmarshal(weightsFile, &table); err != nil {
		t.Fatal(err)
	}
	for _, w := range []weighting{fitted.Seed, fitted.Words, fitted.Hybrid} {
		if len(w) == 0 {
			t.Error("a weighting is empty")
		}
		for name := range w {
			if !slices.Contains(signalNames[:], name) {
				t.Errorf("a weight for %q, which is no signal", name)
			}
		}
	}
	for i, p := range fitted.Curve[1:] {
		if before := fitted.Curve[i]; p[0] <= before[0] || p[1] <= before[1] {
			t.Errorf("the curve falls from %v to %v", before, p)
		}
	}
	for _, coverage := range []float64{0.5, 0.9, 0.95, 0.98} {
		if got := fitted.coverage(fitted.mass(coverage)); !near(got, coverage) {
			t.Errorf("coverage %v comes back as %v", coverage, got)
		}
	}
}

// A stack trace, and code in the question, lead to their functions whatever the words say.
func TestQuestionNamesAPlace(t *testing.T) {
	text := manyFunctions(40)
	for name, query := range map[string]string{
		"a trace": "Traceback:\n  File \"app/shop.py\", line 175, in handle\nwhat is wrong with the first function?",
		"a name":  "why is `handle_17` slow?",
	} {
		res := compress(t, engine(t, nil), ask(func(r *Request) {
			r.Query, r.Rate, r.Ranker = query, 0.1, rankWords
			r.Files[0].Path, r.Files[0].Content = "shop.py", text
		}))
		top := slices.IndexFunc(res.Chunks, func(c ChunkResult) bool { return c.Rank == 1 })
		if c := res.Chunks[top]; c.Decision != Kept ||
			(c.StartLine > 188 || c.EndLine < 175) && c.Name != "handle_17" {
			t.Errorf("%s: %s (lines %d-%d, %s) is first", name, c.Name, c.StartLine, c.EndLine, c.Decision)
		}
	}
}
