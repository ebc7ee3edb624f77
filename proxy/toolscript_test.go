package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"
)

// A script is an upstream that answers each request with the next of its rounds.
type script struct {
	*httptest.Server
	rounds []round
	wire   wire
	mu     sync.Mutex
	bodies []string
	gone   chan struct{} // one entry for each client that left while its round hung
}

// A round is what the model says to one request.
type round struct {
	thinks, says string
	calls        []toolUse
	// finish is length where the answer was cut by its limit; else it follows from the calls.
	finish string
	// status answers with an error; cut ends a stream in the middle; hang waits in the middle until
	// the client is gone.
	status    int
	cut, hang bool
}

// A toolUse is one tool call.
type toolUse struct{ id, name, args string }

// A clientView is what a client understands of an answer.
type clientView struct {
	thinks, says string
	calls        []toolUse
	finish       string
	input        int64
	output       int64
}

// A wire is how one dialect looks: an answer whole and as events, and how a client reads them.
type wire struct {
	name, path, turns string
	request           func(user string, stream bool) string
	whole             func(n int, r round) string
	events            func(n int, r round) []string
	readWhole         func(body string) clientView
	readEvents        func(t *testing.T, body string) clientView
}

func newScript(t *testing.T, w wire, rounds ...round) *script {
	s := &script{rounds: rounds, wire: w, gone: make(chan struct{}, 1)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *script) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bodies)
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	n := len(s.bodies)
	s.bodies = append(s.bodies, string(body))
	s.mu.Unlock()
	now := s.rounds[min(n, len(s.rounds)-1)]
	if now.status != 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(now.status)
		io.WriteString(w, `{"error":{"message":"slow down"}}`)
		return
	}
	if !gjson.GetBytes(body, "stream").Bool() {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, s.wire.whole(n, now))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	rc := http.NewResponseController(w)
	events := s.wire.events(n, now)
	for i, e := range events {
		if i == len(events)/2 && now.cut {
			panic(http.ErrAbortHandler)
		}
		if i == len(events)/2 && now.hang {
			<-r.Context().Done()
			s.gone <- struct{}{}
			return
		}
		io.WriteString(w, e)
		_ = rc.Flush()
	}
}

// pieces cuts a text as models stream it: in small pieces that respect nothing.
func pieces(s string) []string {
	var out []string
	for len(s) > 5 {
		out = append(out, s[:5])
		s = s[5:]
	}
	return append(out, s)
}

func ended(r round, calls, text string) string {
	switch {
	case r.finish != "":
		return r.finish
	case len(r.calls) > 0:
		return calls
	}
	return text
}

var chatWire = wire{
	name: "chat", path: "/v1/chat/completions", turns: "messages",
	request: func(user string, stream bool) string {
		return fmt.Sprintf(
			`{"model":"gpt-4o","stream":%v,"messages":[{"role":"user","content":%s}],`+
				`"tools":[{"type":"function","function":{"name":"Read"}}]}`,
			stream,
			quote(user),
		)
	},
	whole: func(n int, r round) string {
		message := `{"role":"assistant","content":` + quote(r.says)
		for i, c := range r.calls {
			message += [2]string{`,"tool_calls":[`, `,`}[min(i, 1)]
			message += fmt.Sprintf(
				`{"id":%q,"type":"function","function":{"name":%q,"arguments":%s}}`,
				c.id,
				c.name,
				quote(c.args),
			)
		}
		if len(r.calls) > 0 {
			message += "]"
		}
		return fmt.Sprintf(
			`{"id":"id%d","object":"chat.completion","choices":[{"index":0,"message":%s},"finish_reason":%q}],`+
				`"usage":{"prompt_tokens":%d,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}}`,
			n,
			message,
			ended(r, "tool_calls", "stop"),
			100+n,
		)
	},
	events: func(n int, r round) []string {
		chunk := func(delta, finish string) string {
			return fmt.Sprintf(
				"data: {\"id\":\"id%d\",\"created\":%d,\"choices\":[{\"index\":0,\"delta\":%s,"+
					"\"finish_reason\":%s}],\"usage\":null}\n\n",
				n,
				n,
				delta,
				finish,
			)
		}
		out := []string{chunk(`{"role":"assistant","content":""}`, "null"), ": keep-alive\n\n"}
		if r.says != "" {
			for _, p := range pieces(r.says) {
				out = append(out, chunk(`{"content":`+quote(p)+`}`, "null"))
			}
		}
		for i, c := range r.calls {
			out = append(
				out,
				chunk(
					fmt.Sprintf(
						`{"tool_calls":[{"index":%d,"id":%q,"type":"function","function":{"name":%q,"arguments":""}}]}`,
						i,
						c.id,
						c.name,
					),
					"null",
				),
			)
			for _, p := range pieces(c.args) {
				out = append(
					out,
					chunk(
						fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%s}}]}`, i, quote(p)),
						"null",
					),
				)
			}
		}
		out = append(out, chunk(`{}`, quote(ended(r, "tool_calls", "stop"))))
		return append(
			out,
			fmt.Sprintf(
				"data: {\"id\":\"id%d\",\"created\":%d,\"choices\":[],\"usage\":{\"prompt_tokens\":%d,"+
					"\"completion_tokens\":5}}\n\n",
				n,
				n,
				100+n,
			),
			"data: [DONE]\n\n",
		)
	},
	readWhole: func(body string) clientView {
		m := gjson.Get(body, "choices.0.message")
		s := clientView{
			says:   m.Get("content").Str,
			finish: gjson.Get(body, "choices.0.finish_reason").Str,
			input:  gjson.Get(body, "usage.prompt_tokens").Int(),
			output: gjson.Get(body, "usage.completion_tokens").Int(),
		}
		for _, c := range m.Get("tool_calls").Array() {
			s.calls = append(
				s.calls,
				toolUse{c.Get("id").Str, c.Get("function.name").Str, c.Get("function.arguments").Str},
			)
		}
		return s
	},
	readEvents: readChatEvents,
}

func readChatEvents(t *testing.T, body string) (s clientView) {
	id, roles, done := "", 0, false
	for _, data := range dataOf(body) {
		if data == "[DONE]" {
			done = true
			continue
		}
		if got := gjson.Get(data, "id").Str; id != "" && got != id {
			t.Errorf("id %s after %s", got, id)
		} else {
			id = got
		}
		if u := gjson.Get(data, "usage"); u.IsObject() {
			s.input, s.output = u.Get("prompt_tokens").Int(), u.Get("completion_tokens").Int()
		}
		c := gjson.Get(data, "choices.0")
		if c.Get("delta.role").Exists() {
			roles++
		}
		s.says += c.Get("delta.content").Str
		if f := c.Get("finish_reason").Str; f != "" {
			s.finish = f
		}
		for _, d := range c.Get("delta.tool_calls").Array() {
			i := int(d.Get("index").Int())
			if i == len(s.calls) {
				s.calls = append(s.calls, toolUse{id: d.Get("id").Str, name: d.Get("function.name").Str})
			} else if i > len(s.calls) {
				t.Fatalf("call %d after %d", i, len(s.calls))
			}
			s.calls[i].args += d.Get("function.arguments").Str
		}
	}
	if roles != 1 || !done {
		t.Errorf("%d roles, done %v", roles, done)
	}
	return s
}

func dataOf(body string) (list []string) {
	for line := range strings.Lines(body) {
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			list = append(list, strings.TrimSuffix(data, "\n"))
		}
	}
	return list
}
