package proxy_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"pith/accounting"
	"pith/proxy"
)

// spansOf makes a tracer of o and returns where its spans can be read.
func spansOf(t *testing.T, o *proxy.Options) *tracetest.InMemoryExporter {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	t.Cleanup(func() {
		if err := provider.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	o.Tracer = provider.Tracer("test")
	return spans
}

func attributesOf(s tracetest.SpanStub) map[attribute.Key]string {
	out := map[attribute.Key]string{}
	for _, a := range s.Attributes {
		out[a.Key] = a.Value.String()
	}
	return out
}

// A request is one span with the conventional attributes, under the client's, its compression one
// under it; the upstream is told the former.
func TestSpans(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var sent http.Header
	var spans *tracetest.InMemoryExporter
	inner := answerer{contentType: eventStream, body: []byte(messagesEvents)}
	c := startCounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		inner.ServeHTTP(w, r)
	}), func(o *proxy.Options) { spans = spansOf(t, o) })
	post(t, c.client, c.url+"/v1/messages", askedCode(), "traceparent", parent, "tracestate", "a=b")
	eventually(t, func() bool { return len(spans.GetSpans()) == 2 })
	compressing, request := spans.GetSpans()[0], spans.GetSpans()[1]
	if compressing.Name != "compress" || compressing.Parent.SpanID() != request.SpanContext.SpanID() {
		t.Errorf("span %s under %s", compressing.Name, compressing.Parent.SpanID())
	}
	if request.Name != "POST messages" || request.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %s under %s", request.Name, request.Parent.SpanID())
	}
	want := fmt.Sprintf("00-0af7651916cd43dd8448eb211c80319c-%s-01", request.SpanContext.SpanID())
	if sent.Get("Traceparent") != want || sent.Get("Tracestate") != "a=b" {
		t.Errorf("the upstream was told %q %q, want %q", sent.Get("Traceparent"), sent.Get("Tracestate"), want)
	}
	got := attributesOf(request)
	for key, value := range map[attribute.Key]string{
		"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": "100",
		"gen_ai.usage.output_tokens":           "20",
		"gen_ai.usage.cache_read.input_tokens": "60", "gen_ai.usage.cache_creation.input_tokens": "10",
		"http.request.method": "POST", "http.response.status_code": "200",
		"pith.decision": "compressed", "pith.arm": "treated",
	} {
		if got[key] != value {
			t.Errorf("%s = %q, want %q", key, got[key], value)
		}
	}
	if attributesOf(compressing)["pith.ratio"] == "" || attributesOf(compressing)["pith.blocks"] != "1" {
		t.Errorf("compress: %v", compressing.Attributes)
	}
}

// Without a tracer trace headers pass as they came, valid or not.
func TestTraceHeadersPass(t *testing.T) {
	up := newUpstream(t)
	base, client := start(t, options(t, up))
	for _, value := range []string{"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "whatever"} {
		post(t, client, base+"/v1/chat/completions", userChat("Hi"), "Traceparent", value)
		if got := up.last(t).header.Get("Traceparent"); got != value {
			t.Errorf("sent %q as %q", value, got)
		}
	}
}

// Neither prompts nor answers nor keys get into logs, metrics or spans, whatever becomes of a
// request.
func TestNothingLeaks(t *testing.T) {
	const canary = "kanarienvogel"
	inner := answerer{
		contentType: plainJSON,
		body: []byte(
			`{"choices":[{"message":{"content":"` + canary + `"}}],"usage":{"prompt_tokens":3,"` + canary + `":1}}`,
		),
	}
	var spans *tracetest.InMemoryExporter
	c := startCounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Want-Cut") != "" {
			panic(http.ErrAbortHandler)
		}
		inner.ServeHTTP(w, r)
	}), func(o *proxy.Options) {
		spans = spansOf(t, o)
		o.Accounting.Holdout = 0.5
		o.Accounting.Prices = []accounting.Price{{Model: "gpt-*", Input: 1, Output: 1}}
	})
	secrets := append(credentials(canary), "X-Pith-Query", canary, "Baggage", "k="+canary)
	requests := 0
	send := func(path, body string, more ...string) {
		req, err := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			c.url+path+"?key="+canary,
			strings.NewReader(body),
		)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		all := append(more, secrets...)
		for i := 0; i+1 < len(all); i += 2 {
			req.Header.Set(all[i], all[i+1])
		}
		requests++
		if res, err := c.client.Do(req); err == nil {
			_ = res.Body.Close() // a cut answer is one of the cases
		}
	}
	code := strings.ReplaceAll(source(60), "f001", canary)
	for i := range 4 {
		for _, path := range []string{
			"/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages", "/v1/models",
		} {
			send(path, userChat(fmt.Sprint(canary, i, "\n```", canary, ".go\n", code, "```")))
		}
	}
	send("/v1/chat/completions", userChat(canary), "X-Want-Cut", "1")
	send("/v1/chat/completions", `{"messages":"`+canary)
	send("/v1/chat/completions", `{"model":"`+canary+strings.Repeat("x", 200)+`","messages":[]}`)
	send("/v1/chat/completions", userChat(canary), "X-Pith-Rate", canary)
	send("/v1/chat/completions", canary, "Content-Encoding", "gzip")
	eventually(t, func() bool { return c.metric(t, "pith_requests_total") == float64(requests) })
	families, err := c.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{
		"log": c.log.String(), "metrics": fmt.Sprint(families), "spans": fmt.Sprintf("%+v", spans.GetSpans()),
	} {
		if at := strings.Index(text, canary); at >= 0 {
			t.Errorf("%s: %.200s", where, text[max(0, at-100):])
		}
		if len(text) < 1000 {
			t.Errorf("%s: hardly anything there: %s", where, text)
		}
	}
}
