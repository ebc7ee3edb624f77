package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"pith/accounting"
	"pith/dialects"
	"pith/internal/apierror"
	"pith/internal/panics"
)

// begin starts a request's exchange and its span.
func (s *Server) begin(c *gin.Context) *exchange {
	x := &exchange{start: time.Now(), dialect: "none"}
	var ctx context.Context
	ctx, x.span = s.tracing.start(c.Request.Context(), c.Request)
	c.Request = c.Request.WithContext(ctx)
	s.metrics.active.Inc()
	return x
}

// enter finds whose request it is, and whether it may come in.
func (s *Server) enter(x *exchange, w http.ResponseWriter, r *http.Request, open bool) (err error) {
	if !open {
		x.client, err = s.gateway.Enter(w.Header(), r)
	}
	return err
}

// finish counts, prices, traces and logs a request.
func (s *Server) finish(c *gin.Context, x *exchange) {
	s.metrics.active.Dec()
	s.conclude(c.Request, x, ending{"request", c.Writer.Status(), max(0, c.Writer.Size())})
}

// An ending says how a request ended: what it was, its status code, the bytes of its answer.
type ending struct {
	what         string
	status, size int
}

// conclude counts, prices, traces and logs what has ended.
func (s *Server) conclude(r *http.Request, x *exchange, end ending) {
	took := time.Since(x.start)
	s.metrics.observe(x, end.status, took)
	var b accounting.Bill
	if x.account != nil {
		b = x.account.Close(x.report.original - x.report.compressed)
		if b.Reported() {
			x.client.Settle(r.Context(), b.Usage.Prompt()+b.Usage.Output)
		}
		s.books.Record(x.account, b, accounting.Outcome{Dialect: x.dialect, Status: end.status, Aborted: x.aborted, Duration: took})
	}
	s.tracing.end(x, b, end.status)
	s.logRequest(r, x, b, end, took)
}

// logRequest writes the line of a finished request. It holds no query string, no header and nothing of a body.
func (s *Server) logRequest(r *http.Request, x *exchange, b accounting.Bill, end ending, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", r.URL.Path),
		slog.Int("status", end.status),
		slog.Int("bytes", end.size),
		slog.Duration("took", took),
		slog.String("client", x.client.Name()),
		slog.String("upstream", x.to.Name()),
		slog.String("dialect", x.dialect),
		slog.String("decision", string(x.report.decision)),
		slog.String("reason", x.report.reason),
		slog.Int("original_tokens", x.report.original),
		slog.Int("compressed_tokens", x.report.compressed),
		slog.Int("budget_tokens", x.report.budget),
		slog.Int("line_tokens", x.report.lines),
		slog.Duration("compress_took", x.report.took),
		slog.Int("hidden_rounds", x.hiddenRounds()),
		slog.Bool("aborted", x.aborted),
	}
	s.log.LogAttrs(r.Context(), slog.LevelInfo, end.what, append(attrs, b.Attrs()...)...)
}

// recoverPanic, when deferred, keeps a panic from ending the process. An aborted response stays
// aborted: swallowing http.ErrAbortHandler would end a cut stream as if it were whole.
func (s *Server) recoverPanic(c *gin.Context, x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	x.aborted = true
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.log.ErrorContext(c.Request.Context(), "panic while serving", "path", c.Request.URL.Path, "panic", panics.Text(v))
	if c.Writer.Written() {
		panic(http.ErrAbortHandler)
	}
	writeError(c.Writer, dialects.VendorOf(c.Request.URL.Path), errInternal)
}

var errInternal = &apierror.Error{
	Status: http.StatusInternalServerError,
	Kind:   apierror.Internal,
	Msg:    "internal error",
}
