package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"pith/dialects"
	"pith/internal/apierror"
	"pith/retrieval"
)

// NewTransport returns the transport that suits an LLM API: many streams to few hosts, nothing
// added and nothing undone.
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
		// A connection of many streams whose other end is gone would else be found out by TCP
		// alone, after a quarter of an hour.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
		// Without it the transport asks for gzip on its own and unpacks the answer: the client
		// would not get the bytes sent.
		DisableCompression: true,
	}
}

// transport is the way of a request to its upstream and of the answer back.
func (s *Server) transport(x *exchange, r *http.Request) http.RoundTripper {
	next := s.gateway.Sender(s.opts.Transport, x.to, x.client)
	if x.account != nil {
		next = x.account.Meter(next)
	}
	if x.tool != nil {
		next = &retrieval.Transport{
			Next: next, Offer: x.tool, Originals: s.originals, MaxAnswer: s.opts.Limits.MaxBodyBytes, Logger: s.log,
		}
	}
	if x.reply != nil && !x.reply.lost {
		tenant := x.tenant
		next = followed(next, x.reply, &s.inFlight,
			func(id string) { s.threads.keep(r.Context(), tenant, id, x.reply.thread) })
	}
	return headerFilter{next: next}
}

// beginAnswer puts the report into the head of an answer and lets go of the request.
func (s *Server) beginAnswer(x *exchange, res *http.Response) error {
	s.metrics.upstreamHeaders.WithLabelValues(x.dialect).Observe(time.Since(x.start).Seconds())
	if err := limitAnswer(res, s.opts.Limits.MaxResponseBytes); err != nil {
		return err
	}
	x.report.writeTo(res.Header)
	if x.tool == nil { // else later rounds send it again
		x.answered()
	}
	return nil
}

// bufferSize is what a stream is copied through. Frames of a stream are small, and the default of
// 32 KiB would be most of an idle stream's memory.
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

// upstreamFailed answers for an upstream that gave none. Once a byte of its answer was passed on,
// ReverseProxy aborts instead.
func (s *Server) upstreamFailed(x *exchange, w http.ResponseWriter, r *http.Request, err error) {
	if fault := x.body.fault(); fault != nil {
		// The client's own doing, though net/http takes a body that stops for a client that is
		// gone.
		writeError(w, dialects.VendorOf(r.URL.Path), fault)
		return
	}
	if errors.Is(r.Context().Err(), context.Canceled) {
		x.aborted = true
		w.WriteHeader(statusClientGone)
		return
	}
	e := &apierror.Error{
		Status: http.StatusBadGateway,
		Kind:   apierror.Upstream,
		Msg:    "the upstream did not answer; Pith's log says why",
		Err:    err,
	}
	if received, ok := errors.AsType[*apierror.Error](err); ok {
		e = received
	} else if isTimeout(err) {
		e.Status, e.Kind = http.StatusGatewayTimeout, apierror.Timeout
	}
	s.log.WarnContext(r.Context(), "upstream failed", "upstream", x.to.Name(), "error", errorText(err))
	x.report.writeTo(w.Header())
	writeError(w, dialects.VendorOf(r.URL.Path), e)
}

// errorText is what the log tells of an upstream's error. net/http quotes answers that it cannot
// read, whole header lines of them: of those only the kind is told
// (TestUnreadableAnswersStayOutOfLogs).
func errorText(err error) string {
	var (
		network    *net.OpError
		resolution *net.DNSError
		own        *apierror.Error
		unknownCA  x509.UnknownAuthorityError
		wrongName  x509.HostnameError
		plain      tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &own):
		return own.Msg
	case errors.As(err, &plain):
		return "the upstream does not answer in TLS: where it serves plain HTTP its address begins with http://"
	case errors.As(err, &network), errors.As(err, &resolution), errors.As(err, &unknownCA), errors.As(err, &wrongName),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF):
		return err.Error()
	default:
		return fmt.Sprintf("the answer could not be read (%T)", err)
	}
}

// plainLog logs what ReverseProxy reports, "httputil: what it did: why", without the why: it may
// quote the upstream.
type plainLog struct{ log *log.Logger }

func (u plainLog) Write(line []byte) (int, error) {
	kind, rest, _ := strings.Cut(string(line), ": ")
	what, _, _ := strings.Cut(rest, ": ")
	u.log.Print(kind + ": " + what)
	return len(line), nil
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
