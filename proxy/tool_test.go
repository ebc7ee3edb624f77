package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const askWhy = "Why?\n```go\n"

// asking is a call of our tool for a gap of source(90).
func asking(id, args string) called { return called{id, "pith_retrieve", args} }

func reading(id string) called { return called{id, "Read", `{"file_path":"a.go"}`} }

// withTool starts a proxy that offers the tool, before a script.
func withTool(t *testing.T, s *script) (string, *http.Client) {
	t.Helper()
	opts := keeping(t, &upstream{Server: s.Server}, &shelf{})
	opts.Retrieval.Tool = true
	return start(t, opts)
}

// gapHash is the hash of the first gap of source(90): its first line.
var gapHash = fmt.Sprintf("%014x0000100001", len(source(90)))

func TestToolIsResolvedUnseen(t *testing.T) {
	byHash := `{"hash":"` + gapHash + `"}`
	tests := []struct {
		name   string
		rounds []round
		want   seen
		// results are what the model is told, in the order of its calls.
		results []string
	}{
		{
			name:   "not called",
			rounds: []round{{thinks: "hm", says: "It is fine."}},
			want:   seen{thinks: "hm", says: "It is fine.", input: 100, output: 5},
		},
		{
			name:    "called once",
			rounds:  []round{{thinks: "look", calls: []called{asking("ours1", byHash)}}, {thinks: "hm", says: "It is fine."}},
			want:    seen{thinks: "hm", says: "It is fine.", input: 201, output: 10},
			results: []string{"lines 1-1\npackage main\n"},
		},
		{
			name: "words before, twice, by line and by name",
			rounds: []round{
				{says: "Let me look.", calls: []called{asking("ours1", `{"hash":"`+gapHash+`","lines":"2-2"}`), asking("ours2", `{"hash":"`+gapHash+`","symbol":"Pool"}`)}},
				{calls: []called{asking("ours3", byHash)}},
				{says: "It is fine."},
			},
			want: seen{says: "Let me look.|It is fine.", input: 303, output: 15},
			results: []string{
				"lines 2-2\n" + strings.Split(source(90), "\n")[1] + "\n",
				"lines 2-3, 40-41\n" + lines(2, 3) + lines(40, 41),
				"lines 1-1\npackage main\n",
			},
		},
		{
			name:    "unknown hash, bad arguments",
			rounds:  []round{{calls: []called{asking("ours1", `{"hash":"ffffffffffffff0000100001"}`), asking("ours2", `{"hash":7}`)}}, {says: "It is fine."}},
			want:    seen{says: "It is fine.", input: 201, output: 10},
			results: []string{"pith_retrieve: no such hash, or its time is over", "pith_retrieve: arguments: want JSON with hash, and lines or symbol if wanted"},
		},
		{
			name:   "with the client's tool, ours first",
			rounds: []round{{thinks: "both", calls: []called{asking("ours1", byHash), reading("c1"), reading("c2")}}},
			want:   seen{thinks: "both", calls: []called{reading("c1"), reading("c2")}, finish: "tools", input: 100, output: 5},
		},
		{
			name:   "with the client's tool, ours last",
			rounds: []round{{calls: []called{reading("c1"), asking("ours1", byHash)}}},
			want:   seen{calls: []called{reading("c1")}, finish: "tools", input: 100, output: 5},
		},
		{
			name:    "then the client's tool",
			rounds:  []round{{calls: []called{asking("ours1", byHash)}}, {says: "And now.", calls: []called{reading("c1")}}},
			want:    seen{says: "And now.", calls: []called{reading("c1")}, finish: "tools", input: 201, output: 10},
			results: []string{"lines 1-1\npackage main\n"},
		},
		{
			name:   "cut off by its length while it calls",
			rounds: []round{{says: "So", calls: []called{asking("ours1", byHash)}, finish: "length"}},
			want:   seen{says: "So", finish: "length", input: 100, output: 5},
		},
	}
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		for _, stream := range []bool{false, true} {
			for _, tt := range tests {
				t.Run(fmt.Sprintf("%s/stream=%v/%s", w.name, stream, tt.name), func(t *testing.T) {
					s := newScript(t, w, tt.rounds...)
					base, client := withTool(t, s)
					_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", stream))
					if strings.Contains(body, "pith_retrieve") || strings.Contains(body, "ours") {
						t.Errorf("the tool shows in %s", body)
					}
					got := w.readWhole(body)
					if stream {
						got = w.readEvents(t, body)
					}
					if want := worded(tt.want, w.name); !reflect.DeepEqual(got, want) {
						t.Errorf("client sees\n%+v, want\n%+v\n%s", got, want, body)
					}
					checkRounds(t, s, tt.rounds, tt.results)
				})
			}
		}
	}
}

func lines(first, last int) string {
	return strings.Join(strings.SplitAfter(source(90), "\n")[first-1:last], "")
}

