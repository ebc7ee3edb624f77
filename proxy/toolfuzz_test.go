package proxy_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"pith/retrieval"
)

// FuzzToolStream answers requests that offer the tool with any stream: nothing panics or hangs, the
// rounds end, and a chat stream without tool calls arrives byte for byte.
func FuzzToolStream(f *testing.F) {
	wires := []wire{chatWire, messagesWire, responsesWire}
	for i, w := range wires {
		f.Add(i, strings.Join(w.events(0, round{thinks: "hm", says: "Fine.", calls: []toolUse{reading("c1")}}), ""))
		f.Add(
			i,
			strings.Join(w.events(0, round{thinks: "hm", calls: []toolUse{asking("ours", `{}`), reading("c1")}}), ""),
		)
		f.Add(i, strings.Join(w.events(0, round{thinks: "hm", calls: []toolUse{asking("ours", `{}`)}}), ""))
		f.Add(i, ":\n\ndata: {}\n\ndata: [DONE]\n\nevent: x\r\ndata: [\r\ndata: 1]\r\n\r\nrest")
	}
	var asked atomic.Int32
	var events atomic.Value
	opts := keeping(f, newUpstream(f), &valueStore{})
	opts.Retrieval = retrieval.Options{Store: &valueStore{}, Tool: true}
	opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Request: r,
			Body: io.NopCloser(strings.NewReader(events.Load().(string))),
		}, r.Body.Close()
	})
	handler := newServer(f, opts).Handler()
	f.Fuzz(func(t *testing.T, which int, stream string) {
		w := wires[uint(which)%uint(len(wires))]
		asked.Store(0)
		events.Store(stream)
		got, cut := answered(handler, w.path, w.request("Hi", true))
		if asked.Load() > 6 {
			t.Errorf("%d rounds", asked.Load())
		}
		if w.name == "chat" && !strings.Contains(stream, "tool_calls") && !strings.Contains(stream, `\`) &&
			(cut || got != stream) {
			t.Errorf("%q became %q", stream, got)
		}
	})
}

// answered asks a handler without a socket between, for speed; cut tells that it gave its answer
// up.
func answered(h http.Handler, path, body string) (got string, cut bool) {
	rec := &flushRecorder{httptest.NewRecorder()}
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			cut = true
		}
		got = rec.Body.String()
	}()
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return "", false
}

// A flushRecorder recorder is one that gin can ask about a client's leaving.
type flushRecorder struct{ *httptest.ResponseRecorder }

func (*flushRecorder) CloseNotify() <-chan bool { return nil }
