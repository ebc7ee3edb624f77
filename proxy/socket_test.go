package proxy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/tidwall/gjson"

	"pith/gateway"
	"pith/proxy"
)

const (
	askItem   = `{"role":"user","content":"Where is the pool?"}`
	againItem = `{"role":"user","content":"And now?"}`
)

// agent answers as a model that reads main.go, edits other.go, reads both, and ends.
func agent(message string) []string {
	switch id := gjson.Get(message, "previous_response_id").Str; id {
	case "":
		return completed("r0")
	case "r0":
		return completed("r1", `{"type":"reasoning","encrypted_content":"xx"}`, readCall("c1", "main.go"),
			`{"type":"function_call","call_id":"c2","name":"edit_file","arguments":"{\"path\":\"other.go\"}"}`)
	case "r1":
		return completed("r2", readCall("c3", "main.go"), readCall("c4", "other.go"), readCall("c5", "third.go"))
	default:
		return completed("r3", `{"type":"message","role":"assistant","content":[{"type":"output_text",`+
			`"text":"It is there."}]}`)
	}
}

// What a conversation over a WebSocket sends for each result of a tool is what it sends over HTTP,
// where the whole conversation comes with each request: the calls and the words of both sides come
// from the connection itself.
func TestSocketSendsWhatHTTPSends(t *testing.T) {
	u := newSocketUpstream(t, agent)
	base, _ := start(t, socketOptions(t, u))
	c := open(t, base)
	code := source(60)
	create := func(previous string, items ...string) string {
		if previous != "" {
			previous = `,"previous_response_id":` + quote(previous)
		}
		return `{"type":"response.create","model":"gpt-4o","store":false` + previous + `,"input":[` +
			strings.Join(items, ",") + `]}`
	}
	turns := []string{
		create(""),
		create("r0", askItem),
		create("r1", callOutput("c1", code), callOutput("c2", "done")),
		create("r2", callOutput("c3", code), callOutput("c4", code), callOutput("c5", code)),
	}
	var got []string
	for _, n := range turns {
		say(t, c, n)
		until(t, c, "response.completed")
		got = append(got, u.last())
	}
	if got[0] != turns[0] || got[1] != turns[1] {
		t.Errorf("turns without code were changed: %s\n%s", got[0], got[1])
	}

	plain := newUpstream(t)
	overHTTP, client := start(t, options(t, plain))
	whole := []string{
		askItem, readCall("c1", "main.go"), `{"type":"function_call","call_id":"c2","name":"edit_file",` +
			`"arguments":"{\"path\":\"other.go\"}"}`,
		callOutput("c1", code), callOutput("c2", "done"),
		readCall("c3", "main.go"), readCall("c4", "other.go"), readCall("c5", "third.go"),
		callOutput("c3", code), callOutput("c4", code), callOutput("c5", code),
	}
	post(t, client, overHTTP+"/v1/responses", `{"model":"gpt-4o","input":[`+strings.Join(whole, ",")+`]}`)
	want := gjson.GetBytes(plain.last(t).body, "input").Array()
	for i, pair := range []struct{ socket, http gjson.Result }{
		{gjson.Get(got[2], "input.0"), want[3]},
		{gjson.Get(got[3], "input.0"), want[8]},
		{gjson.Get(got[3], "input.1"), want[9]},
		{gjson.Get(got[3], "input.2"), want[10]},
	} {
		if pair.socket.Raw != pair.http.Raw {
			t.Errorf("result %d: over the WebSocket\n%.300s\nover HTTP\n%.300s", i, pair.socket.Raw, pair.http.Raw)
		}
	}
	if !strings.Contains(want[3].Raw, "omitted") || strings.Contains(want[8].Raw, "omitted") ||
		!strings.Contains(want[10].Raw, "omitted") {
		t.Error("over HTTP the first reads are not those that are shortened")
	}
}

