package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// An exchange is what is known about a request while it is served. One goroutine writes it: the handler's.
type exchange struct {
	start   time.Time
	dialect string
	report  report
	// key is the client's, where virtual keys are in use; charged are the tokens taken of its allowance.
	key     *VirtualKey
	charged int64
	// to is where the request goes.
	to destination
	// sent is the body that goes out, hold its share of the bytes in flight. Both end with the head of the upstream's answer: a
	// stream may go on for minutes after it.
	sent []byte
	hold *hold
	// tool is set where the request offers the model our tool, rounds counts those that the client does not see.
	tool   *toolUse
	rounds int
	// account is set where the answer is paid by tokens.
	account *account
	// aborted says that the response was cut.
	aborted bool
}

// answered drops what only mattered until the upstream's answer began.
func (x *exchange) answered() {
	x.sent = nil
	if x.hold != nil {
		x.hold.release()
	}
}

// client is the name of the key that the request came with.
func (x *exchange) client() string {
	if x.key == nil {
		return ""
	}
	return x.key.Name
}

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange of a request that went through observe.
func exchangeOf(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// exchange carries one request to the upstream and its answer back. An error means that nothing was written yet.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request) error {
	x := exchangeOf(r.Context())
	if r.Method == http.MethodConnect {
		return &apiError{status: http.StatusMethodNotAllowed, kind: kindRequest, msg: "CONNECT is not served"}
	}
	if strings.HasPrefix(r.URL.Path, "/pith/") {
		return &apiError{status: http.StatusNotFound, kind: kindNotFound, msg: "no such endpoint"}
	}
	want, err := takeControl(r.Header, s.opts.Compression.Mode)
	if err != nil {
		return err
	}
	if r.ContentLength != 0 {
		r.Body = newIdleBody(w, r.Body, s.opts.Limits.BodyIdle)
	}
	d := s.dialectOf(r.URL.Path)
	if d != nil {
		x.dialect = d.name
		x.report = report{decision: decisionPass, reason: notCompressible(r, want.mode)}
	}
	compressible := d != nil && x.report.reason == ""
	if want.mode == ModePreview && !compressible {
		return &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: "nothing to preview: want a POST of JSON to a path whose dialect is known"}
	}
	if read := compressible || s.byModel && notCompressible(r, ModeAuto) == ""; !read {
		x.to = s.route(r.URL.Path, "")
		s.stream(w, r)
		return nil
	}
	x.hold = s.inFlight.hold()
	defer x.hold.release()
	body, err := receive(r.Body, s.opts.Limits.MaxBodyBytes, x.hold)
	if err != nil {
		return err
	}
	plain, err := s.decoded(r, body)
	model := ""
	if s.byModel && err == nil {
		model = modelOf(plain)
	}
	x.to = s.route(r.URL.Path, model)
	switch {
	case !compressible:
		r = withBody(r, body)
	case err != nil:
		x.report = report{decision: decisionPass, reason: reasonEncoding}
		r = withBody(r, body)
	default:
		r = s.replaceBody(r, d, given{body: body, plain: plain}, want)
	}
	if want.mode == ModePreview {
		return preview(w, r, x.report)
	}
	s.forward.ServeHTTP(w, r)
	return nil
}

// stream passes a request on without reading it. What a body of unannounced length costs is known at its end.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	if x.key != nil && r.ContentLength < 0 {
		counted := &countedBody{ReadCloser: r.Body}
		r.Body = counted
		defer s.allowances.chargeRead(r.Context(), x, counted)
	}
	s.forward.ServeHTTP(w, r)
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

// A given is a body as it came and as it reads without its Content-Encoding.
type given struct{ body, plain []byte }

// decoded undoes the Content-Encoding of a body.
func (s *Server) decoded(r *http.Request, body []byte) (plain []byte, err error) {
	hold := exchangeOf(r.Context()).hold
	err = guard(func() (err error) {
		plain, err = decode(r.Header.Values("Content-Encoding"), body, s.opts.Limits.MaxBodyBytes, hold)
		return err
	})
	return plain, err
}

// replaceBody returns r with the body that goes out: the one that came, byte for byte, or its compressed form.
func (s *Server) replaceBody(r *http.Request, d *dialect, in given, want control) *http.Request {
	x := exchangeOf(r.Context())
	o := order{control: want, tenant: s.tenant(r)}
	if want.mode != ModeForce { // who forces has chosen
		o.holdout = s.opts.Accounting.Holdout
	}
	var out []byte
	out, x.report = s.traceSqueeze(r.Context(), d, in.plain, o)
	if s.originals.Tool && d.tool != nil && x.report.reason != reasonHoldout && json.Valid(in.plain) {
		x.tool = offerTool(d.tool, out, o.tenant)
	}
	if want.mode != ModePreview { // which asks nobody
		s.openAccount(x, d, out)
	}
	switch {
	case x.tool != nil:
		out = x.tool.body
	case x.report.decision != decisionCompressed:
		return withBody(r, in.body)
	}
	r = withBody(r, out)
	r.Header.Del("Content-Encoding")
	return r
}

// withBody returns r with a body of known length that the transport may send again on a fresh connection where a kept one turned
// out to be closed before anything was sent.
func withBody(r *http.Request, body []byte) *http.Request {
	x := exchangeOf(r.Context())
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

// preview answers with the request as it would have been sent.
func preview(w http.ResponseWriter, r *http.Request, rep report) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return fmt.Errorf("read preview: %w", err)
	}
	h := w.Header()
	rep.writeTo(h)
	h.Set("Content-Type", "application/json")
	if enc := r.Header.Get("Content-Encoding"); enc != "" {
		h.Set("Content-Encoding", enc)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
	return nil
}
