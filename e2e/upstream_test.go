package e2e

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const answer = "It closes the idle ones."

// A scriptedAPI plays the LLM API. It records what it got and answers every chat completion and
// message with the same words, or with the error, the tool call or the encoding that the name of
// the model asks for ("status-429", "tool-x", "gzip-x").
type scriptedAPI struct {
	URL string

	mu  sync.Mutex
	got []recordedRequest
	// cut makes a stream end in the middle, without its last chunk.
	cut bool
	// hang makes a stream stay open after its first event until the client leaves; gone reports
	// that.
	hang bool
	gone chan struct{}
}

// A recordedRequest is a request as it reached the upstream.
type recordedRequest struct {
	method, uri string
	header      http.Header
	body        string
}

func newUpstream(t *testing.T) *scriptedAPI {
	u := &scriptedAPI{gone: make(chan struct{}, 1)}
	s := httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(s.Close)
	u.URL = s.URL
	return u
}

// last returns the newest recorded body.
func (u *scriptedAPI) last(t *testing.T) string {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.got) == 0 {
		t.Fatal("nothing reached the upstream")
	}
	return u.got[len(u.got)-1].body
}

func (u *scriptedAPI) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.got)
}

// take returns the requests that carried key, in order, and forgets them.
func (u *scriptedAPI) take(key string) []recordedRequest {
	u.mu.Lock()
	defer u.mu.Unlock()
	var taken, left []recordedRequest
	for _, r := range u.got {
		if r.header.Get("Authorization") == "Bearer "+key || r.header.Get("X-Api-Key") == key {
			taken = append(taken, r)
		} else {
			left = append(left, r)
		}
	}
	u.got = left
	return taken
}

func (u *scriptedAPI) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	u.mu.Lock()
	u.got = append(u.got, recordedRequest{r.Method, r.RequestURI, r.Header.Clone(), string(body)})
	cut, hang := u.cut, u.hang
	u.mu.Unlock()

	h := w.Header()
	h.Set("Date", "Mon, 02 Jan 2006 15:04:05 GMT")
	h.Set("X-Request-Id", "req_e2e")
	h.Set("Content-Type", "application/json")
	ask := gjson.ParseBytes(body)
	kind, arg, _ := strings.Cut(ask.Get("model").Str, "-")
	if kind == "status" {
		u.refuse(w, r, arg)
		return
	}
	words := openAIWords
	if strings.HasPrefix(r.URL.Path, "/v1/messages") {
		words = anthropicWords
	}
	name := "text"
	if kind == "tool" {
		name = "tool"
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/count_tokens"):
		fmt.Fprintf(w, `{"input_tokens": %d}`, len(body))
	case r.Method == http.MethodGet:
		io.WriteString(w, `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":1,"owned_by":"e2e"}]}`)
	case ask.Get("stream").Bool():
		u.stream(w, r, words.events[name], cut, hang)
	case kind == "gzip":
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		io.WriteString(z, words.whole[name])
		_ = z.Close()
	default:
		io.WriteString(w, words.whole[name])
	}
}

// refuse answers with an error as the two providers word it.
func (u *scriptedAPI) refuse(w http.ResponseWriter, r *http.Request, code string) {
	status, err := strconv.Atoi(code)
	if err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Retry-After", "7")
	w.Header().Set("X-RateLimit-Remaining-Requests", "0")
	w.WriteHeader(status)
	if strings.HasPrefix(r.URL.Path, "/v1/messages") {
		fmt.Fprintf(w, `{"type":"error","error":{"type":"e2e_error","message":"you asked for `+
			`%d"},"request_id":"req_e2e"}`, status)
		return
	}
	fmt.Fprintf(w, `{"error":{"message":"you asked for %d","type":"e2e_error","param":null,"code":"e2e"}}`, status)
}

// stream sends events one by one; an event is all that stands between two blank lines.
func (u *scriptedAPI) stream(w http.ResponseWriter, r *http.Request, events []string, cut, hang bool) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	flush := http.NewResponseController(w).Flush
	for i, event := range events {
		io.WriteString(w, event+"\n\n")
		_ = flush()
		if i == 1 && cut {
			panic(http.ErrAbortHandler)
		}
		if i == 0 && hang {
			select {
			case <-r.Context().Done():
				u.gone <- struct{}{}
			case <-time.After(time.Minute):
			}
			return
		}
	}
}

// cannedAnswers are what one provider answers: a text or a tool call, whole or as events.
type cannedAnswers struct {
	whole  map[string]string
	events map[string][]string
}

var openAIWords = cannedAnswers{
	whole: map[string]string{
		"text": fmt.Sprintf(
			`{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,`+
				`"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,`+
				`"completion_tokens":1,"total_tokens":2}}`, answer),
		"tool": `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,` +
			`"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",` +
			`"function":{"name":"read_file","arguments":"{\"path\": \"a.go\"}"}}]},"finish_reason":"tool_calls"}]}`,
	},
	events: map[string][]string{
		"text": openAIEvents(),
		"tool": {
			openAIEvent(
				`{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function",`+
					`"function":{"name":"read_file","arguments":"{\"pa"}}]}`, "null"),
			openAIEvent(`{"tool_calls":[{"index":0,"function":{"arguments":"th\": \"a.go\"}"}}]}`, "null"),
			openAIEvent(`{}`, `"tool_calls"`), "data: [DONE]",
		},
	},
}

func openAIEvents() []string {
	var out []string
	for _, word := range strings.SplitAfter(answer, " ") {
		out = append(out, openAIEvent(fmt.Sprintf(`{"content":%q}`, word), "null"))
	}
	return append(out, openAIEvent(`{}`, `"stop"`), "data: [DONE]")
}

func openAIEvent(delta, finish string) string {
	return `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,` +
		`"delta":` + delta + `,"finish_reason":` + finish + `}]}`
}

var anthropicWords = cannedAnswers{
	whole: map[string]string{
		"text": anthropicMessage(fmt.Sprintf(`{"type":"text","text":%q}`, answer), `"end_turn"`),
		"tool": anthropicMessage(`{"type":"tool_use","id":"toolu_1","name":"Read","input":{"file_path":"a.go"}}`,
			`"tool_use"`),
	},
	events: map[string][]string{
		"text": anthropicEvents(`{"type":"text","text":""}`, `"end_turn"`, `{"type":"text_delta","text":"It closes "}`,
			`{"type":"text_delta","text":"the idle ones."}`),
		"tool": anthropicEvents(`{"type":"tool_use","id":"toolu_1","name":"Read","input":{}}`, `"tool_use"`,
			`{"type":"input_json_delta","partial_json":"{\"file_path\":"}`,
			`{"type":"input_json_delta","partial_json":" \"a.go\"}"}`),
	},
}

func anthropicMessage(content, stop string) string {
	return `{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[` + content +
		`],"stop_reason":` + stop +
		`,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`
}

func anthropicEvents(block, stop string, deltas ...string) []string {
	event := func(kind, rest string) string {
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}", kind, kind, rest)
	}
	out := []string{
		event("message_start",
			`,"message":{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],`+
				`"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`),
		event("content_block_start", `,"index":0,"content_block":`+block), event("ping", ""),
	}
	for _, delta := range deltas {
		out = append(out, event("content_block_delta", `,"index":0,"delta":`+delta))
	}
	return append(out, event("content_block_stop", `,"index":0`),
		event("message_delta", `,"delta":{"stop_reason":`+stop+`,"stop_sequence":null},"usage":{"output_tokens":7}`),
		event("message_stop", ""))
}
