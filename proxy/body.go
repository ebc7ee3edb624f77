package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// A byteBudget bounds the bytes of all bodies held at one time.
type byteBudget struct {
	limit atomic.Int64
	used  atomic.Int64
}

// A hold is one request's share of a byteBudget.
type hold struct {
	budget *byteBudget
	bytes  int64
}

func (b *byteBudget) hold() *hold { return &hold{budget: b} }

// grow takes n more bytes, or none and false.
func (h *hold) grow(n int) bool {
	if h.budget.used.Add(int64(n)) > h.budget.limit.Load() {
		h.budget.used.Add(-int64(n))
		return false
	}
	h.bytes += int64(n)
	return true
}

// shrink gives back all but the first n bytes.
func (h *hold) shrink(n int64) {
	h.budget.used.Add(n - h.bytes)
	h.bytes = n
}

func (h *hold) release() { h.shrink(0) }

var errHeld = &apiError{status: http.StatusTooManyRequests, kind: kindRate, msg: "too many request bytes in flight, try again", retryAfter: 1}

// receive reads a body to its end. It has to come before any work: net/http notices that a client is gone only once the body is
// read. Bytes are taken from the budget as they arrive, so that an announced length reserves nothing.
func receive(body io.Reader, limit int64, hold *hold) ([]byte, error) {
	out := make([]byte, 0, 4<<10)
	for {
		if len(out) == cap(out) {
			out = slices.Grow(out, min(len(out), 4<<20))
		}
		n, err := body.Read(out[len(out):cap(out)])
		if !hold.grow(n) {
			return nil, errHeld
		}
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return nil, &apiError{status: http.StatusRequestEntityTooLarge, kind: kindTooLarge, msg: "request body is larger than this proxy reads"}
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, &apiError{status: http.StatusRequestTimeout, kind: kindTimeout, msg: "request body stopped arriving", err: err}
		case err != nil:
			return nil, &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: "request body could not be read", err: err}
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
	n, err := b.ReadCloser.Read(p)
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

var errTooLong = &apiError{status: http.StatusBadGateway, kind: kindUpstream, msg: "the upstream's answer is larger than this proxy passes on"}

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
