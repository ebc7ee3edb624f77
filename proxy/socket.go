package proxy

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"pith/dialects"
	"pith/internal/apierror"
	"pith/internal/panics"
)

// A socket is a WebSocket of the Responses API between a client and an upstream. Each message
// response.create is a request like one over HTTP, see socketturn.go; every other message passes as
// it is, and when it is whole. Each side has a connection of its own, with its own fragments,
// compression and pings; how one side ends, the other is told.
type socket struct {
	server           *Server
	x                *exchange // of the upgrade
	r                *http.Request
	dialect          *dialects.Dialect
	want             settings
	client, upstream *websocket.Conn
	pinging          atomic.Bool
	queue            turnQueue
}

const (
	// maxEvent is the longest message of an upstream where no limit on answers is set, in bytes.
	maxEvent = 64 << 20
	// slowPeer is how long a peer may take to take a message.
	slowPeer = time.Minute
	// pingWait is how long the other side may take to answer a ping that is passed on.
	pingWait = 5 * time.Second
	// causeWait is how long the reader of a side may take to tell why nothing can be written to it.
	causeWait = time.Second
)

// serveSocket opens a WebSocket to the upstream, then to the client, and carries it to its end.
// Where the upstream opens none, for whatever reason, the client is sent to HTTP, where it learns
// the reason.
func (s *Server) serveSocket(x *exchange, w http.ResponseWriter, r *http.Request, d *dialects.Dialect,
	want control,
) error {
	k := &socket{server: s, x: x, r: r, dialect: d}
	k.want = settings{control: want, tenant: x.tenant, alone: want.mode == ModeForce, recall: k.recall}
	head, err := k.dial(r)
	if err != nil {
		s.log.InfoContext(r.Context(), "no WebSocket", "upstream", x.to.Name(), "error", err)
		return refuseSocket(w)
	}
	defer k.upstream.CloseNow() //nolint:errcheck // it is gone either way
	copyAnswerHead(w.Header(), head)
	k.client, err = websocket.Accept(w, r, &websocket.AcceptOptions{
		// Whose pages may ask is the upstream's to say: it gets the Origin.
		InsecureSkipVerify: true,
		CompressionMode:    websocket.CompressionNoContextTakeover,
		OnPingReceived:     k.passPing(func() *websocket.Conn { return k.upstream }),
	})
	if err != nil {
		return nil //nolint:nilerr // Accept has answered
	}
	defer k.client.CloseNow() //nolint:errcheck // it is gone either way
	// Messages are bounded where they are read, with the bytes of all requests.
	k.client.SetReadLimit(-1)
	k.upstream.SetReadLimit(-1)
	s.sockets.add(k)
	defer s.sockets.remove(k)
	k.carry(r.Context())
	return nil
}

// dial opens the connection to the upstream and returns the head of its answer.
func (k *socket) dial(r *http.Request) (http.Header, error) {
	s := k.server
	p := &httputil.ProxyRequest{In: r, Out: r.Clone(r.Context())}
	compression := websocket.CompressionDisabled
	if strings.Contains(r.Header.Get("Sec-Websocket-Extensions"), "permessage-deflate") {
		compression = websocket.CompressionNoContextTakeover
	}
	h := p.Out.Header
	removeHop(h)
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "Forwarded" {
			h.Del(name) // as ReverseProxy does for other requests
		}
	}
	s.gateway.Address(p, k.x.to, k.x.client)
	s.tracing.inject(r.Context(), h)
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "") // else net/http names itself
	}
	client := &http.Client{
		Transport:     s.gateway.Sender(s.opts.Transport, k.x.to, k.x.client),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	conn, res, err := websocket.Dial(r.Context(), p.Out.URL.String(),
		&websocket.DialOptions{
			HTTPClient: client, HTTPHeader: h, Host: p.Out.Host, CompressionMode: compression,
			OnPingReceived: k.passPing(func() *websocket.Conn { return k.client }),
		})
	if err != nil {
		return nil, err
	}
	k.upstream = conn
	return res.Header, nil
}

