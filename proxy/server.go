// Package proxy stands in front of an LLM API and shortens the code in prompts on their way.
//
// A client changes its base URL and nothing else: paths, methods, headers, status codes, errors, streams and trailers of the
// upstream arrive as they were sent. In request bodies of a known dialect the proxy finds blocks of source code and has a
// Compressor shorten them in place; every other byte of the body stays. Where the model may ask for omitted lines, a tool is added
// behind the client's, and its calls are answered on the way back. It knows nothing of grammars, models, tokenizers and
// stores: those stand behind the Compressor.
//
// Three rules hold everywhere. What is sent for a block depends only on the turns up to its own, so that the provider's prompt
// cache keeps hitting. Whatever goes wrong while compressing, the original goes out. What the upstream cuts, the client sees cut.
package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"time"
)

// A Server is the proxy. It is safe for concurrent use.
type Server struct {
	opts       Options
	log        *slog.Logger
	dialects   []*dialect
	forward    *httputil.ReverseProxy
	handler    http.Handler
	metrics    *metrics
	slots      slots
	ledger     *ledger
	originals  *originals
	calibrator *calibrator
	prices     prices
	tracing    *tracing
	inFlight   byteBudget
	draining   atomic.Bool
}

// New makes a Server. The error names everything that is wrong with o.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("proxy options: %w", err)
	}
	s := &Server{
		opts:     o,
		log:      o.Logger,
		dialects: dialects(),
		slots:    newSlots(o.Compression.MaxRequests),
		inFlight: byteBudget{limit: o.Limits.MaxInFlightBytes},
	}
	if s.metrics, err = newMetrics(o.Registry, &s.inFlight); err != nil {
		return nil, fmt.Errorf("proxy metrics: %w", err)
	}
	if s.ledger, err = newLedger(o.Freeze); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	if s.originals, err = newOriginals(o.Retrieval); err != nil {
		return nil, fmt.Errorf("proxy retrieval: %w", err)
	}
	if s.prices, err = newPrices(o.Accounting.Prices); err != nil {
		return nil, fmt.Errorf("proxy accounting: %w", err)
	}
	if s.calibrator, err = newCalibrator(o.Accounting); err != nil {
		return nil, fmt.Errorf("proxy accounting: %w", err)
	}
	s.tracing = newTracing(o.Tracer, o.Upstream)
	s.forward = s.newForward()
	s.handler = s.newEngine()
	return s, nil
}

// Handler returns the proxy with its own endpoints, for a server that is not Serve's.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on ln until ctx is done, then drains: /readyz turns 503 at once, the listener closes after Drain.Notice,
// requests in flight may go on for Drain.Timeout and are then cut. It returns nil when all of them finished, and
// context.DeadlineExceeded when some were cut.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	// Upgraded connections are no longer the server's: only their context reaches them.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	srv := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: s.opts.Limits.HeaderTimeout,
		IdleTimeout:       s.opts.Limits.ConnIdle,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.pause(s.opts.Drain.Notice)
	limit, cancel := context.WithTimeout(base, s.opts.Drain.Timeout)
	defer cancel()
	err := srv.Shutdown(limit)
	if err != nil {
		cut()
		err = errors.Join(err, srv.Close())
	}
	if ended := <-failed; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	return nil
}

// pause waits for d, which Options bound.
func (s *Server) pause(d time.Duration) {
	if d > 0 {
		time.Sleep(d)
	}
}