// worded puts what is wanted into a dialect's words. Only chat puts words of two rounds into one text, and has no thoughts.
func worded(s seen, dialect string) seen {
	ends := map[string][3]string{"chat": {"stop", "tool_calls", "length"}, "messages": {"end_turn", "tool_use", "length"}, "responses": {"completed", "completed", "length"}}[dialect]
	s.finish = map[string]string{"": ends[0], "tools": ends[1], "length": ends[2]}[s.finish]
	glue := ""
	if dialect == "chat" {
		s.thinks, glue = "", "\n\n"
	}
	s.says = strings.ReplaceAll(s.says, "|", glue)
	return s
}

// checkRounds verifies what the upstream got: the same tools each time, the same turns and more, and the results.
func checkRounds(t *testing.T, s *script, rounds []round, results []string) {
	t.Helper()
	bodies := s.requests()
	if len(bodies) != len(rounds) {
		t.Fatalf("the upstream was asked %d times, want %d", len(bodies), len(rounds))
	}
	first := gjson.Get(bodies[0], "tools")
	if names := first.Raw; len(first.Array()) != 2 || !strings.Contains(first.Get("1").Raw, `"pith_retrieve"`) || !strings.Contains(names, `"Read"`) {
		t.Errorf("tools: %s", names)
	}
	told := ""
	for i, body := range bodies {
		if got := gjson.Get(body, "tools").Raw; got != first.Raw {
			t.Errorf("round %d has the tools %s", i, got)
		}
		if i > 0 {
			before, after := gjson.Get(bodies[i-1], s.wire.turns).Raw, gjson.Get(body, s.wire.turns).Raw
			if !strings.HasPrefix(after, strings.TrimSuffix(before, "]")+",") {
				t.Errorf("round %d does not go on where the one before ended:\n%s\n%s", i, before, after)
			}
			told += after[len(before)-1:]
			for _, word := range []string{rounds[i-1].thinks, rounds[i-1].says} {
				if s.wire.name != "chat" && !strings.Contains(after, word) {
					t.Errorf("round %d was not told that the model said %q", i, word)
				}
			}
		}
	}
	at := 0
	for _, result := range results {
		n := strings.Index(told[at:], strings.Trim(quote(result), `"`))
		if n < 0 {
			t.Fatalf("the model was not told %q, in this order:\n%s", result, told)
		}
		at += n
	}
}

// A model that asks without end gets an end.
func TestToolRoundsAreBounded(t *testing.T) {
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		for _, stream := range []bool{false, true} {
			s := newScript(t, w, round{calls: []called{asking("ours", `{"hash":"`+gapHash+`"}`)}})
			base, client := withTool(t, s)
			_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", stream))
			got := w.readWhole(body)
			if stream {
				got = w.readEvents(t, body)
			}
			want := worded(seen{input: 6*100 + 15, output: 30}, w.name)
			if len(s.requests()) != 6 || !reflect.DeepEqual(got, want) || strings.Contains(body, "pith_retrieve") {
				t.Errorf("%s, stream=%v: %d requests, %+v, want %+v", w.name, stream, len(s.requests()), got, want)
			}
		}
	}
}

// An error of a later round is the client's where nothing has gone out, and cuts the stream where something has.
func TestToolRoundFails(t *testing.T) {
	call := round{says: "Let me look.", calls: []called{asking("ours1", `{"hash":"`+gapHash+`"}`)}}
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		s := newScript(t, w, call, round{status: http.StatusTooManyRequests})
		base, client := withTool(t, s)
		res, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", false))
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "7" || !strings.Contains(body, "slow down") {
			t.Errorf("%s: %d %v %s", w.name, res.StatusCode, res.Header, body)
		}
		for name, second := range map[string]round{"error": {status: http.StatusTooManyRequests}, "cut": {says: "It is fine, I believe.", cut: true}} {
			s := newScript(t, w, call, second)
			base, client := withTool(t, s)
			body, err := stream(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", true))
			if err == nil || !strings.Contains(body, `"Let m"`) || strings.Contains(body, "ours1") {
				t.Errorf("%s, %s: %v, %s", w.name, name, err, body)
			}
		}
	}
}

// stream reads an answer to its end, whatever that is.
func stream(t *testing.T, client *http.Client, url, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return string(got), err
}

