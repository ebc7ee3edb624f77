package costs_test

import (
	"testing"

	"pith/compress"
	"pith/parsers/processes"
	"pith/tokens"
)

// counters gives compress the counters of package tokens.
type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

func newPool(t testing.TB) *processes.Pool {
	t.Helper()
	pool, err := processes.NewPool(processes.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}
