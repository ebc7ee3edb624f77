package proxy_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A turn is one step of a conversation in no dialect's words.
type turn struct {
	user  string
	say   string // what the assistant says before it calls
	calls []toolCall
}

type toolCall struct {
	id, name, args, result string
	failed                 bool
}

// A wordingCase renders conversations in one dialect. The conversation is the last member, so that
// turns can be added to the end of the body.
type wordingCase struct {
	name, path string
	render     func([]turn) string
}

func wordings() []wordingCase {
	return []wordingCase{
		{"chat", "/v1/chat/completions", chatBody},
		{"responses", "/v1/responses", responsesBody},
		{"messages", "/v1/messages", messagesBody},
		{"count_tokens", "/v1/messages/count_tokens", messagesBody},
	}
}

func chatBody(turns []turn) string {
	out := []string{
		`{"role":"system","content":"Be brief.\n` + strings.Trim(quote("```go\n"+source(40)+"```"), `"`) + `"}`,
	}
	for _, t := range turns {
		if t.user != "" {
			out = append(out, fmt.Sprintf(`{"role":"user","content":[{"type":"text","text":%s}]}`, quote(t.user)))
			continue
		}
		var calls, results []string
		for _, c := range t.calls {
			calls = append(
				calls,
				fmt.Sprintf(
					`{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}`,
					quote(c.id),
					quote(c.name),
					quote(c.args),
				),
			)
			results = append(
				results,
				fmt.Sprintf(`{"role":"tool","tool_call_id":%s,"content":%s}`, quote(c.id), quote(c.result)),
			)
		}
		out = append(
			out,
			fmt.Sprintf(`{"role":"assistant","content":%s,"tool_calls":[%s]}`, quote(t.say), strings.Join(calls, ",")),
		)
		out = append(out, results...)
	}
	return `{"model":"gpt-4o","stream":true,"messages":[` + strings.Join(out, ",") + `]}`
}

func responsesBody(turns []turn) string {
	var out []string
	for _, t := range turns {
		if t.user != "" {
			out = append(out, fmt.Sprintf(`{"role":"user","content":[{"type":"input_text","text":%s}]}`, quote(t.user)))
			continue
		}
		out = append(
			out,
			fmt.Sprintf(
				`{"type":"message","role":"assistant","content":[{"type":"output_text","text":%s}]}`,
				quote(t.say),
			),
		)
		for _, c := range t.calls {
			out = append(
				out,
				fmt.Sprintf(
					`{"type":"function_call","call_id":%s,"name":%s,"arguments":%s}`,
					quote(c.id),
					quote(c.name),
					quote(c.args),
				),
			)
		}
		for _, c := range t.calls {
			out = append(
				out,
				fmt.Sprintf(`{"type":"function_call_output","call_id":%s,"output":%s}`, quote(c.id), quote(c.result)),
			)
		}
	}
	return `{"model":"gpt-5","instructions":"Be brief.","input":[` + strings.Join(out, ",") + `]}`
}

func messagesBody(turns []turn) string {
	var out []string
	for _, t := range turns {
		if t.user != "" {
			out = append(
				out,
				fmt.Sprintf(
					`{"role":"user","content":[{"type":"text","text":%s,"cache_control":{"type":"ephemeral"}}]}`,
					quote(t.user),
				),
			)
			continue
		}
		said := []string{`{"type":"thinking","thinking":"hm","signature":"c2ln"}`}
		if t.say != "" {
			said = append(said, fmt.Sprintf(`{"type":"text","text":%s}`, quote(t.say)))
		}
		var results []string
		for _, c := range t.calls {
			said = append(
				said,
				fmt.Sprintf(`{"type":"tool_use","id":%s,"name":%s,"input":%s}`, quote(c.id), quote(c.name), c.args),
			)
			results = append(
				results,
				fmt.Sprintf(
					`{"type":"tool_result","tool_use_id":%s,"is_error":%v,"content":[{"type":"text","text":%s}]}`,
					quote(c.id),
					c.failed,
					quote(c.result),
				),
			)
		}
		out = append(out, fmt.Sprintf(`{"role":"assistant","content":[%s]}`, strings.Join(said, ",")))
		out = append(out, fmt.Sprintf(`{"role":"user","content":[%s]}`, strings.Join(results, ",")))
	}
	return `{"model":"claude-sonnet-4-5","system":[{"type":"text","text":"Be brief."}],"messages":[` + strings.Join(
		out,
		",",
	) + `]}`
}

// The question of a tool's result is what led to the call.
func TestQueryOfToolResult(t *testing.T) {
	for _, w := range wordings() {
		u := newUpstream(t)
		opts := options(t, u)
		engine := &spy{}
		opts.Compressor = engine
		base, client := start(t, opts)
		post(t, client, base+w.path, w.render([]turn{
			{user: "Why does f007 fail?<system-reminder>noise</system-reminder>"},
			{
				say:   "Let me look.",
				calls: []toolCall{{id: "c1", name: "Read", args: `{"file_path":"a.go"}`, result: source(40)}},
			},
			{say: "Fixed.", calls: []toolCall{{id: "c2", name: "Bash", args: `{"command":"go test"}`, result: "ok"}}},
			{user: "Thanks. And f009?"},
		}))
		got := engine.take()
		if len(got) != 1 || got[0].Query != "Why does f007 fail?\nLet me look.\n"+`{"file_path":"a.go"}` {
			t.Errorf("%s: asked %+v", w.name, got)
		}
	}
}

func TestCompletionKeepsWhatIsNear(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	engine := &spy{}
	opts.Compressor = engine
	base, client := start(t, opts)
	prompt, suffix := source(300)+"func here() {\n\tret", source(200)
	body := `{"model":"codestral","prompt":` + quote(prompt) + `,"suffix":` + quote(suffix) + `,"max_tokens":20}`
	res, _ := post(t, client, base+"/v1/completions", body)
	got := string(u.last(t).body)
	var out struct{ Prompt, Suffix string }
	if err := json.Unmarshal([]byte(got), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(prompt, "\n")
	if near := strings.Join(lines[len(lines)-64:], "\n"); !strings.HasSuffix(out.Prompt, near) {
		t.Error("lines before the cursor were changed")
	}
	if near := strings.Join(strings.Split(suffix, "\n")[:64], "\n"); !strings.HasPrefix(out.Suffix, near) {
		t.Error("lines behind the cursor were changed")
	}
	if len(out.Prompt) >= len(prompt) || len(out.Suffix) >= len(suffix) {
		t.Errorf("nothing was shortened (%s)", res.Header.Get("X-Pith-Decision"))
	}
	for _, req := range engine.take() {
		if !strings.Contains(req.Query, "f287()") || strings.Contains(req.Query, "f240()") {
			t.Errorf("query is not what stands before the cursor: %q", req.Query)
		}
	}
	first := got
	// A key stroke later the far part is the same.
	post(t, client, base+"/v1/completions", strings.Replace(body, `\tret`, `\tretu`, 1))
	if next := string(u.last(t).body); strings.Replace(next, `\tretu`, `\tret`, 1) != first {
		t.Error("one key stroke changed the far part")
	}
	for _, passes := range []string{
		`{"prompt":["` + strings.Repeat(`x\n`, 3000) + `"]}`, `{"prompt":[1,2,3]}`,
		`{"prompt":` + quote("<|fim_prefix|>"+prompt) + `}`, `{"prompt":` + quote(source(60)) + `}`,
	} {
		post(t, client, base+"/v1/completions", passes)
		if string(u.last(t).body) != passes {
			t.Errorf("changed: %.60s", passes)
		}
	}
}