// askStreaming asks about code that will be compressed and returns as soon as the answer begins. The body is the caller's to close.
func askStreaming(ctx context.Context, t *testing.T, client *http.Client, base string, w wire) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+w.path, strings.NewReader(w.request(askWhy+source(90)+"```\n", true)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// A client that leaves in a hidden round ends that round.
func TestToolClientLeaves(t *testing.T) {
	s := newScript(t, chatWire, round{says: "Let me look.", calls: []called{asking("ours1", `{"hash":"`+gapHash+`"}`)}}, round{says: "It is fine, I believe.", hang: true})
	base, client := withTool(t, s)
	ctx, leave := context.WithCancel(t.Context())
	res := askStreaming(ctx, t, client, base, chatWire)
	defer res.Body.Close()
	for len(s.requests()) < 2 {
		time.Sleep(time.Millisecond)
	}
	leave()
	select {
	case <-s.gone:
	case <-time.After(10 * time.Second):
		t.Error("the hidden round goes on")
	}
}

// Hosts differ in how they cut a call into chunks; a name that begins as ours does may be another tool's.
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
	answer := chunk(`{"role":"assistant","content":"Done."}`, `"stop"`)
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
		{"all in one chunk, no last event", []string{chunk(`{"role":"assistant",`+calls(piece(0, name("ours", "pith_retrieve"), `{"hash":"`+gapHash+`"}`))[1:], `"stop"`)}, 2, "", "stop"},
		{"with words and finish in one chunk", []string{chunk(`{"role":"assistant","content":"Wait.",`+calls(piece(0, name("ours", "pith_retrieve"), `{"hash":"`+gapHash+`"}`))[1:], `"tool_calls"`)}, 2, "", "stop"},
		{"a tool called pith", []string{
			role, chunk(calls(piece(0, name("c1", "pith"), "")), "null"),
			chunk(calls(piece(0, more, `{"a":1}`)), "null"),
			chunk(`{}`, `"tool_calls"`), "data: [DONE]\n\n",
		}, 1, `c1 pith {"a":1}`, "tool_calls"},
		{"a tool called p, without arguments", []string{role, chunk(calls(piece(0, name("c1", "p"), "")), "null"), chunk(`{}`, `"tool_calls"`), "data: [DONE]\n\n"}, 1, "c1 p ", "tool_calls"},
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
				return []string{answer, "data: [DONE]\n\n"}
			}
			s := newScript(t, w, round{})
			base, client := withTool(t, s)
			_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", true))
			got, want := readChatEvents(t, body), seen{finish: tt.finish}
			if tt.asked == 2 {
				want.says = "Done."
				if strings.Contains(tt.first[0], "Wait.") {
					want.says = "Wait.\n\nDone."
				}
			}
			if id, rest, ok := strings.Cut(tt.want, " "); ok {
				name, args, _ := strings.Cut(rest, " ")
				want.calls = []called{{id, name, args}}
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
		{"no code", "/v1/chat/completions", `{"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a"}]}`, nil, true},
		{"spaces", "/v1/messages", ` {"tools": [ {"name":"a"} ],"messages":[{"role":"user","content":"Hi"}] } `, nil, true},
		{"no tools", "/v1/messages", `{"messages":[{"role":"user","content":"Hi"}]}`, nil, false},
		{"empty tools", "/v1/messages", `{"tools":[],"messages":[]}`, nil, false},
		{"counting", "/v1/messages/count_tokens", `{"tools":[{"name":"a"}],"messages":[{"role":"user","content":"Hi"}]}`, nil, false},
		{"text input", "/v1/responses", `{"input":"Hi","tools":[{"name":"a"}]}`, nil, true},
		{"stream not kept", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","stream":true,"store":false}`, nil, true},
		{"stream kept", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","stream":true}`, nil, false},
		{"background", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","background":true}`, nil, false},
		{"conversation", "/v1/responses", `{"tools":[{"name":"a"}],"input":"Hi","conversation":"c"}`, nil, false},
		{"several answers", "/v1/chat/completions", `{"tools":[{"name":"a"}],"n":2,"messages":[]}`, nil, false},
		{"functions", "/v1/chat/completions", `{"tools":[{"name":"a"}],"functions":[],"messages":[]}`, nil, false},
		{"tools are no list", "/v1/chat/completions", `{"tools":{},"messages":[]}`, nil, false},
		{"the client's own", "/v1/chat/completions", `{"tools":[{"type":"function","function":{"name":"pith_retrieve"}}],"messages":[]}`, nil, false},
		{"duplicate key", "/v1/chat/completions", `{"tools":[{"name":"a"}],"messages":[],"messages":[]}`, nil, false},
		{"not JSON", "/v1/chat/completions", `{"messages":[`, nil, false},
		{"off", "/v1/chat/completions", `{"tools":[{"name":"a"}],"messages":[]}`, []string{"X-Pith-Mode", "off"}, false},
		{"completions", "/v1/completions", `{"prompt":"Hi"}`, nil, false},
	}
	u := newUpstream(t)
	opts := keeping(t, u, &shelf{})
	opts.Retrieval.Tool = true
	base, client := start(t, opts)
	for _, tt := range tests {
		post(t, client, base+tt.path, tt.body, tt.header...)
		got := string(u.last(t).body)
		if !tt.want && got != tt.body {
			t.Errorf("%s: changed to %s", tt.name, got)
		}
		tools := gjson.Get(got, "tools").Array()
		if tt.want && (!gjson.Valid(got) || len(tools) != 2 || !strings.Contains(tools[1].Raw, `"pith_retrieve"`) || !strings.Contains(tools[1].Raw, `"type":"object"`)) {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}
