package wiring

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"pith/internal/cores"
)

const (
	// garbageRoom is the garbage that may pile up, in bytes. A server has about 40 MiB in use, and
	// a share of that was collected eight times a second under load, in the way of the requests; a
	// larger share would let the memory for large bodies grow with it.
	garbageRoom = 48 << 20
	// garbagePercent may pile up where that is more, in percent of what is in use.
	garbagePercent = 30
	// fewPercent may pile up where little is in use, as while the server starts.
	fewPercent = 200
)

// FitToServing has many small requests wait little beside large ones, from now on: goroutines are
// spread over more threads than there are cores, and garbage is bounded, unless GOMAXPROCS and GOGC
// say otherwise.
func FitToServing() {
	cores.Spread()
	if os.Getenv("GOGC") == "" {
		c := collection{live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
		c.end()
	}
}

// A collection is garbage at once. Its finalizer runs when one has ended, and waits for the next.
type collection struct {
	live    []metrics.Sample
	percent int
}

// end fits the percentage to what is now in use.
func (c *collection) end() {
	metrics.Read(c.live)
	used := max(c.live[0].Value.Uint64(), 1)
	percent := min(max(garbageRoom*100/used, garbagePercent), fewPercent)
	if int(percent) != c.percent {
		c.percent = int(percent)
		debug.SetGCPercent(c.percent)
	}
	runtime.SetFinalizer(c, (*collection).end)
}
