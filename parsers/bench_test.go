package parsers_test

import (
	"bytes"
	"go/build"
	"path/filepath"
	"testing"
	"time"

	"pith/parsers"
	"pith/parsers/processes"
)

// largeGo is about 131 KB of real Go.
func largeGo(b testing.TB) []byte {
	src := readFile(b, filepath.Join(build.Default.GOROOT, "src/net/http/server.go"))
	return src[:bytes.LastIndexByte(src[:min(len(src), 131<<10)], '\n')+1]
}

// BenchmarkParse compares a parse in this process with one in a worker: the difference is the cost
// of the hop.
func BenchmarkParse(b *testing.B) {
	src := largeGo(b)
	for _, mode := range []struct {
		name string
		opts processes.Options
	}{
		{"in-process", processes.Options{InProcess: true, Timeout: 10 * time.Second}},
		{"worker", processes.Options{Workers: 1, Timeout: 10 * time.Second}},
	} {
		b.Run(mode.name, func(b *testing.B) {
			p := newPool(b, mode.opts)
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				f, err := p.ParseAs(b.Context(), "go", src)
				if err != nil || f.Fallback != "" {
					b.Fatalf("fallback %q, error %v", f.Fallback, err)
				}
			}
		})
	}
}

// BenchmarkKnown is a further question about a file: what BenchmarkParse takes of the same bytes is
// saved.
func BenchmarkKnown(b *testing.B) {
	src := largeGo(b)
	p := newPool(b, processes.Options{InProcess: true, Timeout: 10 * time.Second})
	ctx := processes.InScope(b.Context(), "a")
	if _, err := p.ParseAs(ctx, "go", src); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := p.ParseAs(ctx, "go", src); err != nil {
			b.Fatal(err)
		}
	}
	if s := p.Stats(); s.Known != s.Parses-1 {
		b.Fatalf("%d of %d files were known", s.Known, s.Parses)
	}
	b.ReportMetric(float64(p.Stats().KeptBytes), "kept-B")
}

// BenchmarkWorkerStart is what a killed worker costs the next file.
func BenchmarkWorkerStart(b *testing.B) {
	for b.Loop() {
		p, err := processes.NewPool(processes.Options{Workers: 1, Timeout: 10 * time.Second})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.ParseAs(b.Context(), "go", []byte(goFile)); err != nil {
			b.Fatal(err)
		}
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDetect(b *testing.B) {
	src := largeGo(b)
	python := readFile(b, "testdata/sample.py")
	ruby := readFile(b, "testdata/sample.rb")
	for _, input := range []struct {
		name, path string
		src        []byte
	}{{"path", "server.go", src}, {"tell", "", python}, {"classifier", "", ruby}} {
		b.Run(input.name, func(b *testing.B) {
			for b.Loop() {
				parsers.Detect(input.path, input.src)
			}
		})
	}
}

func BenchmarkFallback(b *testing.B) {
	src := bytes.Repeat([]byte("key:\n  - value\n\n"), 64<<10)
	p := newPool(b, processes.Options{})
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := p.ParseAs(b.Context(), "yaml", src); err != nil {
			b.Fatal(err)
		}
	}
}
