package compress

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzGuarantees holds every result against all guarantees at once (identity, budget, verbatim, one
// honest marker per gap, no new syntax errors, determinism): they share the expensive part, and an
// input that strains one often breaks another.
func FuzzGuarantees(f *testing.F) {
	splitter := pool(f)
	for i, tt := range cases {
		content, err := os.ReadFile(filepath.Join("testdata", tt.file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(tt.file, string(content), tt.query, uint16(30), uint8(i))
		f.Add(tt.file, strings.ReplaceAll(string(content), "\n", "\r\n"), tt.query, uint16(200), uint8(i))
		f.Add(tt.file, string(content[:len(content)*2/3]), "", uint16(120), uint8(i))
	}
	f.Add("a.txt", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", "q", uint16(12), uint8(0))
	f.Add("a.py", "class A:\n\n    def f(self):\n        pass\n", "f", uint16(20), uint8(1))
	f.Fuzz(func(t *testing.T, path, content, query string, budget uint16, pick uint8) {
		if strings.Contains(content, "... lines ") || strings.HasSuffix(path, ".rb") || len(content) > 1<<16 {
			return // the checker tells markers from input by their text; Ruby is only parsed in a worker process
		}
		req := Request{
			Files: []File{{Path: path, Content: content}}, Query: query, Budget: int(budget) + 1,
			Ranker: []string{"hybrid", "ami", "bm25"}[pick%3], Stage: []Stage{StageFine, StageCoarse}[pick/3%2],
			Speed: []Speed{SpeedExact, SpeedBalanced, SpeedFast}[pick/6%3],
		}
		e := engine(t, func(o *Options) { o.Splitter = splitter })
		res, err := e.Compress(t.Context(), req)
		if errors.Is(err, ErrBudget) {
			marker := strings.Count(content, "\n") + 1
			if strings.Count(strings.TrimSuffix(content, "\n"), "\n") == 0 {
				return // an only line stays or nothing does
			}
			if smallest := (wordCounter{}).Count("<!-- ... lines 1-9 omitted -->\n"); req.Budget > smallest+marker {
				t.Fatalf("%v, yet %d tokens hold a marker", err, req.Budget)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		check(t, splitter, wordCounter{}, req, res)
		again, err := e.Compress(t.Context(), req)
		if err != nil || again.Text != res.Text {
			t.Fatalf("a second run gives other bytes (%v)", err)
		}
	})
}
