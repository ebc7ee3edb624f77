package proxy

import (
	"bufio"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"pith/internal/panics"
)

// An answerWriter writes an answer to net/http's own writer and remembers what became of it. It
// stands below gin, whose writer keeps an informational status for the final one and drops what it
// does not know.
//
// ReverseProxy flushes from a timer and passes informational answers on from the transport's
// goroutine: a panic there would end the process, so neither gets out of here
// (TestNoAnswerEndsTheProcess).
type answerWriter struct {
	http.ResponseWriter
	status int // 0 until the head is written
	bytes  int64

	conn *http.ResponseController
	// body is the request's. An answer that comes before its end is the last of its connection,
	// where that carries one request at a time.
	body   *clientBody
	single bool
	// oldest is HTTP/1.0, whose connections carry one request: net/http overlooks how a body of it
	// is framed (golang.org/issue/12785).
	oldest bool
	// mu is held by whoever writes: ReverseProxy's timer flushes beside the handler.
	mu       sync.Mutex
	patience patience
}

// underGin has gin write by an answerWriter.
func underGin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&answerWriter{ResponseWriter: w, conn: http.NewResponseController(w)}, r)
	})
}

// watch has the answer to r, whose body is body, wait for its client no longer than idle.
func (w *answerWriter) watch(body *clientBody, r *http.Request, idle time.Duration) {
	w.body, w.single, w.oldest, w.patience = body, r.ProtoMajor < 2, !r.ProtoAtLeast(1, 1), newPatience(idle)
}

// patiently has write write n bytes while there is patience with the client. The deadline ends with
// it: net/http's HTTP/2 resets a silent stream when its deadline passes, whether or not somebody
// writes (http2stream.onWriteTimeout).
func (w *answerWriter) patiently(n int, write func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.patience.all == 0 { // of a request that net/http alone has seen
		return write()
	}
	before := time.Now()
	// A writer without deadlines (a test's recorder) writes without them.
	_ = w.conn.SetWriteDeadline(before.Add(w.patience.left))
	err := write()
	w.patience.spend(time.Since(before), n)
	if err == nil {
		_ = w.conn.SetWriteDeadline(time.Time{})
	}
	return err
}

// writerOf returns the writer below gin's.
func writerOf(c *gin.Context) *answerWriter {
	return c.Writer.(interface{ Unwrap() http.ResponseWriter }).Unwrap().(*answerWriter)
}

// WriteHeader writes the head once; informational ones before it go out at once.
func (w *answerWriter) WriteHeader(status int) {
	switch {
	case w.status != 0:
	case status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		// It is news, not an answer: one that cannot be written is not missed.
		_ = panics.Guard(func() error { w.ResponseWriter.WriteHeader(status); return nil })
	default:
		if w.single && (w.body.unread() || w.oldest) {
			w.Header().Set("Connection", "close")
		}
		w.ResponseWriter.WriteHeader(status)
		w.status = status
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n := 0
	err := w.patiently(len(p), func() (err error) { n, err = w.ResponseWriter.Write(p); return err })
	w.bytes += int64(n)
	return n, err
}

// FlushError sends what is written.
func (w *answerWriter) FlushError() error {
	return panics.Guard(func() error { return w.patiently(0, w.conn.Flush) })
}

// finish gives net/http as much time to send the rest as there is patience left.
func (w *answerWriter) finish() {
	if w.single {
		_ = w.conn.SetWriteDeadline(time.Now().Add(w.patience.left)) // net/http takes it off again
	}
}

// Hijack takes the connection over for another protocol.
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := w.conn.Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
