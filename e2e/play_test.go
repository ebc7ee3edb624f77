package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
	"github.com/tidwall/gjson"
)

// A playStep is one answer of a scripted model: a call of one of the client's tools, or words. An
// agent plays its steps one after another, whatever it is told.
type playStep struct {
	tool string
	args string // JSON, or plain text where the tool takes that
	free bool   // the tool takes plain text
	ends bool   // the call ends the agent, which sends no result back
	cuts bool   // the client may lose the end of what the tool returns
	says string
}

// A play is an API that speaks all dialects, over HTTP and over WebSocket, and plays steps. It
// keeps what reached it.
type play struct {
	URL string
	t   *testing.T

	mu sync.Mutex
	received
	steps   []playStep
	next    int
	sockets int
	answers int
}

// What was received of a client's tools, from request to request.
type received struct {
	// plain says that the client has no tools: each request takes a step, and the user's turns in
	// it are kept as if they were the result of a call.
	plain bool
	turns int
	// results are the texts of tools' results by the id of their call, as they came first.
	results map[string]string
	// rewritten names the results that came again with other bytes.
	rewritten []string
}

// note takes in a request.
func (r *received) note(body []byte) {
	for id, text := range resultsOf(body) {
		if before, seen := r.results[id]; seen && before != text {
			r.rewritten = append(r.rewritten, id)
			continue
		}
		r.results[id] = text
	}
	if r.plain {
		r.turns++
		r.results[fmt.Sprintf("call_%02d", r.turns)] = userTurns(body)
	}
}

func newPlay(t *testing.T, steps []playStep, plain bool) *play {
	p := &play{t: t, steps: steps, received: received{plain: plain, results: map[string]string{}}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

func (p *play) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		p.socket(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	stream := gjson.GetBytes(body, "stream").Bool()
	var events []string
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/responses"):
		events = p.responses(body)
	case strings.HasSuffix(path, "/v1/messages"):
		events = p.messages(body, stream)
	case strings.HasSuffix(path, "/chat/completions"):
		events = p.chat(body, stream)
	case strings.HasSuffix(path, "/count_tokens"):
		events = []string{`{"input_tokens":1000}`}
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if !stream {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, events[len(events)-1])
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for _, e := range events {
		if kind := gjson.Get(e, "type").Str; kind != "" {
			fmt.Fprintf(w, "event: %s\n", kind)
		}
		fmt.Fprintf(w, "data: %s\n\n", e)
	}
}

func (p *play) socket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionContextTakeover})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	p.mu.Lock()
	p.sockets++
	p.mu.Unlock()
	for {
		_, data, err := c.Read(r.Context())
		if err != nil {
			return
		}
		for _, e := range p.responses(data) {
			if err := c.Write(r.Context(), websocket.MessageText, []byte(e)); err != nil {
				return
			}
		}
	}
}

// take records the results in a request and returns the next step with the id of its call. A
// request without tools is a title or a probe, and takes no step.
func (p *play) take(body []byte) (playStep, string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(body)
	asks := p.plain || len(gjson.GetBytes(body, "tools").Array()) > 0 ||
		gjson.GetBytes(body, "previous_response_id").Exists()
	if !asks || p.next == len(p.steps) {
		return playStep{says: "Fine."}, ""
	}
	p.next++
	return p.steps[p.next-1], fmt.Sprintf("call_%02d", p.next)
}

// resultsOf lists the texts of tools' results in a request of any dialect by the id of their call.
func resultsOf(body []byte) map[string]string {
	out := map[string]string{}
	for _, item := range gjson.GetBytes(body, "input").Array() {
		if strings.HasSuffix(item.Get("type").Str, "_output") {
			out[item.Get("call_id").Str] = textOf(item.Get("output"))
		}
	}
	for _, m := range gjson.GetBytes(body, "messages").Array() {
		if m.Get("role").Str == "tool" {
			out[m.Get("tool_call_id").Str] = textOf(m.Get("content"))
		}
		for _, b := range m.Get("content").Array() {
			if b.Get("type").Str == "tool_result" {
				out[b.Get("tool_use_id").Str] = textOf(b.Get("content"))
			}
		}
	}
	return out
}

// userTurns joins the texts of the user's turns in a request.
func userTurns(body []byte) string {
	var all []string
	for _, m := range gjson.GetBytes(body, "messages").Array() {
		if m.Get("role").Str == "user" {
			all = append(all, textOf(m.Get("content")))
		}
	}
	return strings.Join(all, "\n")
}

func textOf(v gjson.Result) string {
	if !v.IsArray() {
		return v.Str
	}
	var all []string
	for _, part := range v.Array() {
		all = append(all, part.Get("text").Str)
	}
	return strings.Join(all, "\n")
}

func jsonOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type object = map[string]any

// responses are the events of an answer of the Responses API; the last one has the whole of it.
func (p *play) responses(body []byte) []string {
	p.mu.Lock()
	p.answers++
	id := fmt.Sprintf("resp_%d", p.answers)
	p.mu.Unlock()
	var item object
	if gjson.GetBytes(body, "generate").Type != gjson.False {
		s, call := p.take(body)
		switch {
		case s.says != "":
			item = object{
				"type": "message", "id": "msg_" + id, "role": "assistant", "status": "completed",
				"content": []object{{"type": "output_text", "text": s.says, "annotations": []string{}}},
			}
		case s.free:
			item = object{
				"type": "custom_tool_call", "id": "ctc_" + call, "call_id": call, "name": s.tool,
				"input": s.args, "status": "completed",
			}
		default:
			item = object{
				"type": "function_call", "id": "fc_" + call, "call_id": call, "name": s.tool,
				"arguments": s.args, "status": "completed",
			}
		}
	}
	response := object{"id": id, "object": "response", "status": "in_progress", "output": []object{}}
	events := []string{jsonOf(object{"type": "response.created", "response": response})}
	output := []object{}
	if item != nil {
		events = append(events, jsonOf(object{"type": "response.output_item.added", "output_index": 0, "item": item}),
			jsonOf(object{"type": "response.output_item.done", "output_index": 0, "item": item}))
		output = append(output, item)
	}
	return append(events, jsonOf(object{"type": "response.completed", "response": object{
		"id": id, "object": "response", "status": "completed", "output": output,
		"usage": object{"input_tokens": 1000, "output_tokens": 10, "total_tokens": 1010},
	}}))
}

// messages are the events of an answer of the Messages API, or the answer in one piece.
func (p *play) messages(body []byte, stream bool) []string {
	s, call := p.take(body)
	block, stop := object{"type": "text", "text": s.says}, "end_turn"
	delta := object{"type": "text_delta", "text": s.says}
	start := object{"type": "text", "text": ""}
	if s.tool != "" {
		block, stop = object{"type": "tool_use", "id": call, "name": s.tool, "input": json.RawMessage(s.args)},
			"tool_use"
		delta = object{"type": "input_json_delta", "partial_json": s.args}
		start = object{"type": "tool_use", "id": call, "name": s.tool, "input": object{}}
	}
	message := object{
		"id": "msg_" + call, "type": "message", "role": "assistant", "model": gjson.GetBytes(body, "model").Str,
		"content": []object{block}, "stop_reason": stop, "usage": object{"input_tokens": 1000, "output_tokens": 10},
	}
	if !stream {
		return []string{jsonOf(message)}
	}
	message["content"], message["stop_reason"] = []object{}, nil
	return []string{
		jsonOf(object{"type": "message_start", "message": message}),
		jsonOf(object{"type": "content_block_start", "index": 0, "content_block": start}),
		jsonOf(object{"type": "content_block_delta", "index": 0, "delta": delta}),
		jsonOf(object{"type": "content_block_stop", "index": 0}),
		jsonOf(
			object{
				"type": "message_delta", "delta": object{"stop_reason": stop},
				"usage": object{"output_tokens": 10},
			}),
		jsonOf(object{"type": "message_stop"}),
	}
}

// chat are the chunks of a chat completion, or the completion in one piece.
func (p *play) chat(body []byte, stream bool) []string {
	s, call := p.take(body)
	message, finish := object{"role": "assistant", "content": s.says}, "stop"
	if s.tool != "" {
		message = object{"role": "assistant", "content": nil, "tool_calls": []object{{
			"index": 0, "id": call, "type": "function", "function": object{"name": s.tool, "arguments": s.args},
		}}}
		finish = "tool_calls"
	}
	answer := func(kind string, choices []object, more object) string {
		out := object{
			"id": "chatcmpl-" + call, "object": kind, "created": 1, "model": gjson.GetBytes(body, "model").Str,
			"choices": choices,
		}
		maps.Copy(out, more)
		return jsonOf(out)
	}
	usage := object{"usage": object{"prompt_tokens": 1000, "completion_tokens": 10, "total_tokens": 1010}}
	if !stream {
		whole := []object{{"index": 0, "message": message, "finish_reason": finish}}
		return []string{answer("chat.completion", whole, usage)}
	}
	// As the API does, usage comes in a chunk of its own: Continue takes no words from one that has
	// it.
	chunk := func(delta object, reason any) string {
		return answer("chat.completion.chunk", []object{{"index": 0, "delta": delta, "finish_reason": reason}}, nil)
	}
	return []string{
		chunk(message, nil), chunk(object{}, finish), answer("chat.completion.chunk", []object{}, usage), "[DONE]",
	}
}
