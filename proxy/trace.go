package proxy

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"

	attr "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"pith/accounting"
	"pith/dialects"
)

// tracing makes one span of each request and one of its compression, with the attributes that
// OpenTelemetry's semantic conventions for generative AI name. No attribute holds a prompt, a
// header, a query string or the text of an error.
type tracing struct {
	tracer trace.Tracer
	// on says that there is a tracer: else the client's trace headers are left alone.
	on         bool
	propagator propagation.TraceContext
}

func newTracing(tracer trace.Tracer) *tracing {
	t := &tracing{tracer: tracer, on: tracer != nil}
	if !t.on {
		t.tracer = noop.NewTracerProvider().Tracer("")
	}
	return t
}

// start begins a request's span, under the client's where the request names one.
func (t *tracing) start(ctx context.Context, r *http.Request) (context.Context, trace.Span) {
	if !t.on {
		return ctx, noop.Span{}
	}
	ctx = t.propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	method := r.Method
	if !slices.Contains(methods[:], method) { // it is free text
		method = "_OTHER"
	}
	return t.tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attr.String("http.request.method", method)))
}

// headerRequestID tells a client under which id the log has its request.
const headerRequestID = "X-Pith-Request-Id"

// idOf names a request: by its trace, where it has one, of ours or of the client's, so that the log
// and the traces of all on its way are found by one id.
func (t *tracing) idOf(span trace.Span, h http.Header) string {
	if !span.SpanContext().HasTraceID() {
		ctx := t.propagator.Extract(context.Background(), propagation.HeaderCarrier(h))
		if remote := trace.SpanContextFromContext(ctx); remote.HasTraceID() {
			return remote.TraceID().String()
		}
		var id trace.TraceID
		_, _ = rand.Read(id[:]) // it never fails
		return id.String()
	}
	return span.SpanContext().TraceID().String()
}

// methods are those that a span names.
var methods = [...]string{
	http.MethodGet,
	http.MethodHead,
	http.MethodPost,
	http.MethodPut,
	http.MethodPatch,
	http.MethodDelete,
	http.MethodOptions,
}

// inject names the span of ctx to the upstream.
func (t *tracing) inject(ctx context.Context, h http.Header) {
	if t.on {
		t.propagator.Inject(ctx, propagation.HeaderCarrier(h))
	}
}

// end tells what became of a request and ends its span.
func (t *tracing) end(x *exchange, b accounting.Bill, status int) {
	span := x.span
	defer span.End()
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attr.Int("http.response.status_code", status))
	switch {
	case x.aborted:
		span.SetAttributes(attr.String("error.type", "aborted"))
		span.SetStatus(codes.Error, "")
	case status >= 500:
		span.SetAttributes(attr.String("error.type", strconv.Itoa(status)))
		span.SetStatus(codes.Error, "")
	}
	if x.report.decision != "" {
		span.SetName("POST " + x.dialect)
		span.SetAttributes(reportAttributes(x.report)...)
	}
	if x.account == nil {
		return
	}
	name := "chat"
	if x.dialect == "completions" {
		name = "text_completion"
	}
	span.SetAttributes(attr.String("gen_ai.operation.name", name), attr.String("pith.arm", x.account.Arm()))
	if model := x.account.Model(); model != "" {
		span.SetAttributes(attr.String("gen_ai.request.model", model))
	}
	if provider := x.to.Provider(); provider != "" {
		span.SetAttributes(attr.String("gen_ai.provider.name", provider))
	}
	if b.Reported() {
		span.SetAttributes(
			attr.Int64("gen_ai.usage.input_tokens", b.Usage.Prompt()),
			attr.Int64("gen_ai.usage.cache_read.input_tokens", b.Usage.CacheRead),
			attr.Int64("gen_ai.usage.cache_creation.input_tokens", b.Usage.CacheWrite),
			attr.Int64("gen_ai.usage.output_tokens", b.Usage.Output))
	}
}

func reportAttributes(rep report) []attr.KeyValue {
	return []attr.KeyValue{
		attr.String("pith.decision", string(rep.decision)),
		attr.String("pith.reason", rep.reason),
		attr.Int("pith.original_tokens", rep.original),
		attr.Int("pith.compressed_tokens", rep.compressed),
		attr.Float64("pith.ratio", rep.ratio()),
	}
}

// traceShorten is shorten under a span of its own.
func (s *Server) traceShorten(x *exchange, r *http.Request, d *dialects.Dialect, body []byte, want control) []byte {
	ctx, span := s.tracing.tracer.Start(r.Context(), "compress")
	defer span.End()
	// Who forces has chosen, and is not compared.
	o := settings{
		control: want, tenant: x.tenant, share: x.share, alone: want.mode == ModeForce, recall: x.recall,
	}
	out, rep := s.shorten(ctx, d, body, o)
	if span.IsRecording() {
		span.SetAttributes(
			append(reportAttributes(rep), attr.Int("pith.blocks", rep.blocks), attr.String("pith.cache", rep.cache))...)
	}
	x.report = rep
	if rep.decision == decisionCompressed {
		x.share.add(len(out))
	}
	return out
}
