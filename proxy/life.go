package proxy

import (
	"cmp"
	"context"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/gin-gonic/gin"

	"pith/dialects"
	"pith/internal/panics"
	"pith/internal/waits"
)

// The life of a request reads from here to the end of the file: from the socket to the last byte of
// the answer, each step one call. net/http has read the head, endpoints.go has chosen the endpoint.

// An endpoint answers a request that has come in. An error means that nothing was written yet.
type endpoint func(x *exchange, w http.ResponseWriter, r *http.Request) error

// serve is the life of every request to an endpoint; those that are open need no key.
func (s *Server) serve(c *gin.Context, open bool, answer endpoint) {
	w := writerOf(c)
	// 1. The clock starts, and the span; the connection gets its deadlines.
	x := s.begin(c, w)
	x.quiet = open
	// 18. What is left of the body is let go of.
	defer x.body.finish()
	defer w.finish()
	// 17. The request is billed, counted, traced and logged.
	defer s.finish(c.Request, w, x)
	// A panic on the way costs this request alone.
	defer s.recoverPanic(c.Request, w, x)
	// 2. The client shows its key, and its allowance is looked at.
	err := s.enter(x, w, c.Request, open)
	if err == nil {
		// 3. The endpoint answers: relay, but for Pith's own paths.
		err = answer(x, w, c.Request)
	}
	if err != nil {
		writeError(w, dialects.VendorOf(c.Request.URL.Path), err)
	}
	w.WriteHeader(http.StatusOK) // of an endpoint that wrote nothing
	// gin writes a body of its own for a route it does not know unless its writer thinks that
	// something was written; the head is out, so this writes nothing.
	c.Writer.WriteHeaderNow()
}

// relay carries one request to the upstream and its answer back.
func (s *Server) relay(x *exchange, w http.ResponseWriter, r *http.Request) error {
	if err := refuse(r); err != nil {
		return err
	}
	// 4. What the client asks of Pith comes off the request's head.
	want, err := takeControl(r.Header, s.opts.Compression.Mode)
	if err != nil {
		return err
	}
	if upgradeOf(r.Header) != "" {
		// A WebSocket has a life of its own: socket.go.
		return s.relaySocket(x, w, r, want)
	}
	// 5. The path says which dialect is spoken; d is nil where nothing will be compressed.
	d := recognise(x, r, want.mode)
	if want.mode == ModePreview && d == nil {
		return errNoPreview
	}
	if d == nil && !s.readsModel(r) {
		s.stream(x, w, r)
		return nil
	}
	// 6. The body is read to its end, within the limits, and decoded.
	body, err := s.receiveBody(x, r)
	defer x.answered()
	if err != nil {
		return err
	}
	plain, undecoded := s.decodeBody(x, r, body)
	// 7. Model and path choose the upstream.
	s.chooseUpstream(x, r, plain)
	switch {
	case d == nil:
		r = withBody(x, r, body)
	case undecoded != nil:
		x.report = report{decision: decisionPass, reason: reasonEncoding}
		r = withBody(x, r, body)
	default:
		// 8. The code blocks are shortened.
		x.recall = s.recallFor(r.Context(), x.tenant)
		out := s.traceShorten(x, r, d, plain, want)
		// 9. The model is offered the tool that gives omitted lines back, and the account is
		// opened.
		r = s.prepare(x, r, d, bodyForms{raw: body, plain: plain, short: out}, want.mode)
	}
	if want.mode == ModePreview {
		return s.preview(x, w, r, want.explain)
	}
	s.forward(x, w, r)
	return nil
}

// shorten returns body with its code blocks compressed, or body itself with the reason why not. It
// never fails: a prompt that is too long costs money, a prompt that is lost costs the answer. All
// that it does, from the first look at the body to the last, is under one deadline.
func (s *Server) shorten(
	request context.Context, d *dialects.Dialect, body []byte, want settings,
) (out []byte, rep report) {
	start := time.Now()
	request = waits.Counted(request)
	var c dialects.Conversation
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(request, "panic while compressing", "dialect", d.Name, "panic", panics.Text(v))
			out, rep = body, report{decision: decisionBypass, reason: reasonPanic}
		}
		rep.took, rep.model = time.Since(start), c.Model
	}()
	ctx, cancel := context.WithTimeout(request, s.opts.Compression.Timeout)
	defer cancel()
	read, err := s.beginReading(ctx, len(body), want.share)
	if err != nil {
		return body, unread(err)
	}
	defer read.close()
	// 8.1 The dialect reads who said what.
	c, err = d.Read(read.work, body)
	if err != nil {
		return body, unread(err)
	}
	if c, err = want.continued(c); err != nil {
		return body, unread(err)
	}
	if s.heldOut(c, want) {
		return body, report{decision: decisionPass, reason: reasonHoldout}
	}
	// 8.2 The blocks are picked, each with the question that it was shown for.
	plan, err := c.Plan(s.rules(want))
	if err != nil {
		return body, unread(err)
	}
	read.end()
	var edits []dialects.Edit
	switch {
	case len(plan.Blocks) > 0:
		// 8.3 Those whose form is free go to the engine, those of one message together; what is
		// done in time is taken.
		edits, rep = s.compressBlocks(request, ctx, body, want.asked(plan), read)
	default:
		rep = report{decision: decisionPass, reason: string(cmp.Or(plan.Left, dialects.LeftNoCode))}
	}
	// 8.4 Few-shot prompts are pruned, and the new texts put in the places of the old.
	edits, rep = withPrompts(edits, rep, plan)
	return dialects.Splice(body, edits), rep
}

// forward sends a request on and its answer back.
func (s *Server) forward(x *exchange, w http.ResponseWriter, r *http.Request) {
	on := httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			// 10. The request is addressed to its upstream, with the credentials for there.
			s.gateway.Address(p, x.to, x.client)
			s.tracing.inject(p.In.Context(), p.Out.Header)
		},
		// 11.-13. It is sent, again where nothing was sent the first time; the answer's usage is
		// read as it streams by; the model's calls of our tool are answered in further rounds.
		Transport: s.transport(x, r),
		ModifyResponse: func(res *http.Response) error {
			// 14. The head of the answer gets the report.
			return s.beginAnswer(x, res)
		},
		// 15. An upstream that gave no answer gets one from us.
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { s.upstreamFailed(x, w, r, err) },
		BufferPool:   s.buffers,
		ErrorLog:     s.errorLog,
		// Every write of the upstream is flushed at once.
		FlushInterval: -1,
	}
	// 16. The answer streams back, byte for byte, to its last.
	on.ServeHTTP(w, r)
}
