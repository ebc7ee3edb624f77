package proxy_test

import (
	"strings"
	"testing"
)

const (
	eventStream = "text/event-stream; charset=utf-8"
	plainJSON   = "application/json"

	// A model may write what looks like usage, in text, in keys and in arguments.
	bait = `say \"usage\":{\"prompt_tokens\":7000,\"input_tokens\":7000}`

	chatAnswer = `{"id":"x","choices":[{"message":{"content":"` + bait + `","usage":{"prompt_tokens":9000}}}],` +
		`"usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":60},` +
		`"total_tokens":120}}`
	chatEvents = "data: {\"choices\":[{\"delta\":{\"content\":\"" + bait + "\"}}],\"usage\":null}\n\n" +
		": a comment\n\n" +
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20," +
		"\"prompt_tokens_details\":{\"cached_tokens\":60}}}\n\n" +
		"data: [DONE]\n\n"
	completionAnswer = `{"choices":[{"text":"x"}],"usage":{"prompt_tokens":100,"completion_tokens":20}}`
	responsesAnswer  = `{"output":[{"usage":{"input_tokens":1}}],"usage":{"input_tokens":100,` +
		`"input_tokens_details":{"cached_tokens":60},` +
		`"output_tokens":20,"output_tokens_details":{"reasoning_tokens":5}}}`
	messagesAnswer = `{"content":[{"type":"tool_use","input":{"usage":{"input_tokens":5000}}}],` +
		`"usage":{"input_tokens":30,"cache_read_input_tokens":60,"cache_creation_input_tokens":10,` +
		`"output_tokens":20,"cache_creation":{"ephemeral_5m_input_tokens":10}}}`
	messagesEvents = "event: message_start\r\ndata: {\"type\":\"message_start\"," +
		"\"message\":{\"usage\":{\"input_tokens\":30,\"cache_read_input_tokens\":60," +
		"\"cache_creation_input_tokens\":10,\"output_tokens\":1}}}\r\n\r\n" +
		"event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\"," +
		"\"delta\":{\"text\":\"" + bait + "\"}}\r\n\r\n" +
		"event: message_delta\r\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":20}}\r\n\r\n"
)

// responsesEvents ends with an event that repeats the whole answer.
func responsesEvents(text string) string {
	return "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n" +
		"event: response.completed\ndata: {\"type\":\"response.completed\"," +
		"\"response\":{\"output\":[{\"text\":\"" + text + "\"}]," +
		"\"usage\":{\"input_tokens\":100,\"input_tokens_details\":{\"cached_tokens\":60},\"output_tokens\":20}}}\n\n"
}

