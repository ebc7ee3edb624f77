package costs_test

import (
	"testing"

	"pith/compress"
	"pith/parsers"
	"pith/tokens"
)

// counters gives compress the counters of package tokens.
type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

func newPool(t testing.TB) *parsers.Pool {
	t.Helper()
	pool, err := parsers.NewPool(parsers.Options{InProcess: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return pool
}
