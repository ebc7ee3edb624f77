package waits

import (
	"context"

	"pith/internal/panics"
)

// most is how many are done at once: half of the connections that a store has.
const most = 32

// Each calls do with each number from 0 to n-1, and returns when all calls have. A panic of do is
// the caller's.
func Each(n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	g, _ := panics.NewGroup(context.Background())
	g.SetLimit(most)
	for i := range n {
		g.Go(func() error {
			do(i)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		panic(err)
	}
}
