package compress

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// ErrBusy means that so much waits for the engine that this request would wait too long.
var ErrBusy = errors.New("engine is busy")

const (
	// guess is what a byte is taken to need until one was measured, sizeless what a request needs
	// whatever its size, in bytes.
	guess    = 10 * time.Microsecond
	sizeless = 1 << 10
	// fading is how fast measurements are forgotten: each new one takes the place of one part in so
	// many of those before.
	fading = 8
	// surprise bounds what one measurement may say, as a multiple of what was expected: one odd file
	// is not to have all others turned away.
	surprise = 4
)

// A Gate lets requests into an engine, so many at a time, and turns away at once those that would
// wait too long: who waits behind more than the engine can do is late and gets nothing for it. How
// long a request would wait it tells from what is ahead and from what such work took before, here
// and now: on a busy machine that is more.
type Gate struct {
	places *semaphore.Weighted
	n      int

	mu sync.Mutex
	// ahead is the size of all work that was let in and has not ended.
	ahead int
	// took and size are what work took that ended, and how large it was.
	took, size float64
}

// NewGate returns a Gate that lets in places requests at a time.
func NewGate(places int) *Gate {
	places = max(places, 1)
	return &Gate{places: semaphore.NewWeighted(int64(places)), n: places}
}

// enter waits for a place for work on size bytes, most at the longest, or fails with ErrBusy where
// that will not do. owed work is never turned away, and waits. What enter returns gives the place
// back, and is told whether the work was done.
func (g *Gate) enter(ctx context.Context, size int, most time.Duration, owed bool) (leave func(done bool), err error) {
	size += sizeless
	if !g.join(size, most, owed) {
		return nil, ErrBusy
	}
	waiting := ctx
	if !owed {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, most)
		defer cancel()
	}
	if err := g.places.Acquire(waiting, 1); err != nil {
		g.end(size)
		if ctx.Err() == nil {
			err = ErrBusy
		}
		return nil, err
	}
	start := time.Now()
	return func(done bool) {
		g.places.Release(1)
		g.end(size)
		g.measure(size, time.Since(start), done)
	}, nil
}

// join counts work among what is ahead, unless it would wait too long. With nothing ahead it would
// not.
func (g *Gate) join(size int, most time.Duration, owed bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ahead > 0 && !owed && g.wait() > most {
		return false
	}
	g.ahead += size
	return true
}

// wait is how long work that comes now is expected to wait.
func (g *Gate) wait() time.Duration {
	return time.Duration(g.perByte() * float64(g.ahead) / float64(g.n))
}

// perByte is what a byte needs, in nanoseconds.
func (g *Gate) perByte() float64 {
	if g.size == 0 {
		return float64(guess)
	}
	return g.took / g.size
}

func (g *Gate) end(size int) {
	g.mu.Lock()
	g.ahead -= size
	g.mu.Unlock()
}

// measure takes in what work took. Of work that was given up it is only known that it would have
// taken longer.
func (g *Gate) measure(size int, took time.Duration, done bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	expected := g.perByte() * float64(size)
	if !done && float64(took) <= expected {
		return
	}
	if g.size > 0 {
		took = min(took, time.Duration(surprise*expected))
	}
	g.took += float64(took) - g.took/fading
	g.size += float64(size) - g.size/fading
}