// Everything but requests passes as it is, fragments, compression and pings of one side aside; the
// upstream gets the head of the upgrade without what is Pith's.
func TestSocketMessagesPass(t *testing.T) {
	u := newSocketUpstream(t, func(m string) []string { return []string{m} })
	base, _ := start(t, socketOptions(t, u))
	c := open(t, base, "X-Pith-Rate", "0.5", "X-Mine", "1", "HTTP2-Settings", "AAMAAABk")
	for _, m := range []string{`{"type":"response.cancel"}`, "no JSON", "", strings.Repeat(`{"x":"long"}`, 50_000)} {
		for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
			w, err := c.Writer(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			_, err1 := io.WriteString(w, m[:len(m)/2])
			_, err2 := io.WriteString(w, m[len(m)/2:])
			if err := errors.Join(err1, err2, w.Close()); err != nil {
				t.Fatal(err)
			}
			back, data, err := c.Read(t.Context())
			if err != nil || back != kind || string(data) != m {
				t.Fatalf("sent %.20q as %v, got %.20q as %v, %v", m, kind, data, back, err)
			}
		}
	}
	reading := c.CloseRead(t.Context())
	if err := c.Ping(reading); err != nil {
		t.Errorf("ping: %v", err)
	}
	h := u.head
	if h.Get("X-Mine") != "1" || h.Get("Openai-Beta") == "" || h.Get("Authorization") != "Bearer K" {
		t.Errorf("the upgrade went out as %v", h)
	}
	for _, name := range []string{"X-Pith-Rate", "Http2-Settings"} {
		if h.Get(name) != "" {
			t.Errorf("%s went out", name)
		}
	}
}

// How one side ends, the other is told: by its close code, or by a cut.
func TestSocketEnds(t *testing.T) {
	u := newSocketUpstream(t, func(string) []string { return nil })
	base, _ := start(t, socketOptions(t, u))
	c := open(t, base)
	say(t, c, "bye")
	_, _, err := c.Read(t.Context())
	if closed, ok := errors.AsType[websocket.CloseError](err); !ok || closed.Code != 4001 ||
		closed.Reason != "as asked" {
		t.Errorf("the upstream closed with 4001, the client saw %v", err)
	}

	u = newSocketUpstream(t, func(string) []string { return nil })
	base, _ = start(t, socketOptions(t, u))
	if err := open(t, base).Close(4002, "enough"); err != nil {
		t.Error(err)
	}
	if closed, ok := errors.AsType[websocket.CloseError](u.end(t)); !ok || closed.Code != 4002 ||
		closed.Reason != "enough" {
		t.Errorf("the client closed with 4002, the upstream saw %v", u.end(t))
	}

	u = newSocketUpstream(t, func(string) []string { return nil })
	base, _ = start(t, socketOptions(t, u))
	_ = open(t, base).CloseNow()
	if closed, ok := errors.AsType[websocket.CloseError](u.end(t)); ok {
		t.Errorf("the client was cut off, the upstream saw %v", closed)
	}
}

// Where the upstream speaks no WebSocket, or none may be opened, the client is sent to HTTP.
func TestSocketIsRefused(t *testing.T) {
	plain := newUpstream(t)
	speaks := newSocketUpstream(t, agent)
	off := socketOptions(t, speaks)
	off.Gateway.DefaultSockets = "off"
	models := socketOptions(t, speaks)
	models.Gateway.Upstreams = append(models.Gateway.Upstreams, entry(t, "claude", plain, []string{"claude-*"}, nil))
	tests := []struct {
		name, path string
		opts       proxy.Options
		status     int
	}{
		{"no WebSocket upstream", "/v1/responses", options(t, plain), http.StatusUpgradeRequired},
		{"off", "/v1/responses", off, http.StatusUpgradeRequired},
		{"the model decides", "/v1/responses", models, http.StatusUpgradeRequired},
		{"another API", "/v1/realtime", socketOptions(t, speaks), http.StatusUpgradeRequired},
		{"preview", "/v1/responses", socketOptions(t, speaks), http.StatusBadRequest},
	}
	for _, tt := range tests {
		base, client := start(t, tt.opts)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+tt.path, nil)
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
			"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
		} {
			req.Header.Set(name, value)
		}
		if tt.name == "preview" {
			req.Header.Set("X-Pith-Mode", "preview")
		}
		res, body := do(t, client, req)
		if res.StatusCode != tt.status || gjson.Get(body, "error.message").Str == "" {
			t.Errorf("%s: got %d %s", tt.name, res.StatusCode, body)
		}
	}
}

// A wish for another protocol than WebSocket is left out, as HTTP allows, and the request is
// served.
func TestOtherUpgradesDoNotPass(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	res, _ := post(t, client, base+"/v1/embeddings", `{}`,
		"Connection", "Upgrade, HTTP2-Settings", "Upgrade", "h2c", "HTTP2-Settings", "AAMAAABkAAQAoAAAAAIAAAAA")
	h := u.last(t).header
	if res.StatusCode != http.StatusOK || h.Get("Upgrade") != "" || h.Get("Connection") != "" ||
		h.Get("HTTP2-Settings") != "" {
		t.Errorf("status %d, the upstream got %v", res.StatusCode, h)
	}
}

