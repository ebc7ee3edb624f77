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
func (s *Server) begin(c *gin.Context, w *answerWriter) *exchange {
	x := &exchange{start: time.Now(), dialect: "none"}
	var ctx context.Context
	ctx, x.span = s.tracing.start(c.Request.Context(), c.Request)
	x.id = s.tracing.idOf(x.span, c.Request.Header)
	w.Header().Set(headerRequestID, x.id)
	c.Request = c.Request.WithContext(ctx)
	x.body = watchBody(w, c.Request, s.opts.Limits.BodyIdle)
	w.watch(x.body, c.Request, s.opts.Limits.WriteIdle)
	s.metrics.active.Inc()
	return x
}

// enter finds whose request it is, and whether it may come in.
func (s *Server) enter(x *exchange, w http.ResponseWriter, r *http.Request, open bool) (err error) {
	if !open {
		x.client, err = s.gateway.Enter(w.Header(), r)
		x.tenant = x.client.Tenant(r)
	}
	return err
}

// finish counts, prices, traces and logs a request.
func (s *Server) finish(r *http.Request, w *answerWriter, x *exchange) {
	s.metrics.active.Dec()
	s.conclude(r, x, ending{"request", w.status, w.bytes})
}

// An ending says how a request ended: what it was, its status code, the bytes of its answer.
type ending struct {
	what   string
	status int
	size   int64
}

// conclude counts, prices, traces and logs what has ended.
func (s *Server) conclude(r *http.Request, x *exchange, end ending) {
	took := time.Since(x.start)
	if x.reply != nil {
		x.reply.share.release()
	}
	s.metrics.observe(x, end.status, took)
	var b accounting.Bill
	if x.account != nil {
		b = x.account.Close(x.report.original - x.report.compressed)
		if b.Reported() {
			x.client.Settle(r.Context(), b.Usage.Prompt()+b.Usage.Output)
		}
		s.books.Record(x.account, b,
			accounting.Outcome{Dialect: x.dialect, Status: end.status, Aborted: x.aborted, Duration: took})
	}
	s.tracing.end(x, b, end.status)
	s.logRequest(r, x, b, end, took)
	s.tell(x, end, took)
}

// logRequest writes the line of a finished request. It holds no query string, no header and nothing
// of a body.
func (s *Server) logRequest(r *http.Request, x *exchange, b accounting.Bill, end ending, took time.Duration) {
	level, model := slog.LevelInfo, ""
	if x.quiet {
		level = slog.LevelDebug
	}
	if x.report.decision != "" {
		model = s.books.Label(x.report.model)
	}
	attrs := []slog.Attr{
		slog.String("id", x.id),
		slog.String("method", r.Method),
		slog.String("path", x.client.Hide(r.URL.Path)),
		slog.Int("status", end.status),
		slog.Int64("bytes", end.size),
		slog.Duration("took", took),
		slog.String("client", x.client.Name()),
		slog.String("upstream", x.to.Name()),
		slog.String("dialect", x.dialect),
		slog.String("model", model),
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
	s.log.LogAttrs(r.Context(), level, end.what, append(attrs, b.Attrs()...)...)
}

// recoverPanic, when deferred, keeps a panic from ending the process. An aborted response stays
// aborted: swallowing http.ErrAbortHandler would end a cut stream as if it were whole.
func (s *Server) recoverPanic(r *http.Request, w *answerWriter, x *exchange) {
	v := recover()
	if v == nil {
		return
	}
	x.aborted = true
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.log.ErrorContext(r.Context(), "panic while serving", "path", x.client.Hide(r.URL.Path), "panic", panics.Text(v))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	writeError(w, dialects.VendorOf(r.URL.Path), errInternal)
}

var errInternal = &apierror.Error{
	Status: http.StatusInternalServerError,
	Kind:   apierror.Internal,
	Msg:    "internal error",
}
