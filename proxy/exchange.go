package proxy

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"pith/accounting"
	"pith/dialects"
	"pith/gateway"
	"pith/internal/apierror"
	"pith/internal/panics"
	"pith/retrieval"
)

// An exchange is what is known about a request while it is served. One goroutine writes it: the
// handler's.
type exchange struct {
	start time.Time
	// id names the request in the log and to the client; where requests are traced it is the
	// trace's.
	id string
	// quiet is a request that the log tells of only to those who debug: a health probe.
	quiet bool
	// body is the request's, nil where there is none.
	body    *clientBody
	span    trace.Span
	dialect string
	report  report
	client  *gateway.Client
	// tenant is whose results, originals and files the request may share: gateway.Client.Tenant's
	// word, for what is kept and for what is fetched. Empty on endpoints that need no key.
	tenant string
	// to is where the request goes.
	to gateway.Destination
	// sent is the body that goes out, share its part of the bytes in flight. Both end with the head
	// of the upstream's answer: a stream may go on for minutes after it.
	sent  []byte
	share *byteShare
	// tool is set where the request offers the model our tool.
	tool *retrieval.Offer
	// account is set where the answer is paid by tokens.
	account *accounting.Account
	// recall finds earlier turns that the request goes on from; reply is its answer where later
	// ones may go on from that.
	recall func(id string) (dialects.Thread, bool)
	reply  *reply
	// aborted says that the response was cut.
	aborted bool
}

// answered drops what only mattered until the upstream's answer began.
func (x *exchange) answered() {
	x.sent = nil
	if x.share != nil {
		x.share.release()
		x.share = nil
	}
}

// hiddenRounds counts the rounds that the client did not see.
func (x *exchange) hiddenRounds() int {
	if x.tool == nil {
		return 0
	}
	return x.tool.Rounds()
}

var errNoPreview = apierror.BadRequest("nothing to preview: want a POST of JSON to a path whose dialect is known")

// recognise finds the dialect of a request, or nil where it will not be compressed; the report of x
// says why not.
func recognise(x *exchange, r *http.Request, mode Mode) *dialects.Dialect {
	d := dialects.Of(r.URL.Path)
	if d == nil {
		return nil
	}
	x.dialect = d.Name
	x.report = report{decision: decisionPass, reason: notCompressible(r, mode)}
	if x.report.reason != "" {
		return nil
	}
	return d
}

// readsModel reports that a request is read for its model alone, which chooses the upstream.
func (s *Server) readsModel(r *http.Request) bool {
	return s.gateway.ByModel() && notCompressible(r, ModeAuto) == ""
}

// stream passes a request on without reading it. What a body of unannounced length costs is known
// at its end.
func (s *Server) stream(x *exchange, w http.ResponseWriter, r *http.Request) {
	x.to = s.gateway.Route(r.URL.Path, "")
	if x.client.Counted() && r.ContentLength < 0 {
		counted := &countedBody{ReadCloser: r.Body}
		r.Body = counted
		defer func() { x.client.ChargeBytes(r.Context(), counted.n.Load()) }()
	}
	s.forward(x, w, r)
}

// notCompressible is the reason why a request is not even read, or "".
func notCompressible(r *http.Request, mode Mode) string {
	switch {
	case mode == ModeOff:
		return reasonOff
	case r.Method != http.MethodPost || r.ContentLength == 0:
		return reasonMethod
	case !isJSONType(r.Header.Get("Content-Type")):
		return reasonType
	default:
		return ""
	}
}

// isJSONType accepts application/json, its +json relatives and no type at all.
func isJSONType(contentType string) bool {
	if contentType == "" {
		return true
	}
	t, _, err := mime.ParseMediaType(contentType)
	return err == nil && (t == "application/json" || strings.HasSuffix(t, "+json"))
}

// receiveBody reads the body of a request within the limits.
func (s *Server) receiveBody(x *exchange, r *http.Request) ([]byte, error) {
	x.share = s.inFlight.share()
	return receive(r.Body, s.opts.Limits.MaxBodyBytes, r.ContentLength, x.share)
}

// decodeBody undoes the Content-Encoding of a body. It returns nil with an error.
func (s *Server) decodeBody(x *exchange, r *http.Request, body []byte) (plain []byte, err error) {
	err = panics.Guard(func() (err error) {
		plain, err = decode(r.Header.Values("Content-Encoding"), body, s.opts.Limits.MaxBodyBytes, x.share)
		return err
	})
	return plain, err
}

// chooseUpstream finds where a request goes. plain is nil where the body cannot be read.
func (s *Server) chooseUpstream(x *exchange, r *http.Request, plain []byte) {
	model := ""
	if s.gateway.ByModel() {
		model = dialects.ModelOf(plain)
	}
	x.to = s.gateway.Route(r.URL.Path, model)
}

// A bodyForms is one body in three forms: as it came, without its Content-Encoding, and shortened.
type bodyForms struct{ raw, plain, short []byte }

// prepare returns r with the body that goes out: the one that came, byte for byte, or its
// compressed form.
func (s *Server) prepare(x *exchange, r *http.Request, d *dialects.Dialect, body bodyForms, mode Mode) *http.Request {
	s.offerTool(x, d, body)
	if follows(d, body.plain) && mode != ModePreview {
		x.reply = follow(body.plain, x.recall, s.inFlight.share())
	}
	if mode != ModePreview { // which asks nobody
		x.account = s.books.Open(x.report.model, x.report.reason == reasonHoldout, d.Usage, body.short)
	}
	out := body.short
	switch {
	case x.tool != nil:
		out = x.tool.Body
	case x.report.decision != decisionCompressed:
		return withBody(x, r, body.raw)
	}
	r = withBody(x, r, out)
	r.Header.Del("Content-Encoding")
	return r
}

// withBody returns r with a body of known length that the transport may send again on a fresh
// connection where a kept one turned out to be closed before anything was sent.
func withBody(x *exchange, r *http.Request, body []byte) *http.Request {
	x.sent = body
	r = r.WithContext(r.Context())
	r.Body = &dropBody{left: body}
	r.GetBody = func() (io.ReadCloser, error) { return &dropBody{left: x.sent}, nil }
	r.ContentLength = int64(len(body))
	r.TransferEncoding = nil
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	r.Header.Del("Expect") // the body is here: nobody has to be asked for it any more
	return r
}

// writePreview answers with the request as it would have been sent.
func writePreview(x *exchange, w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read preview: %w", err)
	}
	h := w.Header()
	x.report.writeTo(h)
	h.Set("Content-Type", "application/json")
	if enc := r.Header.Get("Content-Encoding"); enc != "" {
		h.Set("Content-Encoding", enc)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
	return nil
}

// unread says why a body could not be read: for what it is, or for want of time or memory.
func unread(err error) report {
	switch reason := reasonOf(err); {
	case reason == reasonTimeout, reason == reasonGone, reason == reasonMemory:
		return report{decision: decisionBypass, reason: reason}
	case errors.Is(err, dialects.ErrDuplicateKey):
		return report{decision: decisionPass, reason: reasonTwice}
	case errors.Is(err, dialects.ErrMembers):
		return report{decision: decisionPass, reason: reasonMembers}
	default:
		return report{decision: decisionPass, reason: reasonJSON}
	}
}
