package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

var messagesWire = wire{
	name: "messages", path: "/v1/messages", turns: "messages",
	request: func(user string, stream bool) string {
		return fmt.Sprintf(
			`{"model":"claude-sonnet-4-5","stream":%v,"messages":[{"role":"user","content":%s}],`+
				`"tools":[{"name":"Read","input_schema":{}}]}`,
			stream,
			quote(user),
		)
	},
	whole: func(n int, r round) string {
		return fmt.Sprintf(
			`{"id":"id%d","type":"message","content":[%s],"stop_reason":%q,"usage":{"input_tokens":%d,`+
				`"output_tokens":5}}`,
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
	readWhole: func(body string) clientView {
		s := clientView{
			finish: gjson.Get(body, "stop_reason").Str,
			input:  gjson.Get(body, "usage.input_tokens").Int(),
			output: gjson.Get(body, "usage.output_tokens").Int(),
		}
		for _, b := range gjson.Get(body, "content").Array() {
			s.thinks += b.Get("thinking").Str
			s.says += b.Get("text").Str
			if b.Get("type").Str == "tool_use" {
				s.calls = append(s.calls, toolUse{b.Get("id").Str, b.Get("name").Str, b.Get("input").Raw})
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

func readMessageEvents(t *testing.T, body string) (s clientView) {
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
				s.calls = append(s.calls, toolUse{id: b.Get("id").Str, name: b.Get("name").Str})
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
