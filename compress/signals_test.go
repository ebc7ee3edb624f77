package compress

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []place
	}{
		{"panic at server.go:120 +0x1f", []place{{"server.go", 120}}},
		{`  File "app/models/user.py", line 42, in save`, []place{{"app/models/user.py", 42}}},
		{"at Cache.get (src/cache.ts:7:15)", []place{{"src/cache.ts", 7}}},
		{"error TS2322: src/a.tsx(12,3)", []place{{"src/a.tsx", 12}}},
		{`C:\work\main.cs:line 5 and D:\x\y.cs:9`, []place{{`/x/y.cs`, 9}}},
		{"it takes 10:30 to do e.g. 3 things", nil},
	} {
		got := placesIn(tt.text)
		if len(got) != len(tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
			continue
		}
		for i, p := range got {
			if p.line != tt.want[i].line || !samePath(p.path, tt.want[i].path) {
				t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
			}
		}
	}
}

func TestIdentifiers(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"why does parseHeader fail?", []string{"parseHeader"}},
		{"what does `get` return", []string{"get"}},
		{"is close() called, or Pool.put?", []string{"close", "put"}},
		{"snake_case and http2", []string{"http2", "snake_case"}},
		{"When is it Done?", nil},
	} {
		var got []string
		for name := range identifiers(tt.text) {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestMainSentence(t *testing.T) {
	for text, want := range map[string]string{
		"Fix the leak. It was found yesterday.":           "Fix the leak.",
		"I read the docs. How are keys built? Thank you.": "How are keys built?",
		"fix x.y\nmore": "fix x.y",
		"":              "",
	} {
		if got := mainSentence(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRoots(t *testing.T) {
	for _, related := range [][]string{
		{"retry", "retries"},
		{"load", "loaded", "loading"},
		{"remove", "removed", "removing"},
	} {
		for _, word := range related[1:] {
			if root(stem(word)) != root(stem(related[0])) {
				t.Errorf("%s has the root %s, %s has %s", word, root(stem(word)), related[0], root(stem(related[0])))
			}
		}
	}
}

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