// removeHop takes off what belongs to one connection alone.
func removeHop(h http.Header) {
	for _, v := range h.Values("Connection") {
		for name := range strings.SplitSeq(v, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range []string{
		"Connection", "Upgrade", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te",
		"Trailer", "Transfer-Encoding",
	} {
		h.Del(name)
	}
	for name := range h {
		if strings.HasPrefix(name, "Sec-Websocket-") {
			h.Del(name)
		}
	}
}

// copyAnswerHead gives the client what the upstream's answer to the upgrade says of itself.
func copyAnswerHead(to, from http.Header) {
	removeHop(from)
	from.Del("Content-Length")
	dropOwn(from) // an upstream that is a Pith has its own say
	maps.Copy(to, from)
}

// passPing answers a ping and passes one on: it may be meant to keep the way open to its end.
func (k *socket) passPing(to func() *websocket.Conn) func(context.Context, []byte) bool {
	return func(context.Context, []byte) bool {
		if k.pinging.CompareAndSwap(false, true) {
			go func() {
				defer k.pinging.Store(false)
				ctx, cancel := context.WithTimeout(context.WithoutCancel(k.r.Context()), pingWait)
				defer cancel()
				// A side that is gone is noticed by its reader.
				_ = panics.Guard(func() error { return to().Ping(ctx) })
			}()
		}
		return true
	}
}

// A socketEnd says that nothing more can be read from a side, or, with wrote, written to it.
type socketEnd struct {
	of    *websocket.Conn
	err   error
	wrote bool
}

// carry moves messages both ways until one side ends, and tells the other how.
func (k *socket) carry(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ends := make(chan socketEnd, 6) // two for each goroutine that may send
	var both sync.WaitGroup
	both.Go(func() { k.guard(k.client, ends, func() { k.carryUp(ctx, ends) }) })
	both.Go(func() { k.guard(k.upstream, ends, func() { k.carryDown(ctx, ends) }) })
	end := <-ends
	if end.wrote {
		// Its reader may know more: the code with which it closed.
		select {
		case cause := <-ends:
			if cause.of == end.of {
				end = cause
			}
		case <-time.After(causeWait):
		}
	}
	other := k.client
	if end.of == k.client {
		other = k.upstream
	}
	if closed, ok := errors.AsType[websocket.CloseError](end.err); ok {
		_ = other.Close(closed.Code, closed.Reason)
	}
	_ = other.CloseNow() // without a code where there was none: a cut is seen as a cut
	_ = end.of.CloseNow()
	cancel()
	both.Wait()
	k.abandon()
}

// guard has a panic of what moves the messages of a side end that side, and not the process.
func (k *socket) guard(of *websocket.Conn, ends chan<- socketEnd, move func()) {
	if err := panics.Guard(func() error { move(); return nil }); err != nil {
		k.server.log.ErrorContext(k.r.Context(), "panic on a WebSocket", "panic", err)
		ends <- socketEnd{of: of, err: err}
	}
}

// A message is one of a WebSocket, whole.
type socketMessage struct {
	kind  websocket.MessageType
	data  []byte
	share *byteShare
}

// readMessage reads the next message of c: there is no limit to the wait for its first byte.
func (k *socket) readMessage(ctx context.Context, c *websocket.Conn, limit int64, share *byteShare) (
	socketMessage, error,
) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	kind, r, err := c.Reader(ctx)
	if err != nil {
		return socketMessage{}, err
	}
	left := newPatience(k.server.opts.Limits.BodyIdle)
	stalled := time.AfterFunc(left.left, cancel)
	defer stalled.Stop()
	data, err := receive(readerFunc(func(p []byte) (int, error) {
		before := time.Now()
		stalled.Reset(left.left)
		n, err := r.Read(p)
		left.spend(time.Since(before), n)
		return n, err
	}), limit, -1, share)
	if err != nil {
		share.release()
	}
	return socketMessage{kind: kind, data: data, share: share}, err
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// write sends a message to a side; err is nil where it went out.
func write(ctx context.Context, c *websocket.Conn, m socketMessage) socketEnd {
	ctx, cancel := context.WithTimeout(ctx, slowPeer)
	defer cancel()
	return socketEnd{of: c, err: c.Write(ctx, m.kind, m.data), wrote: true}
}

// carryUp moves the client's messages. One is read ahead, so that pings are answered and a client's
// leaving is noticed while a request is compressed.
func (k *socket) carryUp(ctx context.Context, ends chan<- socketEnd) {
	compressing, gone := context.WithCancel(ctx)
	defer gone()
	messages := make(chan socketMessage)
	go func() {
		defer close(messages)
		defer gone()
		k.guard(k.client, ends, func() { k.readUp(ctx, messages, ends) })
	}()
	failed := false
	for m := range messages {
		if failed {
			m.share.release()
			continue
		}
		end := k.passUp(ctx, compressing, m)
		if failed = end.err != nil; failed {
			ends <- end
		}
	}
}

// readUp reads the client's messages until no more can be read or ctx ends.
func (k *socket) readUp(ctx context.Context, messages chan<- socketMessage, ends chan<- socketEnd) {
	for {
		m, err := k.readMessage(ctx, k.client, k.server.opts.Limits.MaxBodyBytes, k.server.inFlight.share())
		if err != nil {
			k.refuseMessage(err)
			ends <- socketEnd{of: k.client, err: err}
			return
		}
		select {
		case messages <- m:
		case <-ctx.Done():
			m.share.release()
			return
		}
	}
}

// passUp sends a client's message on.
func (k *socket) passUp(ctx, compressing context.Context, m socketMessage) socketEnd {
	defer m.share.release()
	if m.kind == websocket.MessageText && dialects.CreatesResponse(m.data) {
		return k.create(ctx, compressing, m)
	}
	return write(ctx, k.upstream, m)
}

// refuseMessage tells a client why its message was not read to the end, where that was not its
// doing.
func (k *socket) refuseMessage(err error) {
	e, ok := errors.AsType[*apierror.Error](err)
	if !ok {
		return
	}
	switch e.Status {
	case http.StatusRequestEntityTooLarge:
		_ = k.client.Close(websocket.StatusMessageTooBig, e.Msg)
	case http.StatusTooManyRequests:
		_ = k.client.Close(websocket.StatusTryAgainLater, e.Msg)
	}
}

// carryDown moves the upstream's messages.
func (k *socket) carryDown(ctx context.Context, ends chan<- socketEnd) {
	limit := k.server.opts.Limits.MaxResponseBytes
	if limit == 0 {
		limit = maxEvent
	}
	for {
		own := new(byteBudget)
		own.limit.Store(limit + bufferSize)
		m, err := k.readMessage(ctx, k.upstream, limit, own.share())
		if err != nil {
			ends <- socketEnd{of: k.upstream, err: err}
			return
		}
		after := func() {}
		if m.kind == websocket.MessageText {
			after = k.observe(m.data)
		}
		if end := write(ctx, k.client, m); end.err != nil {
			ends <- end
			return
		}
		after()
	}
}
