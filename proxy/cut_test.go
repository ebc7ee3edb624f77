package proxy_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"pith/compress"
	"pith/proxy"
)

// What the clock or a failing model cut short is no form of a block: each goes out as the engine
// makes it or as it came, keeps that form from turn to turn, and the header says so.
func TestNoThirdForm(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	var done sync.Map
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		res, err := thirds(ctx, req)
		if _, known := done.Load(req.Query); !known && rand.IntN(2) == 0 { // another form each time
			content := req.Files[0].Content
			last := 1 + rand.IntN(strings.Count(content, "\n")-2)
			lines := strings.SplitAfter(content, "\n")
			res.Files[0].Text = strings.Join(lines[:last], "") + "// ... lines omitted\n"
			res.Chunks = []compress.ChunkResult{{KeptLines: [][2]int{{1, last}}}}
			res.Cut = true
			return res, err
		}
		done.Store(req.Query, true) // as a cache keeps it
		return res, err
	})
	base, client := start(t, opts)
	block := "Why?\n```go\n" + source(60) + "```\n"
	forms := map[string]bool{}
	cut := 0
	for i := range 40 {
		body := userChat(strings.Replace(block, "Why?", "Why "+strings.Repeat("so ", i)+"?", 1))
		a, _ := post(t, client, base+"/v1/chat/completions", body)
		sent := string(u.last(t).body)
		_, code, _ := strings.Cut(sent, "```go")
		forms[code] = true
		switch decision := a.Header.Get("X-Pith-Decision"); {
		case decision == "bypass; left=1; reason=ranking-cut-short" && sent == body:
			cut++
		case decision == "compressed" && sent != body:
		default:
			t.Errorf("decision %q", decision)
		}
		for range 3 {
			if post(t, client, base+"/v1/chat/completions", body); string(u.last(t).body) != sent {
				t.Error("the block changed its form")
			}
		}
	}
	if len(forms) != 2 || cut == 0 {
		t.Errorf("%d forms, want the original and one more (%d were cut short)", len(forms), cut)
	}
}
