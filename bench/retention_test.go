package bench_test

import (
	"bytes"
	"cmp"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"pith/bench"
	"pith/compress"
	"pith/parsers"
	"pith/tokens"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestMain makes the test binary a parse worker when a pool starts it as one, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == parsers.WorkerArg {
		if err := parsers.ServeWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counters gives compress the counters of package tokens.
type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

// newRetention returns a benchmark over the real parsers and tokenizers. scorer may be nil.
func newRetention(t testing.TB, scorer compress.Scorer) bench.Retention {
	t.Helper()
	pool, err := parsers.NewPool(parsers.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	count := counters{tokens.New()}
	engine, err := compress.New(compress.Options{Splitter: pool, Counters: count, Scorer: scorer})
	if err != nil {
		t.Fatal(err)
	}
	return bench.Retention{Compressor: engine, Splitter: pool, Counters: count}
}

// slice is the fixed part of the benchmark that golden files guard: packages written for it.
func slice(t testing.TB) []bench.Package {
	t.Helper()
	packages, err := bench.FolderPackages("testdata/packages")
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

var sliceOptions = bench.RetentionOptions{Queries: 24, Languages: []string{"go", "python", "typescript", "java"}, Seed: 1}

func TestRetentionWithoutModel(t *testing.T) {
	opt := sliceOptions
	opt.Rankers = []string{"random", "head", "bm25"}
	report, err := newRetention(t, nil).Run(t.Context(), slice(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	golden(t, "words.txt", text.Bytes())
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (go test ./bench -update rewrites it); got:\n%s\nwant:\n%s", file, got, want)
	}
}

var _ = cmp.Compare[int]
