package explain_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pith/compress"
	"pith/explain"
)

func chunk(
	name string,
	rank, line, tokens int,
	decision compress.Decision,
	parts map[string]float64,
) compress.ChunkResult {
	c := compress.ChunkResult{
		File:      "a.go",
		Kind:      "function",
		Name:      name,
		StartLine: line,
		EndLine:   line + 9,
		Tokens:    tokens,
		Rank:      rank,
		Score:     float64(10 - rank),
		Decision:  decision,
		Parts:     parts,
		Signals:   parts,
	}
	switch decision {
	case compress.Kept:
		c.KeptLines = [][2]int{{line, line + 9}}
	case compress.Pruned:
		c.KeptLines = [][2]int{{line, line}, {line + 9, line + 9}}
	}
	return c
}

func result() compress.Result {
	return compress.Result{
		Ranker: "words", OriginalTokens: 1000, CompressedTokens: 300, Budget: 320, LineTokens: 280, Text: "kept\n",
		Files: []compress.FileResult{{Path: "a.go", Language: "go", Text: "kept\n"}},
		Chunks: []compress.ChunkResult{
			chunk("Pool", 3, 1, 80, compress.Pruned, map[string]float64{"words": .1}),
			chunk("Pool.Get", 1, 11, 200, compress.Kept, map[string]float64{"named": 2, "function": 3, "words": -1}),
			chunk("big", 2, 21, 700, compress.Omitted, map[string]float64{"path": -.5}),
			chunk("tail", 4, 31, 90, compress.Omitted, map[string]float64{"words": -.7}),
			chunk("", 0, 41, 1, compress.Kept, nil),
		},
	}
}

func TestEveryDecisionHasItsReason(t *testing.T) {
	got := explain.Chunks(result())
	for i, want := range []string{
		"2 of its 10 lines stay, as a frame around what is kept inside",
		"among the best: the question names it",
		"no room: its 700 tokens buy less than what was kept instead; its path matches less than others",
		"it ranks behind all that was kept; few of its words are the question's",
		"it closes what is above it and stays or goes with that",
	} {
		if got[i].Why != want {
			t.Errorf("%s: %q, want %q", got[i].Name, got[i].Why, want)
		}
	}
	if p := got[1].Parts; len(p) != 3 || p[0].Signal != "function" || p[2].Signal != "words" {
		t.Errorf("parts are not in the order of their weight: %v", p)
	}
	whole := compress.Result{Ranker: "none", Chunks: []compress.ChunkResult{chunk("a", 0, 1, 5, compress.Kept, nil)}}
	if why := explain.Chunks(whole)[0].Why; !strings.Contains(why, "fits its budget") {
		t.Errorf("a text that fits: %q", why)
	}
}

func TestTableHasTheBestFirstAndNothingForTheTerminal(t *testing.T) {
	res := result()
	res.Chunks[0].Name = "Po\x1b[31mol\tx"
	var b strings.Builder
	if err := explain.WriteTable(&b, explain.Chunks(res)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	var ranks []string
	for _, line := range lines[1:] {
		ranks = append(ranks, strings.Fields(line)[0])
	}
	if got := strings.Join(ranks, " "); got != "1 2 3 4 -" {
		t.Errorf("ranks %s in\n%s", got, b.String())
	}
	if strings.ContainsAny(b.String(), "\x1b\t") ||
		!strings.Contains(lines[1], "function +3.00, named +2.00, words -1.00") {
		t.Errorf("table:\n%q", b.String())
	}
}

func piece(text string) explain.Piece {
	res := result()
	return explain.Piece{
		Request: compress.Request{
			Query: "why?",
			Files: []compress.File{{Path: "a.go", Content: text}},
		},
		Result: res,
		Taken:  true,
	}
}

// engine explains again what was kept, and fails where it is told to.
func engine(err error) func(context.Context, compress.Request) (compress.Result, error) {
	return func(_ context.Context, req compress.Request) (compress.Result, error) {
		res := result()
		if !req.Explain {
			return res, errors.New("nobody asked to explain")
		}
		return res, err
	}
}

func TestRequestLogKeepsAsManyAsItIsTold(t *testing.T) {
	k := explain.NewRequestLog(2, engine(nil))
	for i := range 3 {
		k.Saw("mine", explain.Request{ID: fmt.Sprint("r", i)}, []explain.Piece{piece("package a\n")})
	}
	recent, seen := k.Recent(10)
	if len(recent) != 3 || seen != 3 || recent[0].ID != "r2" || !recent[0].Kept || recent[2].Kept {
		t.Errorf("recent: %+v, seen %d", recent, seen)
	}
	if _, ok := k.Any(t.Context(), "r0"); ok {
		t.Error("the oldest is still kept")
	}
	if _, ok := k.Own(t.Context(), "other", "r2"); ok {
		t.Error("another tenant sees it")
	}
	a, ok := k.Own(t.Context(), "mine", "r2")
	if !ok || len(a.Blocks) != 1 || a.Blocks[0].Original != "package a\n" || a.Blocks[0].Sent != "kept\n" ||
		len(a.Blocks[0].Chunks[1].Parts) != 3 {
		t.Fatalf("own: %+v", a)
	}
	k.SetKeep(0)
	if _, ok := k.Own(t.Context(), "mine", "r2"); ok || k.Keeps() {
		t.Error("what is not to be kept any more still is")
	}
	if held, _, bytes := k.Holding(); held != 0 || bytes != 0 {
		t.Errorf("%d held, %d bytes", held, bytes)
	}
}

func TestRequestLogIsBoundedInBytes(t *testing.T) {
	k := explain.NewRequestLog(1000, engine(nil))
	text := strings.Repeat("x", 10<<20)
	for i := range 12 {
		k.Saw("mine", explain.Request{ID: fmt.Sprint(i)}, []explain.Piece{piece(text)})
	}
	held, _, bytes := k.Holding()
	if held != 6 || bytes > 64<<20 {
		t.Errorf("%d requests with %d bytes are kept", held, bytes)
	}
	k.Saw("mine", explain.Request{ID: "huge"}, []explain.Piece{piece(strings.Repeat("x", 40<<20))})
	if _, ok := k.Any(t.Context(), "huge"); ok {
		t.Error("one request took more than half")
	}
	if _, ok := k.Any(t.Context(), "11"); !ok {
		t.Error("a request that was not kept drove one out")
	}
}

// Where the parts cannot be had, the decisions still can.
func TestRequestLogExplainsWithoutItsEngine(t *testing.T) {
	k := explain.NewRequestLog(1, engine(errors.New("busy")))
	p := piece("package a\n")
	for i := range p.Result.Chunks {
		p.Result.Chunks[i].Parts, p.Result.Chunks[i].Signals = nil, nil
	}
	k.Saw("mine", explain.Request{ID: "r"}, []explain.Piece{p})
	a, ok := k.Any(t.Context(), "r")
	if !ok || len(a.Blocks[0].Chunks) != 5 || len(a.Blocks[0].Chunks[1].Parts) != 0 || a.Blocks[0].Chunks[1].Rank != 1 {
		t.Errorf("%+v", a)
	}
}
