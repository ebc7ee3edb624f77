package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"pith/internal/apierror"
	"pith/internal/panics"
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
}

func (b *byteBudget) share() *byteShare { return &byteShare{budget: b} }

// grow takes n more bytes, or none and false.
func (s *byteShare) grow(n int) bool {
	if s.budget.used.Add(int64(n)) > s.budget.limit.Load() {
		s.budget.used.Add(-int64(n))
		return false
	}
	s.bytes += int64(n)
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

func (s *byteShare) release() { s.shrink(0) }

var errInFlight = apierror.Busy("too many request bytes in flight, try again")

// receive reads a body to its end. It has to come before any work: net/http notices that a client is gone only once the body is
// read. Bytes are taken from the budget as they arrive, so that an announced length reserves nothing.
func receive(body io.Reader, limit int64, share *byteShare) ([]byte, error) {
	out := make([]byte, 0, 4<<10)
	for {
		if len(out) == cap(out) {
			out = slices.Grow(out, min(len(out), 4<<20))
		}
		n, err := body.Read(out[len(out):cap(out)])
		if !share.grow(n) {
			return nil, errInFlight
		}
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return nil, &apierror.Error{Status: http.StatusRequestEntityTooLarge, Kind: apierror.TooLarge, Msg: "request body is larger than this proxy reads"}
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, &apierror.Error{Status: http.StatusRequestTimeout, Kind: apierror.Timeout, Msg: "request body stopped arriving", Err: err}
		case err != nil:
			return nil, &apierror.Error{Status: http.StatusBadRequest, Kind: apierror.Request, Msg: "request body could not be read", Err: err}
		}
	}
}

// An idleBody gives up on a client that sends nothing for a while. net/http has no such limit short of one for whole requests,
// which would also end long uploads that make progress.
type idleBody struct {
	io.ReadCloser
	conn  *http.ResponseController
	idle  time.Duration
	ended bool
}

// watchBody bounds the waits for the bytes of a request's body.
func watchBody(w http.ResponseWriter, r *http.Request, idle time.Duration) {
	if r.ContentLength != 0 {
		r.Body = newIdleBody(w, r.Body, idle)
	}
}

// closeBody closes a body while its handler still runs. Where full duplex is on, net/http leaves the
// rest of a body to its own Close after the handler; that starts to watch the connection for the
// client's leaving, and the read of the next request finds the watch at work and panics ("invalid
// concurrent Body.Read call").
func closeBody(body io.Closer) { _ = body.Close() }

// newIdleBody also lets a body be read while its answer is written. Without that, net/http reads and closes what is left of the
// body when the answer begins; a transport that looks once more for its end then gets an error and cuts the answer.
func newIdleBody(w http.ResponseWriter, body io.ReadCloser, idle time.Duration) io.ReadCloser {
	conn := http.NewResponseController(w)
	_ = conn.EnableFullDuplex() // HTTP/2 is, and a test's recorder has nothing to switch
	return &idleBody{ReadCloser: body, conn: conn, idle: idle}
}

func (b *idleBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	// A writer without deadlines (a test's recorder) reads without them.
	_ = b.conn.SetReadDeadline(time.Now().Add(b.idle))
	var n int
	// A body that streams through is read by the transport's goroutine, where a panic would end the process.
	err := panics.Guard(func() (err error) { n, err = b.ReadCloser.Read(p); return err })
	// After any other end the deadline stays: net/http reads what is left of a body before it sends an answer.
	if errors.Is(err, io.EOF) {
		b.ended = true
		// Behind the body the connection is watched for the client's leaving: that may take as long as the answer.
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// limitAnswer bounds an answer. One that announces its length is refused before anything of it was passed on, a stream is cut where
// it grows too long: the client sees it cut.
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

var errTooLong = &apierror.Error{Status: http.StatusBadGateway, Kind: apierror.Upstream, Msg: "the upstream's answer is larger than this proxy passes on"}

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

// A dropBody reads a body once and lets go of it at its end, as the request that holds it lives as long as the answer's stream.
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
