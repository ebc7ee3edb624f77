package proxy

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"sync/atomic"

	"pith/internal/apierror"
)

// A byteBudget bounds the bytes of all bodies held at one time.
type byteBudget struct {
	limit atomic.Int64
	used  atomic.Int64
}

// A byteShare is what one request has of a byteBudget.
type byteShare struct {
	budget *byteBudget
	bytes  int64
	// holders are those who still use the bytes: the request, and work for it that goes on after
	// it.
	holders atomic.Int32
}

func (b *byteBudget) share() *byteShare {
	s := &byteShare{budget: b}
	s.holders.Store(1)
	return s
}

// hold keeps the bytes taken until one more release.
func (s *byteShare) hold() { s.holders.Add(1) }

// grow takes n more bytes, or none and false.
func (s *byteShare) grow(n int) bool {
	if s.budget.used.Add(int64(n)) > s.budget.limit.Load() {
		s.budget.used.Add(-int64(n))
		return false
	}
	s.bytes += int64(n)
	return true
}

// fit takes or gives back until n bytes are taken, or does neither and returns false.
func (s *byteShare) fit(n int) bool {
	if more := n - int(s.bytes); more > 0 {
		return s.grow(more)
	}
	s.shrink(int64(n))
	return true
}

// add takes n more bytes, whether or not there are any: a copy of what was let in.
func (s *byteShare) add(n int) {
	s.budget.used.Add(int64(n))
	s.bytes += int64(n)
}

// shrink gives back all but the first n bytes.
func (s *byteShare) shrink(n int64) {
	s.budget.used.Add(n - s.bytes)
	s.bytes = n
}

// release gives all back once nobody holds them.
func (s *byteShare) release() {
	if s.holders.Add(-1) == 0 {
		s.shrink(0)
	}
}

var errInFlight = apierror.Busy("too many request bytes in flight, try again")

// larger is out with more room: for all that was announced and for the end, once half has come.
func larger(out []byte, announced int64) []byte {
	rest := announced + 1 - int64(len(out))
	if rest <= 0 || rest > int64(len(out)) {
		return slices.Grow(out, min(len(out), 4<<20))
	}
	return append(make([]byte, 0, announced+1), out...)
}

// receive reads a body to its end. It has to come before any work: net/http notices that a client
// is gone only once the body is read (TestClientLeavingEndsCompression). Bytes are taken from the
// budget as they arrive; an announced length, or -1, reserves no more than has come.
func receive(body io.Reader, limit, announced int64, share *byteShare) ([]byte, error) {
	out := make([]byte, 0, 4<<10)
	for {
		if len(out) == cap(out) {
			out = larger(out, announced)
		}
		n, err := body.Read(out[len(out):cap(out)])
		if !share.grow(n) {
			return nil, errInFlight
		}
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return nil, &apierror.Error{
				Status: http.StatusRequestEntityTooLarge,
				Kind:   apierror.TooLarge,
				Msg:    "request body is larger than this proxy reads",
			}
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
	}
}

// limitAnswer bounds an answer. One that announces its length is refused before anything of it was
// passed on, a stream is cut where it grows too long: the client sees it cut.
func limitAnswer(res *http.Response, limit int64) error {
	if limit == 0 || res.StatusCode == http.StatusSwitchingProtocols || res.Request.Method == http.MethodHead {
		return nil
	}
	if res.ContentLength > limit {
		return errTooLong
	}
	res.Body = &limitedBody{ReadCloser: res.Body, left: limit}
	return nil
}

var errTooLong = &apierror.Error{
	Status: http.StatusBadGateway,
	Kind:   apierror.Upstream,
	Msg:    "the upstream's answer is larger than this proxy passes on",
}

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLong
	}
	return n, err
}

// A countedBody counts what was read of a body.
type countedBody struct {
	io.ReadCloser
	n atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// A dropBody reads a body once and lets go of it at its end, as the request that holds it lives as
// long as the answer's stream.
type dropBody struct{ left []byte }

func (b *dropBody) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		b.left = nil
		return 0, io.EOF
	}
	n := copy(p, b.left)
	b.left = b.left[n:]
	return n, nil
}

// Close keeps what is left: the transport closes a body that it may want to read on.
func (b *dropBody) Close() error { return nil }
