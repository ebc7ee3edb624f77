package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// scripts are what every client of a provider is made to do, the same for all of its languages.
func scripts(t *testing.T) map[string][]scriptStep {
	t.Helper()
	long, err := json.Marshal(prompt(t))
	if err != nil {
		t.Fatal(err)
	}
	user := func(model, content, rest string) json.RawMessage {
		return fmt.Appendf(nil, `{"model":%q,"messages":[{"role":"user","content":%s}]%s}`, model, content, rest)
	}
	const hello, maxTokens = `"Say \u00e9 <b> & \"so\"."`, `,"max_tokens":64`
	const openAITools = `,"tools":[{"type":"function","function":{"name":"read_file","description":"Reads.",` +
		`"parameters":{"type":"object","properties":{"path":{"type":"string"}}}}}]`
	const anthropicTools = maxTokens +
		`,"tools":[{"name":"Read","description":"Reads.","input_schema":{"type":"object",` +
		`"properties":{"file_path":{"type":"string"}}}}]`
	openAI := []scriptStep{{Op: "models"}}
	anthropic := []scriptStep{{Op: "count", Body: user("claude-opus-4-8", hello, "")}}
	for _, stream := range []string{"", `,"stream":true`} {
		openAI = append(
			openAI,
			scriptStep{"chat", user("gpt-4o", hello, `,"temperature":0.5`+stream)},
			scriptStep{"chat", user("tool-4", hello, openAITools+stream)},
			scriptStep{"chat", user("gzip-4", hello, stream)},
			scriptStep{"chat", user("gpt-4o", string(long), stream)},
		)
		anthropic = append(
			anthropic,
			scriptStep{"messages", user("claude-opus-4-8", hello, maxTokens+`,"system":"Answer briefly."`+stream)},
			scriptStep{"messages", user("tool-4", hello, anthropicTools+stream)},
			scriptStep{"messages", user("gzip-4", hello, maxTokens+stream)},
			scriptStep{"messages", user("claude-opus-4-8", string(long), maxTokens+stream)},
		)
		for _, code := range []int{400, 401, 404, 413, 429, 500, 503, 529} {
			model := fmt.Sprintf("status-%d", code)
			openAI = append(openAI, scriptStep{"chat", user(model, hello, stream)})
			anthropic = append(anthropic, scriptStep{"messages", user(model, hello, maxTokens+stream)})
		}
	}
	anthropic = append(anthropic, scriptStep{"count", user("claude-opus-4-8", string(long), "")},
		scriptStep{"count", user("status-400", hello, "")})
	return map[string][]scriptStep{"openai": openAI, "anthropic": anthropic}
}

// A dialogue is one run of a script: what reached the upstream, what was sent back and what the
// client made of it.
type dialogue struct {
	requests  []recordedRequest
	responses []string
	replies   []reply
}

func talk(t *testing.T, up *scriptedAPI, c sdkClient, url string, script []scriptStep) dialogue {
	t.Helper()
	between := newTap(t, url)
	replies := c.run(t, c, c.base(between.URL), script)
	return dialogue{up.take(c.key()), between.responses(t), replies}
}

// No official client can tell Pith from the API, and the API sees the client's own bytes, apart
// from the code that was left out.
func TestOfficialClients(t *testing.T) {
	up := newUpstream(t)
	off, auto := serve(t, up.URL, "PITH_MODE=off"), serve(t, up.URL)
	script := scripts(t)
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			direct := talk(t, up, c, up.URL, script[c.sdk])
			if len(direct.requests) != len(script[c.sdk]) || len(direct.responses) != len(script[c.sdk]) {
				t.Fatalf("%d requests and %d responses of %d", len(direct.requests), len(direct.responses),
					len(script[c.sdk]))
			}
			checkReplies(t, script[c.sdk], direct.replies)
			for mode, p := range map[string]*proxy{"off": off, "auto": auto} {
				through := talk(t, up, c, p.URL, script[c.sdk])
				checkRequests(t, mode, direct.requests, through.requests)
				// The count of a shortened prompt is another number, and what the client asked for.
				counts := mode == "off"
				checkEqual(t, mode+": response", direct.answers(counts), through.answers(counts))
				checkEqual(t, mode+": the client's view", direct.views(script[c.sdk], counts),
					through.views(script[c.sdk], counts))
			}
		})
	}
}

