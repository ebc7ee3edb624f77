package proxy

import (
	"io"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/gin-gonic/gin/render"
)

// newHandler chooses the endpoint of a request: the proxy's own paths, and the upstream for all
// others.
func (s *Server) newHandler() http.Handler {
	gin.SetMode(gin.ReleaseMode) // debug mode prints routes to standard output
	e := gin.New()               // not gin.Default: its Recovery hides aborted streams and logs request headers
	e.RedirectTrailingSlash = false
	if err := e.SetTrustedProxies(nil); err != nil { // gin trusts every address by default
		s.log.Error("trusted proxies", "error", err)
	}
	open := func(answer endpoint) gin.HandlerFunc {
		return func(c *gin.Context) { s.serve(c, true, answer) }
	}
	keyed := func(answer endpoint) gin.HandlerFunc {
		return func(c *gin.Context) { s.serve(c, false, answer) }
	}
	e.GET("/healthz", open(s.healthz))
	e.GET("/readyz", open(s.readyz))
	e.GET("/health", open(s.health))
	if s.opts.Admin.MetricsOnMain {
		e.GET("/metrics", open(s.showMetrics))
	}
	e.POST("/pith/v1/compress", keyed(s.compress))
	e.POST("/v1/compress", keyed(s.compressMessages))
	e.GET("/v1/retrieve/:hash", func(c *gin.Context) { s.serve(c, false, s.retrieve(c.Param("hash"))) })
	e.GET("/pith/v1/explain/:id", func(c *gin.Context) { s.serve(c, false, s.explain(c.Param("id"))) })
	e.POST("/pith/v1/context", keyed(s.findContext))
	e.GET("/openapi.json", open(s.describe))
	if s.opts.MCP != nil {
		e.Any("/mcp", keyed(s.mcp))
	}
	e.NoRoute(keyed(s.relay))
	return underGin(e)
}

// healthz says that the process answers.
func (s *Server) healthz(_ *exchange, w http.ResponseWriter, _ *http.Request) error {
	writeText(w, http.StatusOK, "ok\n")
	return nil
}

// readyz says whether new requests should come here.
func (s *Server) readyz(_ *exchange, w http.ResponseWriter, r *http.Request) error {
	if s.draining.Load() {
		writeText(w, http.StatusServiceUnavailable, "draining\n")
		return nil
	}
	if err := s.opts.Health(r.Context()); err != nil {
		s.log.WarnContext(r.Context(), "not ready", "error", err)
		writeText(w, http.StatusServiceUnavailable, "not ready\n")
		return nil
	}
	writeText(w, http.StatusOK, "ready\n")
	return nil
}

// health answers the gateways that ask a sidecar for JSON.
func (s *Server) health(_ *exchange, w http.ResponseWriter, _ *http.Request) error {
	return render.JSON{Data: gin.H{"status": "healthy"}}.Render(w)
}

// showMetrics serves GET /metrics.
func (s *Server) showMetrics(_ *exchange, w http.ResponseWriter, r *http.Request) error {
	s.metrics.handler().ServeHTTP(w, r)
	return nil
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client is gone: nobody is left to tell
}
