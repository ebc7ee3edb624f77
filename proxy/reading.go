package proxy

import (
	"context"
	"runtime"
	"sync"

	"pith/dialects"
)

// smallBody is a body, in bytes, that is read in less time than it takes to wait for a turn.
const smallBody = 64 << 10

// A reading is one body being read. What is made for it counts among the bytes in flight.
type reading struct {
	work  *dialects.Work
	share *byteShare
	// end gives the turn back once the body is read and planned.
	end func()
}

// newReaders makes room for as many readings at a time as there are cores: more would only slow each other down.
func newReaders() chan struct{} { return make(chan struct{}, runtime.GOMAXPROCS(0)) }

// beginReading waits for a turn to read a body of size bytes. An error is the context's.
func (s *Server) beginReading(ctx context.Context, size int) (*reading, error) {
	share := s.inFlight.share()
	r := &reading{work: dialects.NewWork(ctx, share.grow), share: share, end: func() {}}
	if size <= smallBody {
		return r, nil
	}
	select {
	case s.readers <- struct{}{}:
		r.end = sync.OnceFunc(func() { <-s.readers })
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// close gives back what the reading took.
func (r *reading) close() {
	r.end()
	r.share.release()
}
