package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Listen says how a Site talks to its clients.
type Listen struct {
	// TLS, if not nil, makes it HTTPS, with HTTP/2 for those who ask.
	TLS *tls.Config
	// H2C also takes HTTP/2 without TLS.
	H2C bool
}

// A Site serves by one Server at a time. Replace puts another in its place: requests that have
// begun end on the one they began with, the next begin on the new one, and no connection notices.
type Site struct {
	now atomic.Pointer[Server]
}

// NewSite returns a Site of s.
func NewSite(s *Server) *Site {
	site := new(Site)
	site.now.Store(s)
	return site
}

// Replace makes a Server of o and puts it in the place of the one before, from which it takes over
// what outlives a configuration: figures, allowances, what is known of upstreams, the forms in
// which blocks were sent. Where o is wrong nothing changes.
func (site *Site) Replace(o Options) error {
	next, err := build(o, site.now.Load())
	if err != nil {
		return err
	}
	site.now.Store(next)
	// A WebSocket may last for hours; the client opens another, under the new configuration.
	next.sockets.end(websocket.StatusServiceRestart, "configuration changed", false)
	return nil
}

// ServeHTTP answers by the current Server.
func (site *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site.now.Load().handler.ServeHTTP(w, r)
}

// Serve answers on ln until ctx is done, then drains: /readyz turns 503 at once, the listener
// closes after Drain.Notice, requests in flight may go on for Drain.Timeout and are then cut. It
// returns nil when all of them finished, and context.DeadlineExceeded when some were cut.
func (site *Site) Serve(ctx context.Context, ln net.Listener, how Listen) error {
	s := site.now.Load() // limits of connections and the drain are those of the start
	// Upgraded connections are no longer the server's: only their context reaches them.
	base, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(how.H2C)
	srv := &http.Server{
		Handler:           site,
		TLSConfig:         how.TLS,
		Protocols:         protocols,
		ReadHeaderTimeout: s.opts.Limits.HeaderTimeout,
		IdleTimeout:       s.opts.Limits.ConnIdle,
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() {
		if how.TLS != nil {
			failed <- srv.ServeTLS(ln, "", "")
		} else {
			failed <- srv.Serve(ln)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info("shutting down: no new requests, those in flight may end", "cause", context.Cause(ctx),
		"notice", s.opts.Drain.Notice, "timeout", s.opts.Drain.Timeout)
	if s.opts.Drain.Notice > 0 {
		time.Sleep(s.opts.Drain.Notice)
	}
	limit, cancel := context.WithTimeout(base, s.opts.Drain.Timeout)
	defer cancel()
	s.sockets.end(websocket.StatusGoingAway, "shutting down", true)
	err := errors.Join(srv.Shutdown(limit), s.sockets.wait(limit))
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
