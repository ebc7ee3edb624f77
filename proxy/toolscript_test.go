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
	calls        []called
	// finish is length where the answer was cut by its limit; else it follows from the calls.
	finish string
	// status answers with an error; cut ends a stream in the middle; hang waits in the middle until
	// the client is gone.
	status    int
	cut, hang bool
}

// A called is one tool call.
type called struct{ id, name, args string }

// A seen is what a client understands of an answer.
type seen struct {
	thinks, says string
	calls        []called
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
	readWhole         func(body string) seen
	readEvents        func(t *testing.T, body string) seen
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
			`{"model":"gpt-4o","stream":%v,"messages":[{"role":"user","content":%s}],"tools":[{"type":"function","function":{"name":"Read"}}]}`,
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
			`{"id":"id%d","object":"chat.completion","choices":[{"index":0,"message":%s},"finish_reason":%q}],"usage":{"prompt_tokens":%d,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}}`,
			n,
			message,
			ended(r, "tool_calls", "stop"),
			100+n,
		)
	},
	events: func(n int, r round) []string {
		chunk := func(delta, finish string) string {
			return fmt.Sprintf(
				"data: {\"id\":\"id%d\",\"created\":%d,\"choices\":[{\"index\":0,\"delta\":%s,\"finish_reason\":%s}],\"usage\":null}\n\n",
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
				"data: {\"id\":\"id%d\",\"created\":%d,\"choices\":[],\"usage\":{\"prompt_tokens\":%d,\"completion_tokens\":5}}\n\n",
				n,
				n,
				100+n,
			),
			"data: [DONE]\n\n",
		)
	},
	readWhole: func(body string) seen {
		m := gjson.Get(body, "choices.0.message")
		s := seen{
			says:   m.Get("content").Str,
			finish: gjson.Get(body, "choices.0.finish_reason").Str,
			input:  gjson.Get(body, "usage.prompt_tokens").Int(),
			output: gjson.Get(body, "usage.completion_tokens").Int(),
		}
		for _, c := range m.Get("tool_calls").Array() {
			s.calls = append(
				s.calls,
				called{c.Get("id").Str, c.Get("function.name").Str, c.Get("function.arguments").Str},
			)
		}
		return s
	},
	readEvents: readChatEvents,
}