// Messages are bounded as bodies are, also by what they unpack to.
func TestSocketMessagesAreBounded(t *testing.T) {
	u := newSocketUpstream(t, agent)
	opts := socketOptions(t, u)
	opts.Limits.MaxBodyBytes = 64 << 10
	base, _ := start(t, opts)
	c := open(t, base)
	say(t, c, `{"type":"response.create","input":"`+strings.Repeat("a", 1<<20)+`"}`)
	_, _, err := c.Read(t.Context())
	if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("a message of 1 MiB where 64 KiB are read: %v", err)
	}
	if len(u.got) > 0 {
		t.Error("it reached the upstream")
	}
}

// Each request over a WebSocket takes of its key's allowance, is logged and counted as one over
// HTTP, and what the provider says that it took is in the books.
func TestSocketRequestsAreCounted(t *testing.T) {
	u := newSocketUpstream(t, agent)
	opts := socketOptions(t, u)
	// The upgrade, and one request.
	opts.Gateway.Keys = []gateway.VirtualKey{{Name: "alice", Hash: gateway.HashKey(aliceKey), RequestsPerMinute: 2}}
	opts.Gateway.DefaultKey = "upstream's own"
	log := new(logBuffer)
	opts.Logger = slog.New(slog.NewTextHandler(log, nil))
	base, _ := start(t, opts)
	c := open(t, base, "Authorization", "Bearer "+aliceKey)
	create := `{"type":"response.create","model":"gpt-4o","input":"Why?"}`
	say(t, c, create)
	until(t, c, "response.completed")
	say(t, c, create)
	refused := until(t, c, "error")
	if gjson.Get(refused, "status").Int() != http.StatusTooManyRequests ||
		gjson.Get(refused, "error.type").Str != "rate_limit_error" {
		t.Errorf("the second request was answered %s", refused)
	}
	if got := u.head.Get("Authorization"); got != "Bearer upstream's own" {
		t.Errorf("the upstream got the credentials %q", got)
	}
	if n := len(u.got); n != 1 {
		t.Errorf("%d requests reached the upstream, want 1", n)
	}
	// It is logged behind its last event.
	waitFor(t, func() bool { return strings.Contains(log.String(), "usage=reported") })
	for _, want := range []string{
		"msg=turn", "status=429", "client=alice", "usage=reported", "input_tokens=1200",
		"output_tokens=34",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, log)
		}
	}
}

// A conversation that is held out passes, and mode off passes unread.
func TestSocketHoldoutAndOff(t *testing.T) {
	for _, mode := range []string{"holdout", "off"} {
		u := newSocketUpstream(t, agent)
		opts := socketOptions(t, u)
		header := []string{}
		if mode == "holdout" {
			opts.Accounting.Holdout = 1
		} else {
			header = []string{"X-Pith-Mode", "off"}
		}
		base, _ := start(t, opts)
		c := open(t, base, header...)
		say(t, c, `{"type":"response.create","model":"m","previous_response_id":"r0","input":[`+askItem+`]}`)
		until(t, c, "response.completed")
		result := `{"type":"response.create","model":"m","previous_response_id":"r1","input":[` +
			callOutput("c1", source(60)) + `]}`
		say(t, c, result)
		until(t, c, "response.completed")
		if u.last() != result {
			t.Errorf("%s: the request was changed", mode)
		}
	}
}

// SIGTERM and a new configuration end a WebSocket when no answer is under way on it.
func TestSocketDrainsAndReloads(t *testing.T) {
	release := make(chan struct{})
	u := newSocketUpstream(t, func(m string) []string {
		<-release
		return completed("r1")
	})
	opts := socketOptions(t, u)
	site := proxy.NewSite(newServer(t, opts))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- site.Serve(ctx, ln, proxy.Listen{}) }()
	base := "http://" + ln.Addr().String()

	idle, busy := open(t, base), open(t, base)
	say(t, busy, `{"type":"response.create","model":"m","input":"Why?"}`)
	waitFor(t, func() bool {
		u.mu.Lock()
		defer u.mu.Unlock()
		return len(u.got) == 1
	})
	if err := site.Replace(opts); err != nil {
		t.Fatal(err)
	}
	if _, _, err := idle.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("a new configuration: the idle connection saw %v", err)
	}
	stop()
	release <- struct{}{}
	until(t, busy, "response.completed")
	if _, _, err := busy.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway &&
		websocket.CloseStatus(err) != websocket.StatusServiceRestart {
		t.Errorf("at the end of its answer the busy connection saw %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve = %v", err)
	}
}
