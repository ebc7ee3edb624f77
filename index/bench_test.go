package index_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"pith/index"
)

// big is a copy of Go's own sources of about 100,000 lines.
func big(b *testing.B) string {
	b.Helper()
	dir, lines := b.TempDir(), 0
	src := filepath.Join(runtime.GOROOT(), "src") //nolint:staticcheck // the toolchain that runs this
	for _, part := range []string{"net", "go", "crypto", "encoding", "os", "text", "time", "sync"} {
		err := filepath.WalkDir(filepath.Join(src, part), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.Contains(path, "testdata") ||
				lines > 100_000 {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(src, path)
			lines += strings.Count(string(text), "\n")
			write(b, dir, rel, string(text))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("%d lines", lines)
	return dir
}

var questions = []string{
	"How are idle connections closed by the HTTP transport?",
	"Where is a certificate chain verified?",
	"How does the type checker resolve a selector?",
	"How is a multipart form parsed?",
	"Which function rounds a duration?",
	"How are struct tags read by the JSON decoder?",
}

func BenchmarkFirst(b *testing.B) {
	dir := big(b)
	for b.Loop() {
		x, err := index.Open(options(b, dir))
		if err != nil {
			b.Fatal(err)
		}
		if err := x.Refresh(b.Context(), nil); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(x.Status().Lines), "lines")
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB")
		_ = x.Close()
	}
}

func BenchmarkFind(b *testing.B) {
	x := open(b, options(b, big(b)))
	ask := func(n int) time.Duration {
		start := time.Now()
		if _, err := x.Find(b.Context(), index.Question{Question: questions[n%len(questions)]}); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	for n := range questions {
		ask(n)
	}
	var took []time.Duration
	n := 0
	for b.Loop() {
		took = append(took, ask(n))
		n++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)*95/100])/1e6, "p95-ms")
}

func BenchmarkChange(b *testing.B) {
	dir := big(b)
	x := open(b, options(b, dir))
	watch(b, x)
	var took []time.Duration
	n := 0
	for b.Loop() {
		symbol := "fresh" + strings.Repeat("x", n)
		write(b, dir, "net/fresh.go", "package net\n\nfunc "+symbol+"() {}\n")
		took = append(
			took,
			eventually(b, symbol, func() bool { _, err := x.Expand("net/fresh.go", "", symbol); return err == nil }),
		)
		n++
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2])/1e6, "p50-ms")
	b.ReportMetric(float64(took[len(took)-1])/1e6, "worst-ms")
}
