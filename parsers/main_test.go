package parsers_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"go.uber.org/goleak"

	"pith/parsers/processes"
)

// TestMain makes the test binary a parse worker when a pool starts it as one, as main does.
func TestMain(m *testing.M) {
	var out io.Writer
	switch {
	case len(os.Args) == 2 && os.Args[1] == processes.WorkerArg:
		out = os.Stdout
	case len(os.Args) == 2 && os.Args[1] == liarArg:
		out = &liar{rng: rand.New(rand.NewPCG(1, 2))}
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err := processes.ServeWorker(os.Stdin, out); err != nil {
		fmt.Fprintln(os.Stderr, "parse worker:", err)
		os.Exit(1)
	}
}

// liarArg makes the test binary a worker that answers wrong.
const liarArg = "lying-worker"

// A liar changes bytes in the frames that go through it, but not their lengths.
type liar struct{ rng *rand.Rand }

func (l *liar) Write(frame []byte) (int, error) {
	const header = 4
	frame = bytes.Clone(frame)
	for range l.rng.IntN(4) {
		if len(frame) > header {
			frame[header+l.rng.IntN(len(frame)-header)] = byte(l.rng.Uint32())
		}
	}
	return os.Stdout.Write(frame)
}

func newPool(t testing.TB, opts processes.Options) *processes.Pool {
	t.Helper()
	p, err := processes.NewPool(opts)
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
