package proxy_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// A client that leaves in a hidden round ends that round.
func TestToolClientLeaves(t *testing.T) {
	s := newScript(
		t,
		chatWire,
		round{says: "Let me look.", calls: []toolUse{asking("ours1", `{"hash":"`+gapHash+`"}`)}},
		round{says: "It is fine, I believe.", hang: true},
	)
	base, client := withTool(t, s)
	ctx, leave := context.WithCancel(t.Context())
	res := askStreaming(ctx, t, client, base, chatWire)
	defer res.Body.Close()
	for len(s.requests()) < 2 {
		time.Sleep(time.Millisecond)
	}
	leave()
	<-s.gone // or the hidden round goes on, until the test's own time limit
}

// Hosts differ in how they cut a call into chunks; a name that begins as ours does may be another
// tool's.
func TestToolCallsInOddPieces(t *testing.T) {
	chunk := func(delta, finish string) string {
		return `data: {"id":"a","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + "}]}\n\n"
	}
	piece := func(index int, head, args string) string {
		return fmt.Sprintf(`{"index":%d%s"arguments":%s}}`, index, head, quote(args))
	}
	name := func(id, name string) string {
		return fmt.Sprintf(`,"id":%q,"type":"function","function":{"name":%q,`, id, name)
	}
	more := `,"function":{`
	calls := func(list ...string) string { return `{"tool_calls":[` + strings.Join(list, ",") + `]}` }
	role := chunk(`{"role":"assistant","content":null}`, "null")
	reply := chunk(`{"role":"assistant","content":"Done."}`, `"stop"`)
	tests := []struct {
		name   string
		first  []string
		asked  int
		want   string
		finish string
	}{
		{"a name in two pieces", []string{
			role, chunk(calls(piece(0, name("ours", "pith_"), "")), "null"),
			chunk(calls(piece(0, more+`"name":"retrieve",`, `{"hash":"`+gapHash)), "null"),
			chunk(calls(piece(0, more, `"}`)), `"tool_calls"`),
		}, 2, "", "stop"},
		{
			"all in one chunk, no last event",
			[]string{
				chunk(
					`{"role":"assistant",`+calls(piece(0, name("ours", "pith_retrieve"), `{"hash":"`+gapHash+`"}`))[1:],
					`"stop"`,
				),
			},
			2,
			"",
			"stop",
		},
		{
			"with words and finish in one chunk",
			[]string{
				chunk(
					`{"role":"assistant",`+
						`"content":"Wait.",`+calls(
						piece(0, name("ours", "pith_retrieve"), `{"hash":"`+gapHash+`"}`))[1:],
					`"tool_calls"`,
				),
			},
			2,
			"",
			"stop",
		},
		{"a tool called pith", []string{
			role, chunk(calls(piece(0, name("c1", "pith"), "")), "null"),
			chunk(calls(piece(0, more, `{"a":1}`)), "null"),
			chunk(`{}`, `"tool_calls"`), "data: [DONE]\n\n",
		}, 1, `c1 pith {"a":1}`, "tool_calls"},
		{
			"a tool called p, without arguments",
			[]string{
				role,
				chunk(calls(piece(0, name("c1", "p"), "")), "null"),
				chunk(`{}`, `"tool_calls"`),
				"data: [DONE]\n\n",
			},
			1,
			"c1 p ",
			"tool_calls",
		},
		{"ours and theirs in one chunk", []string{
			role, chunk(calls(piece(0, name("ours", "pith_retrieve"), "{"), piece(1, name("c1", "Read"), "{")), "null"),
			chunk(calls(piece(0, more, "}"), piece(1, more, "}")), `"tool_calls"`), "data: [DONE]\n\n",
		}, 1, "c1 Read {}", "tool_calls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := chatWire
			w.events = func(n int, _ round) []string {
				if n == 0 {
					return tt.first
				}
				return []string{reply, "data: [DONE]\n\n"}
			}
			s := newScript(t, w, round{})
			base, client := withTool(t, s)
			_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", true))
			got, want := readChatEvents(t, body), clientView{finish: tt.finish}
			if tt.asked == 2 {
				want.says = "Done."
				if strings.Contains(tt.first[0], "Wait.") {
					want.says = "Wait.\n\nDone."
				}
			}
			if id, rest, ok := strings.Cut(tt.want, " "); ok {
				name, args, _ := strings.Cut(rest, " ")
				want.calls = []toolUse{{id, name, args}}
			}
			if len(s.requests()) != tt.asked || !reflect.DeepEqual(got, want) || strings.Contains(body, "ours") {
				t.Errorf("%d requests, %+v, want %+v\n%s", len(s.requests()), got, want, body)
			}
		})
	}
}

