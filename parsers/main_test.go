package parsers_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"pith/parsers"
)

// TestMain makes the test binary a parse worker when a pool starts it as one, as main does.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == parsers.WorkerArg {
		if err := parsers.ServeWorker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "parse worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func newPool(t testing.TB, opts parsers.Options) *parsers.Pool {
	t.Helper()
	p, err := parsers.NewPool(opts)
	if err != nil {
		t.Fatalf("NewPool: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return src
}
