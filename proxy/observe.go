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
	took, status := time.Since(x.start), c.Writer.Status()
	s.metrics.observe(x, status, took)
	var b accounting.Bill
	if x.account != nil {
		b = x.account.Close(x.report.original - x.report.compressed)
		if b.Reported() {
			x.client.Settle(c.Request.Context(), b.Usage.Prompt()+b.Usage.Output)
		}
		s.books.Record(
			x.account,
			b,
			accounting.Outcome{Dialect: x.dialect, Status: status, Aborted: x.aborted, Duration: took},
		)
	}
	s.tracing.end(x, b, status)
	s.logRequest(c, x, b, took)
}

// logRequest writes the line of a finished request. It holds no query string, no header and nothing
// of a body.
func (s *Server) logRequest(c *gin.Context, x *exchange, b accounting.Bill, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method),
		slog.String("path", c.Request.URL.Path),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(0, c.Writer.Size())),
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
	s.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", append(attrs, b.Attrs()...)...)
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