// Words go out when they come, not when the answer is over.
func TestToolStreamsAtOnce(t *testing.T) {
	s := newScript(t, messagesWire, round{says: "It is fine, I believe.", hang: true})
	base, client := withTool(t, s)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	res := askStreaming(ctx, t, client, base, messagesWire)
	defer res.Body.Close()
	got := ""
	for buf := make([]byte, 4096); !strings.Contains(got, `"It is"`); {
		n, err := res.Body.Read(buf)
		if got += string(buf[:n]); err != nil {
			t.Fatalf("%v after %s", err, got)
		}
	}
}

// The tool stands in every request of a conversation, and in none that could not be answered.
func TestToolIsOffered(t *testing.T) {
	tests := []struct {
		name, path, body string
		header           []string
		want             bool
	}{
		{
			"no code", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a"}]}`,
			nil, true,
		},
		{
			"spaces", "/v1/messages", ` {"tools": [ {"name":"a"} ],"messages":[{"role":"user","content":"Hi"}] } `,
			nil, true,
		},
		{"no tools", "/v1/messages", `{"messages":[{"role":"user","content":"Hi"}]}`, nil, false},
		{"empty tools", "/v1/messages", `{"tools":[],"messages":[]}`, nil, false},
		{"counting", "/v1/messages/count_tokens", `{"tools":[{"name":"a"}],"messages":[{"role":"user",` +
			`"content":"Hi"}]}`, nil, false},
		{"text input", "/v1/responses", `{"input":"Hi","tools":[{"name":"a"}]}`, nil, true},
		{
			"stream not kept", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","stream":true,"store":false}`,
			nil, true,
		},
		{"stream kept", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","stream":true}`, nil, false},
		{"background", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","background":true}`, nil, false},
		{"conversation", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","conversation":"c"}`, nil, false},
		{"several answers", "/v1/chat/completions", `{"tools":[{"name":"a"}],"n":2,"messages":[]}`, nil, false},
		{"functions", "/v1/chat/completions", `{"tools":[{"name":"a"}],"functions":[],"messages":[]}`, nil, false},
		{"tools are no list", "/v1/chat/completions", `{"tools":{},"messages":[]}`, nil, false},
		{
			"the client's own", "/v1/chat/completions",
			`{"tools":[{"type":"function","function":{"name":"pith_retrieve"}}],"messages":[]}`, nil, false,
		},
		{"duplicate key", "/v1/chat/completions", `{"tools":[{"name":"a"}],"messages":[],"messages":[]}`, nil, false},
		{"not JSON", "/v1/chat/completions", `{"messages":[`, nil, false},
		{
			"off", "/v1/chat/completions", `{"tools":[{"name":"a"}],"messages":[]}`,
			[]string{"X-Pith-Mode", "off"},
			false,
		},
		{"completions", "/v1/completions", `{"prompt":"Hi"}`, nil, false},
	}
	u := newUpstream(t)
	opts := keeping(t, u, &valueStore{})
	opts.Retrieval.Tool = true
	base, client := start(t, opts)
	for _, tt := range tests {
		post(t, client, base+tt.path, tt.body, tt.header...)
		got := string(u.last(t).body)
		if !tt.want && got != tt.body {
			t.Errorf("%s: changed to %s", tt.name, got)
		}
		tools := gjson.Get(got, "tools").Array()
		if tt.want && (!gjson.Valid(got) || len(tools) != 2 || !strings.Contains(tools[1].Raw, `"pith_retrieve"`) ||
			!strings.Contains(tools[1].Raw, `"type":"object"`)) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}
