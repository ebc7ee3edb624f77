package cores_test

import (
	"runtime"
	"testing"

	"pith/internal/cores"
)

func TestSpread(t *testing.T) {
	number := cores.Number()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	t.Setenv("GOMAXPROCS", "3")
	before := runtime.GOMAXPROCS(0)
	cores.Spread()
	if now := runtime.GOMAXPROCS(0); now != before {
		t.Errorf("with GOMAXPROCS set it went from %d to %d", before, now)
	}
	t.Setenv("GOMAXPROCS", "")
	cores.Spread()
	if now := runtime.GOMAXPROCS(0); now != 2*number {
		t.Errorf("%d goroutines run at once on %d cores", now, number)
	}
	if cores.Number() != number {
		t.Errorf("%d cores became %d", number, cores.Number())
	}
}
