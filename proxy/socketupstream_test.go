package proxy_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/tidwall/gjson"

	"pith/proxy"
)

// A socketUpstream speaks the Responses API over WebSocket: it records what it is sent, and answers
// each message with those that answer returns. A message "bye" is answered with close code 4001.
type socketUpstream struct {
	*httptest.Server
	answer func(message string) []string

	mu   sync.Mutex
	head http.Header
	got  []string
	ends []error
}

func newSocketUpstream(t *testing.T, reply func(string) []string) *socketUpstream {
	u := &socketUpstream{answer: reply}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *socketUpstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Upstream", "yes")
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	u.mu.Lock()
	u.head = r.Header.Clone()
	u.mu.Unlock()
	for {
		kind, data, err := c.Read(context.Background())
		if err != nil {
			u.mu.Lock()
			u.ends = append(u.ends, err)
			u.mu.Unlock()
			return
		}
		u.mu.Lock()
		u.got = append(u.got, string(data))
		u.mu.Unlock()
		if string(data) == "bye" {
			_ = c.Close(4001, "as asked")
			return
		}
		for _, m := range u.answer(string(data)) {
			if err := c.Write(context.Background(), kind, []byte(m)); err != nil {
				return
			}
		}
	}
}

func (u *socketUpstream) last() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.got[len(u.got)-1]
}

// end waits for the end of the upstream's first connection.
func (u *socketUpstream) end(t *testing.T) error {
	t.Helper()
	waitFor(t, func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return len(u.ends) > 0
	})
	return u.ends[0]
}

// waitFor waits until done says so.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for !done() {
		select {
		case <-t.Context().Done():
			t.Fatal("it did not come")
		case <-time.After(time.Millisecond):
		}
	}
}

// completed are the events of an answer id with the items of its output.
func completed(id string, items ...string) []string {
	events := []string{`{"type":"response.created","response":{"id":` + quote(id) + `}}`}
	for _, item := range items {
		events = append(events, `{"type":"response.output_item.done","item":`+item+`}`)
	}
	return append(events, `{"type":"response.completed","response":{"id":`+quote(id)+
		`,"usage":{"input_tokens":1200,"output_tokens":34}}}`)
}

func readCall(id, path string) string {
	return `{"type":"function_call","call_id":` + quote(id) + `,"name":"read_file","arguments":` +
		quote(`{"path":`+quote(path)+`}`) + `}`
}

func callOutput(id, text string) string {
	return `{"type":"function_call_output","call_id":` + quote(id) + `,"output":` + quote(text) + `}`
}

// socketOptions are those of a Server before u.
func socketOptions(t *testing.T, u *socketUpstream) proxy.Options {
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(u.URL)
	return opts
}

// open opens a WebSocket of the Responses API at base.
func open(t *testing.T, base string, header ...string) *websocket.Conn {
	t.Helper()
	h := http.Header{"Authorization": {"Bearer K"}, "Openai-Beta": {"responses_websockets=2026-02-06"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	c, res, err := websocket.Dial(t.Context(), base+"/v1/responses",
		&websocket.DialOptions{HTTPHeader: h, CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		t.Fatal(err)
	}
	if res.Header.Get("X-Upstream") != "yes" || res.Header.Get("Sec-Websocket-Extensions") == "" {
		t.Errorf("the answer to the upgrade has the head %v", res.Header)
	}
	c.SetReadLimit(-1)
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func say(t *testing.T, c *websocket.Conn, message string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
}

// until reads messages to the one of a type.
func until(t *testing.T, c *websocket.Conn, kind string) string {
	t.Helper()
	for {
		_, data, err := c.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if gjson.GetBytes(data, "type").Str == kind {
			return string(data)
		}
	}
}
