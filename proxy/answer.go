package proxy

import (
	"bufio"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"

	"pith/internal/panics"
)

// An answerWriter writes an answer to net/http's own writer and remembers what became of it. It stands
// below gin, whose writer keeps an informational status for the final one and drops what it does not
// know.
//
// ReverseProxy flushes from a timer and passes informational answers on from the transport's goroutine:
// a panic there would end the process, so neither gets out of here (TestNoAnswerEndsTheProcess).
type answerWriter struct {
	http.ResponseWriter
	status int // 0 until the head is written
	bytes  int64
}

// underGin has gin write by an answerWriter.
func underGin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&answerWriter{ResponseWriter: w}, r)
	})
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
		w.ResponseWriter.WriteHeader(status)
		w.status = status
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// FlushError sends what is written.
func (w *answerWriter) FlushError() error {
	return panics.Guard(func() error { return http.NewResponseController(w.ResponseWriter).Flush() })
}

// Hijack takes the connection over for another protocol.
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
