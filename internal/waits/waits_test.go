package waits_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pith/internal/waits"
)

func TestCallsSideBySideCountOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := waits.Counted(t.Context())
		if before, end := waits.Begin(ctx); before != 0 {
			t.Errorf("%v before the first call", before)
		} else {
			time.Sleep(time.Second)
			before, other := waits.Begin(ctx)
			if before != time.Second {
				t.Errorf("%v into the first call", before)
			}
			time.Sleep(time.Second)
			end()
			time.Sleep(time.Second)
			other()
		}
		time.Sleep(time.Hour)
		if before, _ := waits.Begin(ctx); before != 3*time.Second {
			t.Errorf("%v after two calls", before)
		}
		if before, end := waits.Begin(waits.Counted(ctx)); before != 0 {
			t.Errorf("%v of another count", before)
		} else {
			end()
		}
		if before, end := waits.Begin(t.Context()); before != 0 {
			t.Errorf("%v where nothing is counted", before)
		} else {
			end()
		}
	})
}
