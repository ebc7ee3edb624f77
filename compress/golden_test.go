package compress

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/parsers"
)

var update = flag.Bool("update", false, "write the golden files anew")

// pool parses in this process; none of the test's languages needs a worker.
func pool(t testing.TB) *parsers.Pool {
	t.Helper()
	p, err := parsers.NewPool(parsers.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// cases are real-looking files with a question each.
var cases = []struct{ file, query string }{
	{"shop.py", "how is an order refunded?"},
	{"cache.go", "what is evicted when the cache is full?"},
	{"Account.java", "when does a withdrawal fail?"},
	{"queue.ts", "how are failed jobs retried?"},
	{"ring.c", "how does the ring wrap around when writing?"},
}

// A change in what is kept of real files is a change for review: it shows up here as a diff.
func TestGolden(t *testing.T) {
	splitter := pool(t)
	for _, tt := range cases {
		content, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		for ranker, rate := range map[string]float64{"hybrid": 0.5, "bm25": 0.2} {
			req := Request{Files: []File{{Path: tt.file, Content: string(content)}}, Query: tt.query, Rate: rate, Ranker: ranker}
			res := compress(t, engine(t, func(o *Options) { o.Splitter = splitter }), req)
			check(t, splitter, words{}, req, res)
			golden(t, tt.file+"."+ranker+".golden", describe(res))
		}
	}
}

// describe is a result as one wants to review it: figures first, then the text.
func describe(res Result) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d of %d tokens, budget %d, %s\n", res.CompressedTokens, res.OriginalTokens, res.Budget, res.Ranker)
	for _, c := range res.Chunks {
		fmt.Fprintf(&b, "%3d %-8s %-9s %s\n", c.Rank, c.Decision, c.Kind, c.Name)
	}
	return b.String() + "----\n" + res.Text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", name, got)
	}
}