// Usage is read from the answers of all dialects, whole and streamed, however they are cut, and the
// answer is not changed.
func TestUsageIsRead(t *testing.T) {
	const chat, completions = "/v1/chat/completions", "/v1/completions"
	const responses, messages = "/v1/responses", "/v1/messages"
	tests := []struct {
		name, path string
		answerer
		outcome                    string
		input, read, write, output float64
	}{
		{"chat", chat, answerer{contentType: plainJSON, body: []byte(chatAnswer)}, "reported", 40, 60, 0, 20},
		{
			"chat stream",
			chat,
			answerer{contentType: eventStream, body: []byte(chatEvents), step: 7},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"chat stream byte by byte",
			chat,
			answerer{contentType: eventStream, body: []byte(chatEvents), step: 1},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"chat gzip",
			chat,
			answerer{contentType: plainJSON, encoding: "gzip", body: gzipped([]byte(chatAnswer))},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"chat stream gzip",
			chat,
			answerer{contentType: eventStream, encoding: "gzip", body: gzipped([]byte(chatEvents)), step: 11},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"chat zstd",
			chat,
			answerer{contentType: plainJSON, encoding: "zstd", body: zstded([]byte(chatAnswer))},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"chat brotli",
			chat,
			answerer{contentType: plainJSON, encoding: "br", body: []byte("whatever")},
			"encoding",
			0,
			0,
			0,
			0,
		},
		{
			"chat gzip cut",
			chat,
			answerer{contentType: plainJSON, encoding: "gzip", body: gzipped([]byte(chatAnswer))[:20]},
			"absent",
			0,
			0,
			0,
			0,
		},
		{"chat without", chat, answerer{contentType: plainJSON, body: []byte(`{"choices":[]}`)}, "absent", 0, 0, 0, 0},
		{
			"chat null",
			chat,
			answerer{contentType: plainJSON, body: []byte(`{"usage":null,"x":{"prompt_tokens":3}}`)},
			"absent",
			0,
			0,
			0,
			0,
		},
		{
			"chat of nonsense",
			chat,
			answerer{
				contentType: plainJSON,
				body: []byte(
					`{"usage":{"prompt_tokens":-4,"completion_tokens":1e300,"prompt_tokens_details":[]}}`,
				),
			},
			"reported",
			0,
			0,
			0,
			0,
		},
		{
			"chat more cached than sent",
			chat,
			answerer{
				contentType: plainJSON,
				body:        []byte(`{"usage":{"prompt_tokens":4,"prompt_tokens_details":{"cached_tokens":9}}}`),
			},
			"reported",
			0,
			4,
			0,
			0,
		},
		{"no JSON", chat, answerer{contentType: plainJSON, body: []byte(`}}}"usage":{]`)}, "absent", 0, 0, 0, 0},
		{
			"completions",
			completions,
			answerer{contentType: plainJSON, body: []byte(completionAnswer)},
			"reported",
			100,
			0,
			0,
			20,
		},
		{
			"responses",
			responses,
			answerer{contentType: plainJSON, body: []byte(responsesAnswer)},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"responses stream",
			responses,
			answerer{contentType: eventStream, body: []byte(responsesEvents(bait)), step: 13},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"responses huge event",
			responses,
			answerer{contentType: eventStream, body: []byte(responsesEvents(strings.Repeat("text ", 1<<19)))},
			"reported",
			40,
			60,
			0,
			20,
		},
		{
			"messages",
			messages,
			answerer{contentType: plainJSON, body: []byte(messagesAnswer)},
			"reported",
			30,
			60,
			10,
			20,
		},
		{
			"messages stream",
			messages,
			answerer{contentType: eventStream, body: []byte(messagesEvents), step: 5},
			"reported",
			30,
			60,
			10,
			20,
		},
		{
			"messages stream gzip",
			messages,
			answerer{contentType: eventStream, encoding: "gzip", body: gzipped([]byte(messagesEvents))},
			"reported",
			30,
			60,
			10,
			20,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := startCounted(t, tt.answerer, nil)
			_, got := post(t, c.client, c.url+tt.path, `{"model":"m","messages":[{"role":"user","content":"Hi"}]}`)
			if got != string(tt.body) {
				t.Errorf("the answer was changed: %.80q", got)
			}
			eventually(t, func() bool { return c.metric(t, "pith_usage_total") == 1 })
			if c.metric(t, "pith_usage_total", "usage="+tt.outcome) != 1 {
				t.Errorf("usage was not %s: %s", tt.outcome, c.log)
			}
			for kind, want := range map[string]float64{
				"input": tt.input, "cache_read": tt.read, "cache_write": tt.write, "output": tt.output,
			} {
				if n := c.metric(t, "pith_tokens_total", "kind="+kind, "model=other", "arm=treated"); n != want {
					t.Errorf("%s = %v tokens, want %v", kind, n, want)
				}
			}
		})
	}
}

// An encoded answer is kept up to a bound; beyond it passes like any other.
func TestLongEncodedAnswers(t *testing.T) {
	body := make([]byte, 1<<20) // what it holds is not looked at
	c := startCounted(t, answerer{contentType: plainJSON, encoding: "gzip", body: body}, nil)
	if _, got := post(t, c.client, c.url+"/v1/chat/completions", userChat("Hi")); len(got) != len(body) {
		t.Errorf("got %d bytes of %d", len(got), len(body))
	}
	eventually(t, func() bool { return c.metric(t, "pith_usage_total", "usage=too-long") == 1 })
}

// Errors and paths that cost nothing have no usage.
func TestNothingIsCountedForErrors(t *testing.T) {
	for _, tt := range []struct {
		path   string
		status int
	}{{"/v1/chat/completions", 429}, {"/v1/messages/count_tokens", 200}, {"/v1/models", 200}} {
		c := startCounted(t, answerer{contentType: plainJSON, status: tt.status, body: []byte(chatAnswer)}, nil)
		post(t, c.client, c.url+tt.path, userChat("Why?\n```go\n"+source(30)+"```"))
		post(t, c.client, c.url+"/v1/chat/completions", userChat("Hi"), "X-Pith-Mode", "preview")
		post(t, c.client, c.url+"/v1/chat/completions", userChat("Hi"), "X-Pith-Mode", "off")
		eventually(t, func() bool { return c.metric(t, "pith_requests_total") == 3 })
		if n := c.metric(
			t,
			"pith_answers_total",
			"outcome=error",
		); n != c.metric(t, "pith_answers_total") ||
			(n == 1) != (tt.status == 429) {
			t.Errorf("%s %d: %v errors among the answers", tt.path, tt.status, n)
		}
		for _, name := range []string{"pith_tokens_total", "pith_omitted_tokens_total", "pith_usage_total"} {
			if n := c.metric(t, name); n != 0 {
				t.Errorf("%s %d: %s = %v", tt.path, tt.status, name, n)
			}
		}
	}
}
