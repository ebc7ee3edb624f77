package bench_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/pmezard/go-difflib/difflib"

	"pith/bench"
	"pith/compress"
	"pith/parsers/processes"
	"pith/perplexity"
	"pith/tokens"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestMain makes the test binary a parse worker when a pool starts it as one, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == processes.WorkerArg {
		if err := processes.ServeWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) == 2 && os.Args[1] == rivalArg {
		serveRival()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counters gives compress the counters of package tokens.
type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

// embeddedModel gives compress the embedded model under its own types, as the command does.
type embeddedModel struct{ *perplexity.Model }

func (m embeddedModel) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	in := make([]perplexity.Sequence, len(seqs))
	for i, s := range seqs {
		in[i] = perplexity.Sequence{Given: s.Given, Text: s.Text, WantGiven: s.WantGiven}
	}
	scored, err := m.Model.Score(ctx, in)
	out := make([]compress.Losses, len(scored))
	for i, l := range scored {
		out[i].Dropped = l.Dropped
		for _, loss := range l.Given {
			out[i].Given = append(out[i].Given, compress.Loss(loss))
		}
		for _, loss := range l.Text {
			out[i].Text = append(out[i].Text, compress.Loss(loss))
		}
	}
	return out, err
}

func newEmbedded(t testing.TB) compress.Scorer {
	t.Helper()
	if err := perplexity.Setup(""); err != nil {
		t.Fatal(err)
	}
	model, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { model.Close() })
	return embeddedModel{model}
}

func newPool(t testing.TB) *processes.Pool {
	t.Helper()
	pool, err := processes.NewPool(processes.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}

// newRetention returns a benchmark over the real parsers, tokenizers and engine. scorer may be nil.
func newRetention(t testing.TB, scorer compress.Scorer) bench.Retention {
	t.Helper()
	pool, count := newPool(t), counters{tokens.New()}
	engine, err := compress.New(compress.Options{Splitter: pool, Counters: count, Scorer: scorer})
	if err != nil {
		t.Fatal(err)
	}
	return bench.Retention{Compressor: engine, Splitter: pool, Counters: count}
}

// golden compares got with a file of testdata, so that a change in quality is a diff in review.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	diff, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(want)), FromFile: file,
		B: difflib.SplitLines(string(got)), ToFile: "now",
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff != "" {
		t.Errorf("figures changed; if that is meant, go test ./bench -update records them:\n%s", diff)
	}
}
