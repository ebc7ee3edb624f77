package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
)

// newEngine routes the proxy's own endpoints; everything else goes to the upstream.
func (s *Server) newEngine() http.Handler {
	gin.SetMode(gin.ReleaseMode) // debug mode prints routes to standard output
	e := gin.New()               // not gin.Default: its Recovery hides aborted streams and logs request headers
	e.RedirectTrailingSlash = false
	if err := e.SetTrustedProxies(nil); err != nil { // gin trusts every address by default
		s.log.Error("trusted proxies", "error", err)
	}
	e.Use(finishBody, s.observe, s.recover)
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	e.GET("/health", s.health)
	if s.opts.Admin.MetricsOnMain {
		e.GET("/metrics", gin.WrapH(s.metrics.handler()))
	}
	e.Use(s.authorize) // what follows is for those who may
	e.POST("/pith/v1/compress", s.compress)
	e.POST("/v1/compress", s.compressMessages)
	e.GET("/v1/retrieve/:hash", s.retrieve)
	e.NoRoute(s.upstream)
	return e
}

// finishBody closes the body while its handler still runs. Where full duplex is on, net/http leaves the rest of a body to its own
// Close after the handler; that starts to watch the connection for the client's leaving, and the read of the next request finds the
// watch at work and panics ("invalid concurrent Body.Read call").
func finishBody(c *gin.Context) {
	body := c.Request.Body
	defer func() { _ = body.Close() }()
	c.Next()
}

// upstream hands a request to the proxy path. Below this no gin is known.
func (s *Server) upstream(c *gin.Context) {
	w := &upstreamWriter{ResponseWriter: c.Writer}
	if err := s.exchange(w, c.Request); err != nil {
		writeError(w, s.vendorOf(c.Request.URL.Path).fail, err)
	}
	// gin writes a body of its own for a route it does not know unless something was written.
	c.Writer.WriteHeaderNow()
}

// An upstreamWriter sends informational responses at once, where gin's writer would take their status for the final one.
type upstreamWriter struct{ gin.ResponseWriter }

func (w *upstreamWriter) WriteHeader(code int) {
	if code >= 100 && code < 200 && code != http.StatusSwitchingProtocols {
		if raw, ok := w.ResponseWriter.(interface{ Unwrap() http.ResponseWriter }); ok {
			raw.Unwrap().WriteHeader(code)
		}
		return
	}
	w.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *upstreamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe counts, prices, traces and logs a request.
func (s *Server) observe(c *gin.Context) {
	x := &exchange{start: time.Now(), dialect: "none"}
	ctx, span := s.tracing.start(withExchange(c.Request.Context(), x), c.Request)
	c.Request = c.Request.WithContext(ctx)
	s.metrics.active.Inc()
	defer func() {
		s.metrics.active.Dec()
		took := time.Since(x.start)
		s.metrics.observe(x, c.Writer.Status(), took)
		var b bill
		if x.account != nil {
			b = s.closeAccount(x)
			s.allowances.settle(c.Request.Context(), x, b)
			s.metrics.accounts.observe(x, b, c.Writer.Status(), took)
		}
		s.tracing.end(span, x, b, c.Writer.Status())
		s.logRequest(c, x, b, took)
	}()
	c.Next()
}

// logRequest writes the line of a finished request. It holds no query string, no header and nothing of a body.
func (s *Server) logRequest(c *gin.Context, x *exchange, b bill, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", c.Request.Method),
		slog.String("path", c.Request.URL.Path),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(0, c.Writer.Size())),
		slog.Duration("took", took),
		slog.String("client", x.client()),
		slog.String("upstream", x.to.name()),
		slog.String("dialect", x.dialect),
		slog.String("decision", string(x.report.decision)),
		slog.String("reason", x.report.reason),
		slog.Int("original_tokens", x.report.original),
		slog.Int("compressed_tokens", x.report.compressed),
		slog.Duration("compress_took", x.report.took),
		slog.Int("hidden_rounds", x.rounds),
		slog.Bool("aborted", x.aborted),
	}
	s.log.LogAttrs(c.Request.Context(), slog.LevelInfo, "request", append(attrs, b.attrs()...)...)
}

// recover keeps a panic from ending the process. An aborted response stays aborted: swallowing http.ErrAbortHandler would end a
// cut stream as if it were whole.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		exchangeOf(c.Request.Context()).aborted = true
		if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(v)
		}
		s.log.ErrorContext(c.Request.Context(), "panic while serving", "path", c.Request.URL.Path, "panic", panicText(v))
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		writeError(c.Writer, s.vendorOf(c.Request.URL.Path).fail, &apiError{status: http.StatusInternalServerError, kind: kindInternal, msg: "internal error"})
	}()
	c.Next()
}
