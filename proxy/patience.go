package proxy

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"pith/internal/apierror"
	"pith/internal/panics"
)

// A patience is how long one side of a connection may still be waited for. Waiting spends it and
// bytes earn it back, up to all of it again: so a client that stops is let go after all of it, and
// so is one that drips, while a slow one that goes on is not.
type patience struct {
	all, left time.Duration
}

// leastRate is how many bytes a second keep a patience as it is: the slowest of real lines is ten
// times as fast.
const leastRate = 256

func newPatience(all time.Duration) patience { return patience{all: all, left: all} }

// spend counts a wait and the bytes that it was for.
func (p *patience) spend(wait time.Duration, bytes int) {
	p.left += time.Duration(bytes)*time.Second/leastRate - wait
	p.left = min(max(p.left, 0), p.all)
}

// linger is how long the rest of a body that nobody wants is taken before its connection is closed:
// a client that is still writing when that happens may miss the answer.
const linger = time.Second

// A clientBody is the body of a request as it comes from the client. net/http has no limit for it
// short of one for whole requests, which would also end long uploads that make progress. A nil one
// is that of a request without a body.
type clientBody struct {
	io.ReadCloser
	conn     *http.ResponseController
	patience patience
	ended    atomic.Bool
	// failed is why the client's body ended before its end.
	failed atomic.Pointer[apierror.Error]
}

// watchBody has the body of r read with patience. It also lets a body be read while its answer is
// written. Without that, net/http reads and closes what is left of the body when the answer begins;
// a transport that looks once more for its end then gets an error and cuts the answer
// (TestAnswerBeginsBeforeTheBodyEnds).
func watchBody(w http.ResponseWriter, r *http.Request, idle time.Duration) *clientBody {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	b := &clientBody{ReadCloser: r.Body, conn: http.NewResponseController(w), patience: newPatience(idle)}
	_ = b.conn.EnableFullDuplex() // HTTP/2 is, and a test's recorder has nothing to switch
	r.Body = b
	return b
}

// Read reads on. It runs on the transport's goroutine where a body streams through: a panic there
// would end the process.
func (b *clientBody) Read(p []byte) (n int, err error) {
	if b.ended.Load() {
		return 0, io.EOF
	}
	before := time.Now()
	// A writer without deadlines (a test's recorder) reads without them.
	_ = b.conn.SetReadDeadline(before.Add(b.patience.left))
	err = panics.Guard(func() (err error) { n, err = b.ReadCloser.Read(p); return err })
	b.patience.spend(time.Since(before), n)
	switch {
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
		// Behind the body the connection is watched for the client's leaving: that may take as long
		// as the answer.
		_ = b.conn.SetReadDeadline(time.Time{})
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = b.fail(
			&apierror.Error{
				Status: http.StatusRequestTimeout, Kind: apierror.Timeout,
				Msg: "request body stopped arriving", Err: err,
			})
	case err != nil:
		err = b.fail(
			&apierror.Error{
				Status: http.StatusBadRequest, Kind: apierror.Request,
				Msg: "request body could not be read", Err: err,
			})
	}
	return n, err
}

func (b *clientBody) fail(err *apierror.Error) error {
	b.failed.Store(err)
	return err
}

// fault is why the client's body ended before its end, or nil.
func (b *clientBody) fault() *apierror.Error {
	if b == nil {
		return nil
	}
	return b.failed.Load()
}

// unread reports that there is more of the body.
func (b *clientBody) unread() bool { return b != nil && !b.ended.Load() }

// finish lets go of what is left of a body at the end of its handler. One that was read is closed
// here: net/http would close it after the handler, where that starts to watch the connection for
// the client's leaving; the read of the next request then finds the watch at work and panics
// ("invalid concurrent Body.Read call", its connReader.startBackgroundRead). Of one that was not,
// net/http takes the rest after the answer, for no longer than linger, and closes the connection
// (TestSilentBodiesAreLetGo).
func (b *clientBody) finish() {
	switch {
	case b == nil:
	case b.unread():
		_ = b.conn.SetReadDeadline(time.Now().Add(linger))
	default:
		_ = b.Close() // it was read to its end
	}
}
