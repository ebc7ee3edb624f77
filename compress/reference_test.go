package compress

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pith/parsers"
)

func TestReferenceSelection(t *testing.T) {
	tokens := []int{50, 400, 120, 300, 80, 500, 60}
	scores := []float64{.10, 1.30, -.20, 2.05, .95, .40, 1.30}
	if got := byScore(scores); !slices.Equal(got, []int{3, 1, 6, 4, 5, 0, 2}) {
		t.Errorf("order %v, want 3 1 6 4 5 0 2", got)
	}
	for _, limit := range []int{500, 600, 625} {
		chunks := make([]refChunk, len(tokens))
		for rank, i := range byScore(scores) {
			chunks[i] = refChunk{tokens: tokens[i], rank: rank + 1}
		}
		refSelect(chunks, limit)
		var got []int
		for i, c := range chunks {
			if c.keep {
				got = append(got, i)
			}
		}
		if !slices.Equal(got, []int{1, 3}) {
			t.Errorf("limit %d: chose %v, want the overshoot 1 3", limit, got)
		}
	}
}

func TestReferenceBlocks(t *testing.T) {
	scores := []float64{0, 3.1, 1.2, 1.0, 4.0, .9, 1.1, 2.6, 2.5, 0, 3.3, .8, math.Inf(1), 1.5}
	var got [][2]int
	for _, b := range refCut(make([]string, len(scores)), scores) {
		got = append(got, [2]int{b.from, b.to})
	}
	if want := [][2]int{{0, 2}, {2, 5}, {5, 11}, {11, 14}}; !slices.Equal(got, want) {
		t.Errorf("blocks %v, want %v", got, want)
	}
}

func TestReferenceLines(t *testing.T) {
	for text, want := range map[string][]string{
		"a\n\nb":            {"a", " ", "b"},
		"a\n\n\nb":          {"a", " ", "", "b"},
		"a\n\n\n\nb":        {"a", " ", "", " ", "b"},
		"\n\ndef f():\n  x": {"", " ", "def f():", "  x"},
		"a\n":               {"a", ""},
	} {
		if got := refLines(text); !slices.Equal(got, want) {
			t.Errorf("refLines(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestReferenceRates(t *testing.T) {
	lines, scores := []int{3, 20, 10, 40, 8}, []float64{.2, 1, .4, .6, 0}
	for _, tt := range []struct {
		name       string
		fine, beta float64
		want       []float64
	}{
		{"half", .5, .5, []float64{1, .637931, .382759, .467816, .212644}},
		{"clamped", .8, .5, []float64{1, .944610, .664860, .812607, .369367}},
		{"even", .5, 0, []float64{1, .474359, .474359, .474359, .474359}},
		{"full bend", .8, 1, []float64{1, .956190, .598232, .897347, 0}},
		{"no lines left keeps all", .02, .5, []float64{1, 1, 1, 1, 1}},
	} {
		if got := refRates(lines, scores, tt.fine, tt.beta); !slices.EqualFunc(got, tt.want, near) {
			t.Errorf("%s: rates %.6f, want %.6f", tt.name, got, tt.want)
		}
	}
}

func TestReferenceChoice(t *testing.T) {
	weights := []int{12, 10, 20, 30, 15, 7, 25}
	values := []float64{.9, math.Inf(-1), 1.2, 2.0, -.3, .5, 1.6}
	for _, tt := range []struct {
		name      string
		budget    int
		preserved []int
		want      []int
	}{
		{"80", 80, []int{0}, []int{0, 3, 5, 6}},
		{"80, two preserved", 80, []int{0, 4}, []int{0, 2, 4, 5, 6}},
		{"47", 47, nil, []int{0, 5, 6}},
		{"12", 12, []int{0}, []int{0}},
		{"5, already passed", 5, []int{0}, []int{0}},
		{"200, exact", 200, []int{0}, []int{0, 2, 3, 5, 6}},
		{"greedy", 2200, []int{0}, []int{0, 1, 2, 3, 4, 5, 6}},
	} {
		if got := refChoose(weights, values, tt.preserved, tt.budget); !slices.Equal(got, tt.want) {
			t.Errorf("%s: chose %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestReferenceAssembly(t *testing.T) {
	src := &source{parsed: parsers.File{Language: "python"}}
	chunks := []refChunk{
		{src: src, text: "import os", keep: true},
		{src: src, text: "def a():\n    return 1"},
		{src: src, text: "def b():\n    return 2"},
		{src: src, text: "def c():\n    return 3", keep: true},
		{src: src, text: "def d():\n    return 4"},
	}
	if got, want := refText(src, chunks), "import os\n\n# ... \n\n\ndef c():\n    return 3\n\n# ... "; got != want {
		t.Errorf("text is %q, want %q", got, want)
	}
	blocks := []refBlock{{text: "\ndef f(x):"}, {text: "    a=1\n    b=2"}, {text: "    c=3"}, {text: "    return a"}}
	for _, tt := range []struct {
		chosen []int
		want   string
	}{
		{[]int{0, 3}, "\ndef f(x):\n\n    # ... \n\n    return a"},
		{[]int{2}, "    c=3\n\n    # ... "},
		{nil, ""},
	} {
		if got := refAssemble(blocks, tt.chosen, "#"); got != tt.want {
			t.Errorf("blocks %v: %q, want %q", tt.chosen, got, tt.want)
		}
	}
}

// The fine stage of the reference counts the query's first token after a block.
func TestReferenceBlockValue(t *testing.T) {
	alone, given := losses(math.NaN(), 2, 1, 3, 2)[1:], losses(5, 1, .5, 1.5, 1)
	if got := perplexity(alone) - perplexity(given); !near(got, 1.339409) {
		t.Errorf("value %.6f, want 1.339409", got)
	}
	if got := perplexity(alone) - perplexity(nil); !near(got, 6.389056) {
		t.Errorf("value without losses %.6f, want 6.389056", got)
	}
}

func TestReferenceEndToEnd(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	req := ask(func(r *Request) { r.Compat, r.Rate = compatLongCodeZip, 0.5 })
	res := compress(t, e, req)
	if res.Ranker != "ami" || !strings.Contains(res.Text, "# ... ") || strings.Contains(res.Text, "omitted") {
		t.Errorf("ranker %s, text %s", res.Ranker, res.Text)
	}
	if res.CompressedTokens >= res.OriginalTokens {
		t.Errorf("%d tokens became %d", res.OriginalTokens, res.CompressedTokens)
	}
	golden(t, "shop.py.longcodezip.golden", describe(res))
	req.Rate = 1
	if whole := compress(t, e, req); whole.Text != sample {
		t.Error("what fits comes back changed")
	}
}

func TestReferencePrunesLongFunctions(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter, o.FineRatio = pool(t), 0.5 })
	req := ask(func(r *Request) { r.Compat, r.Rate, r.Query = compatLongCodeZip, 0.6, "total price tax order" })
	req.Files[0].Content = sample + "\n\n" + longFunction(120)
	res := compress(t, e, req)
	for _, c := range res.Chunks {
		if c.Decision == Pruned {
			if len(c.KeptLines) == 0 || !strings.Contains(res.Text, "\n    # ... ") {
				t.Errorf("%d tokens of a pruned chunk, kept lines %v, no marker in\n%s", c.Tokens,
					c.KeptLines, res.Text)
			}
			return
		}
	}
	t.Error("no chunk was pruned")
}