func readChatEvents(t *testing.T, body string) (s seen) {
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
				s.calls = append(s.calls, called{id: d.Get("id").Str, name: d.Get("function.name").Str})
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

var messagesWire = wire{
	name: "messages", path: "/v1/messages", turns: "messages",
	request: func(user string, stream bool) string {
		return fmt.Sprintf(
			`{"model":"claude-sonnet-4-5","stream":%v,"messages":[{"role":"user","content":%s}],"tools":[{"name":"Read","input_schema":{}}]}`,
			stream,
			quote(user),
		)
	},
	whole: func(n int, r round) string {
		return fmt.Sprintf(
			`{"id":"id%d","type":"message","content":[%s],"stop_reason":%q,"usage":{"input_tokens":%d,"output_tokens":5}}`,
			n,
			strings.Join(messageBlocks(r), ","),
			ended(r, "tool_use", "end_turn"),
			100+n,
		)
	},
	events: func(n int, r round) []string {
		out := []string{
			typed(
				`{"type":"message_start","message":{"id":"id%d","usage":{"input_tokens":%d,"output_tokens":1}}}`,
				n,
				100+n,
			),
			"event: ping\ndata: {\"type\":\"ping\"}\n\n",
		}
		i := 0
		block := func(start string, deltas ...string) {
			out = append(out, typed(`{"type":"content_block_start","index":%d,"content_block":%s}`, i, start))
			for _, d := range deltas {
				out = append(out, typed(`{"type":"content_block_delta","index":%d,"delta":%s}`, i, d))
			}
			out = append(out, typed(`{"type":"content_block_stop","index":%d}`, i))
			i++
		}
		deltas := func(kind, member, text string) (list []string) {
			for _, p := range pieces(text) {
				list = append(list, fmt.Sprintf(`{"type":%q,%q:%s}`, kind, member, quote(p)))
			}
			return list
		}
		if r.thinks != "" {
			block(
				`{"type":"thinking","thinking":"","signature":""}`,
				append(
					deltas("thinking_delta", "thinking", r.thinks),
					`{"type":"signature_delta","signature":"sig"}`,
				)...)
		}
		if r.says != "" {
			block(`{"type":"text","text":""}`, deltas("text_delta", "text", r.says)...)
		}
		for _, c := range r.calls {
			block(
				fmt.Sprintf(`{"type":"tool_use","id":%q,"name":%q,"input":{}}`, c.id, c.name),
				deltas("input_json_delta", "partial_json", c.args)...)
		}
		return append(
			out,
			typed(
				`{"type":"message_delta","delta":{"stop_reason":%q},"usage":{"output_tokens":5}}`,
				ended(r, "tool_use", "end_turn"),
			),
			typed(`{"type":"message_stop"}`),
		)
	},
	readWhole: func(body string) seen {
		s := seen{
			finish: gjson.Get(body, "stop_reason").Str,
			input:  gjson.Get(body, "usage.input_tokens").Int(),
			output: gjson.Get(body, "usage.output_tokens").Int(),
		}
		for _, b := range gjson.Get(body, "content").Array() {
			s.thinks += b.Get("thinking").Str
			s.says += b.Get("text").Str
			if b.Get("type").Str == "tool_use" {
				s.calls = append(s.calls, called{b.Get("id").Str, b.Get("name").Str, b.Get("input").Raw})
			}
		}
		return s
	},
	readEvents: readMessageEvents,
}

func messageBlocks(r round) (list []string) {
	if r.thinks != "" {
		list = append(list, `{"type":"thinking","thinking":`+quote(r.thinks)+`,"signature":"sig"}`)
	}
	if r.says != "" {
		list = append(list, `{"type":"text","text":`+quote(r.says)+`}`)
	}
	for _, c := range r.calls {
		list = append(list, fmt.Sprintf(`{"type":"tool_use","id":%q,"name":%q,"input":%s}`, c.id, c.name, c.args))
	}
	return list
}

func typed(format string, args ...any) string {
	data := fmt.Sprintf(format, args...)
	return "event: " + gjson.Get(data, "type").Str + "\ndata: " + data + "\n\n"
}

func readMessageEvents(t *testing.T, body string) (s seen) {
	var order []string
	open, next := int64(-1), int64(0)
	for _, data := range dataOf(body) {
		kind, index := gjson.Get(data, "type").Str, gjson.Get(data, "index").Int()
		switch kind {
		case "message_start":
			s.input = gjson.Get(data, "message.usage.input_tokens").Int()
			order = append(order, kind)
		case "content_block_start":
			if open >= 0 || index != next {
				t.Errorf("block %d starts, %d is open, want %d", index, open, next)
			}
			open, next = index, next+1
			if b := gjson.Get(data, "content_block"); b.Get("type").Str == "tool_use" {
				s.calls = append(s.calls, called{id: b.Get("id").Str, name: b.Get("name").Str})
			}
		case "content_block_delta":
			if index != open {
				t.Errorf("delta for %d, %d is open", index, open)
			}
			d := gjson.Get(data, "delta")
			s.thinks += d.Get("thinking").Str
			s.says += d.Get("text").Str
			if d.Get("partial_json").Exists() {
				s.calls[len(s.calls)-1].args += d.Get("partial_json").Str
			}
		case "content_block_stop":
			if index != open {
				t.Errorf("%d stops, %d is open", index, open)
			}
			open = -1
		case "message_delta":
			s.finish = gjson.Get(data, "delta.stop_reason").Str
			s.output = gjson.Get(data, "usage.output_tokens").Int()
			if u := gjson.Get(data, "usage.input_tokens"); u.Exists() {
				s.input = u.Int()
			}
			order = append(order, kind)
		case "message_stop":
			order = append(order, kind)
		}
	}
	if strings.Join(order, " ") != "message_start message_delta message_stop" {
		t.Errorf("order of events: %v", order)
	}
	return s
}
