package perplexity_test

import (
	"fmt"
	"os"
	"testing"

	"pith/perplexity"
)

// The tests run the real ONNX Runtime: without it they fail at once, with what to do.
func TestMain(m *testing.M) {
	if err := perplexity.Setup(""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func open(tb testing.TB, opt perplexity.Options) *perplexity.Model {
	tb.Helper()
	if opt.Device == "" {
		opt.Device = "cpu"
	}
	m, err := perplexity.Open(perplexity.Embedded(), opt)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := m.Close(); err != nil {
			tb.Error(err)
		}
	})
	return m
}

func score(tb testing.TB, m *perplexity.Model, seqs ...perplexity.Sequence) []perplexity.Losses {
	tb.Helper()
	out, err := m.Score(tb.Context(), seqs)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}
