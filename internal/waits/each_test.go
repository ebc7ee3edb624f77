package waits_test

import (
	"sync/atomic"
	"testing"

	"pith/internal/waits"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		did := make([]atomic.Int32, n)
		waits.Each(n, func(i int) { did[i].Add(1) })
		for i := range did {
			if did[i].Load() != 1 {
				t.Errorf("%d of %d was done %d times", i, n, did[i].Load())
			}
		}
	}
}

// A panic on a goroutine of its own would end the process.
func TestPanicsAreTheCallers(t *testing.T) {
	for _, n := range []int{1, 100} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a panic of one of %d is lost", n)
				}
			}()
			waits.Each(n, func(i int) {
				if i == n/2 {
					panic("no")
				}
			})
		}()
	}
}
