package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"
)

// NewTransport returns the transport that suits an LLM API: many streams to few hosts, nothing added and nothing undone.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		DialContext:       (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2: true,
		// The default of 2 would close and dial a connection for nearly every request under load.
		MaxIdleConns:        1024,
		MaxIdleConnsPerHost: 512,
		IdleConnTimeout:     90 * time.Second,
		TLSHandshakeTimeout: 10 * time.Second,
		// A connection of many streams whose other end is gone would else be found out by TCP alone, after a quarter of an hour.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		// Without it the transport asks for gzip on its own and unpacks the answer: the client would not get the bytes sent.
		DisableCompression: true,
	}
}

// newForward makes the reverse proxy. It streams: every write of the upstream is flushed at once.
func (s *Server) newForward() *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Transport:     &toolTransport{server: s, next: &meterTransport{next: &sender{server: s, next: s.opts.Transport}}},
		FlushInterval: -1,
		BufferPool:    newBuffers(),
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		Rewrite: func(p *httputil.ProxyRequest) {
			s.address(p)
			s.tracing.inject(p.In.Context(), p.Out.Header)
		},
		ModifyResponse: func(res *http.Response) error {
			x := exchangeOf(res.Request.Context())
			s.metrics.upstreamHeaders.WithLabelValues(x.dialect).Observe(time.Since(x.start).Seconds())
			if err := limitAnswer(res, s.opts.Limits.MaxResponseBytes); err != nil {
				return err
			}
			x.report.writeTo(res.Header)
			if x.tool == nil { // else later rounds send it again
				x.answered()
			}
			return nil
		},
		ErrorHandler: s.upstreamFailed,
	}
}

// bufferSize is what a stream is copied through. Frames of a stream are small, and the default of 32 KiB would be most of an idle
// stream's memory.
const bufferSize = 8 << 10

// buffers is a pool of copy buffers.
type buffers struct{ pool sync.Pool }

func newBuffers() *buffers {
	return &buffers{pool: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *buffers) Put(p []byte) { b.pool.Put((*[bufferSize]byte)(p)) }

// statusClientGone is what nginx logs where the client left before the answer.
const statusClientGone = 499

// upstreamFailed answers for an upstream that gave none. Once a byte of its answer was passed on, ReverseProxy aborts instead.
func (s *Server) upstreamFailed(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	if errors.Is(r.Context().Err(), context.Canceled) {
		x.aborted = true
		w.WriteHeader(statusClientGone)
		return
	}
	e := &apiError{status: http.StatusBadGateway, kind: kindUpstream, msg: "the upstream did not answer", err: err}
	if received, ok := errors.AsType[*apiError](err); ok {
		e = received
	} else if isTimeout(err) {
		e.status, e.kind = http.StatusGatewayTimeout, kindTimeout
	}
	s.log.WarnContext(r.Context(), "upstream failed", "upstream", x.to.name(), "error", err)
	x.report.writeTo(w.Header())
	writeError(w, s.vendorOf(r.URL.Path).fail, e)
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
