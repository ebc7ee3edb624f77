package proxy

import (
	"context"
	"sync"

	"pith/dialects"
	"pith/internal/cores"
)

// smallBody is a body, in bytes, that is read in less time than it takes to wait for a turn.
const smallBody = 64 << 10

// A reading is one body being read. What is made for it counts among the bytes in flight.
type reading struct {
	work *dialects.Work
	// share is what was made for the body, body the body itself.
	share, body *byteShare
	// end gives the turn back once the body is read and planned.
	end func()
}

// newReaders makes room for as many readings at a time as there are cores: more would only slow
// each other down.
func newReaders() chan struct{} { return make(chan struct{}, cores.Number()) }

// beginReading waits for a turn to read a body of size bytes. An error is the context's.
func (s *Server) beginReading(ctx context.Context, size int, body *byteShare) (*reading, error) {
	share := s.inFlight.share()
	r := &reading{work: dialects.NewWork(ctx, share.grow), share: share, body: body, end: func() {}}
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

// hold keeps body and share for work that may outlast the request, until the function that it
// returns is called.
func (r *reading) hold() (release func()) {
	r.share.hold()
	r.body.hold()
	return func() {
		r.share.release()
		r.body.release()
	}
}

// close gives back what the reading took.
func (r *reading) close() {
	r.end()
	r.share.release()
}
