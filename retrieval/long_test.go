package retrieval_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"pith/retrieval"
)

// A reply answers every request with the same text.
type reply struct{ kind, text string }

func (a reply) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.kind}},
		Body: io.NopCloser(strings.NewReader(a.text)), Request: r,
	}, nil
}

// ask sends a request of a dialect that offers the tool, and reads the answer to its end.
func ask(t *testing.T, dialect string, next http.RoundTripper) string {
	t.Helper()
	o, err := retrieval.New(retrieval.Options{Tool: true})
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"messages":[],"input":[],"store":false,"tools":[{"name":"Read"}]}`)
	way := &retrieval.Transport{
		Next: next, Offer: o.OfferTool(dialect, body, "one"), Originals: o, MaxAnswer: 32 << 20,
		Logger: slog.New(slog.DiscardHandler),
	}
	res, err := way.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://up/", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func times(n int, f func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(f(i))
	}
	return b.String()
}

// longStreams are streams of n elements of one kind each.
var longStreams = map[string]struct {
	dialect string
	text    func(n int) string
}{
	"lines of one event": {"chat", func(n int) string { return times(n, func(int) string { return "data: x\n" }) }},
	"one line":           {"chat", func(n int) string { return "data: " + strings.Repeat("x", 10*n) }},
	"calls": {"chat", func(n int) string {
		return times(n, func(i int) string { return callDelta(i, "Read", "{}") })
	}},
	"arguments": {"chat", func(n int) string {
		return callDelta(0, "pith_retrieve", "") + times(n, func(int) string { return callDelta(0, "", "abcdefgh") })
	}},
	"name": {"chat", func(n int) string {
		return times(n, func(int) string { return callDelta(0, "abcdefgh", "") })
	}},
	"names that may be ours": {"chat", func(n int) string {
		return times(n, func(i int) string { return callDelta(i, "pith", "") }) +
			`data: {"choices":[{"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	}},
	"calls of the tool": {"chat", func(n int) string {
		return times(n, func(i int) string { return callDelta(i, "pith_retrieve", "{}") }) +
			`data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}` + "\n\n" + "data: [DONE]\n\n"
	}},
	"citations": {"messages", func(n int) string {
		return `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n" +
			times(n, func(i int) string {
				return fmt.Sprintf(`data: {"type":"content_block_delta","index":0,`+
					`"delta":{"citation":{"n":%d}}}`, i) + "\n\n"
			})
	}},
	"members of usage": {"messages", func(n int) string {
		usage := `{"a":1` + times(n, func(i int) string { return fmt.Sprintf(`,"m%d":1`, i) }) + `}`
		return `data: {"type":"message_start","message":{"usage":` + usage + "}}\n\n" +
			`data: {"type":"message_delta","delta":{},"usage":` + usage + "}\n\n"
	}},
	"items": {"responses", func(n int) string {
		return times(n, func(i int) string {
			return fmt.Sprintf(`data: {"type":"response.output_item.added","output_index":%d,`+
				`"item":{"type":"reasoning"}}`, i) + "\n\n"
		})
	}},
}

func callDelta(index int, name, args string) string {
	return fmt.Sprintf(`data: {"choices":[{"delta":{"tool_calls":[{"index":%d,`+
		`"function":{"name":%q,"arguments":%q}}]}}]}`, index, name, args) + "\n\n"
}

// What is made for a stream that the tool watches grows with its length, whatever it is made of.
func TestStreamsAreReadInOnePass(t *testing.T) {
	for name, s := range longStreams {
		t.Run(name, func(t *testing.T) {
			made := func(n int) uint64 {
				text := s.text(n)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				ask(t, s.dialect, reply{"text/event-stream", text})
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			const n = 4000
			if one, two := made(n), made(2*n); two > one*5/2 {
				t.Errorf("%d elements make %d bytes, twice as many %d", n, one, two)
			}
		})
	}
}

// However deep the JSON of an event is nested, reading it takes no stack for that.
func TestNestingTakesNoStack(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(16 << 20))
	nest := strings.Repeat("[", 2<<20) + strings.Repeat("]", 2<<20)
	for dialect, event := range map[string]string{
		"chat":      `{"choices":[{"delta":{"tool_calls":` + nest + `}}]}`,
		"responses": `{"type":"response.output_item.added","output_index":0,"item":` + nest + `}`,
		"messages":  `{"type":"content_block_start","index":0,"content_block":` + nest + `}`,
	} {
		text := "data: " + event + "\n\n"
		if got := ask(t, dialect, reply{"text/event-stream", text}); got != text {
			t.Errorf("%s: an event that nests deep arrives as %d bytes, not as %d", dialect, len(got), len(text))
		}
		ask(t, dialect, reply{"application/json", event})
	}
}

// A model that asks for the same lines a thousand times is given them as often as they are of use.
func TestAnswersOfTheToolAreBounded(t *testing.T) {
	calls := times(1000, func(i int) string {
		return fmt.Sprintf(`{"id":"c%d","type":"function","function":{"name":"pith_retrieve","arguments":"{}"}},`, i)
	})
	var last string
	ask(t, "chat", roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			last = string(body)
		}
		return reply{"application/json", `{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[` +
			strings.TrimSuffix(calls, ",") + `]}}]}`}.RoundTrip(r)
	}))
	answered, refused := strings.Count(last, "no such hash"), strings.Count(last, "more was asked for")
	if answered == 0 || answered > 5*100 || answered+refused < 5*1000 {
		t.Errorf("%d calls were answered and %d refused", answered, refused)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