// checkReplies makes sure that the script went as it was meant to: a run in which every step fails
// would compare equal as well.
func checkReplies(t *testing.T, script []scriptStep, replies []reply) {
	t.Helper()
	for i, r := range replies {
		body := string(script[i].Body)
		switch refused := strings.Contains(body, `"status-`); {
		case refused != (r.Error != "") || refused != (r.Status >= 400):
			t.Errorf("step %d, %.60s: %+v", i, body, r)
		case !refused && streams(script[i].Body) != (len(r.Events) >= 3):
			t.Errorf("step %d, %.60s: %d events", i, body, len(r.Events))
		}
	}
}

func checkRequests(t *testing.T, mode string, direct, through []recordedRequest) {
	t.Helper()
	if len(direct) != len(through) {
		t.Fatalf("%s: %d requests, direct %d", mode, len(through), len(direct))
	}
	for i, want := range direct {
		got := through[i]
		if got.method != want.method || got.uri != want.uri {
			t.Errorf("%s: request %d is %s %s, direct %s %s", mode, i, got.method, got.uri, want.method, want.uri)
		}
		if mode == "auto" && strings.Contains(want.body, needed) {
			checkCompressed(t, want.body, got.body)
			want.header, got.header = want.header.Clone(), got.header.Clone()
			want.header.Del("Content-Length")
			got.header.Del("Content-Length")
		} else if got.body != want.body {
			t.Errorf("%s: body %d differs:\n%.200s\n%.200s", mode, i, want.body, got.body)
		}
		if a, b := endToEnd(want.header), endToEnd(got.header); a != b {
			t.Errorf("%s: headers of request %d:\n%s\ndirect:\n%s", mode, i, b, a)
		}
	}
}

// answers are the responses; without counts, those that count tokens are left out.
func (d dialogue) answers(counts bool) []string {
	return slices.DeleteFunc(slices.Clone(d.responses),
		func(r string) bool { return !counts && strings.Contains(r, `{"input_tokens": `) })
}

// views are the replies, as text.
func (d dialogue) views(script []scriptStep, counts bool) []string {
	var out []string
	for i, r := range d.replies {
		if counts || script[i].Op != "count" {
			out = append(out, fmt.Sprintf("%+v", r))
		}
	}
	return out
}

// checkEqual compares what came directly with what came through Pith, one by one.
func checkEqual(t *testing.T, what string, direct, through []string) {
	t.Helper()
	if len(direct) != len(through) {
		t.Fatalf("%s: %d, direct %d", what, len(through), len(direct))
	}
	for i := range direct {
		if direct[i] != through[i] {
			t.Errorf("%s %d:\n%s\ndirect:\n%s", what, i, through[i], direct[i])
		}
	}
}

func TestCutUpstreamIsSeenAsCut(t *testing.T) {
	up := newUpstream(t)
	up.cut = true
	p := serve(t, up.URL)
	for _, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			op := map[string]string{"openai": "chat", "anthropic": "messages"}[c.sdk]
			got := c.run(t, c, c.base(p.URL),
				[]scriptStep{
					{
						op,
						json.RawMessage(
							`{"model":"gpt-4o","max_tokens":9,"stream":true,"messages":[{"role":"user",` +
								`"content":"Hello"}]}`),
					},
				})
			if got[0].Error == "" || len(got[0].Events) == 0 {
				t.Errorf("the client took a cut answer for a whole one: %+v", got[0])
			}
		})
	}
}
