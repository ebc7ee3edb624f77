package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

var responsesWire = wire{
	name: "responses", path: "/v1/responses", turns: "input",
	request: func(user string, stream bool) string {
		return fmt.Sprintf(
			`{"model":"gpt-5","store":false,"stream":%v,"input":[{"role":"user","content":%s}],`+
				`"tools":[{"type":"function","name":"Read"}]}`,
			stream,
			quote(user),
		)
	},
	whole: func(n int, r round) string { return response(n, r, true) },
	events: func(n int, r round) []string {
		seq := 0
		var out []string
		add := func(format string, args ...any) {
			data := fmt.Sprintf(format, args...)
			data = data[:len(data)-1] + fmt.Sprintf(`,"sequence_number":%d}`, seq)
			seq++
			out = append(out, typed("%s", data))
		}
		add(`{"type":"response.created","response":%s}`, response(n, round{}, false))
		add(`{"type":"response.in_progress","response":%s}`, response(n, round{}, false))
		for i, raw := range responseItems(n, r) {
			add(`{"type":"response.output_item.added","output_index":%d,"item":%s}`, i, raw)
			it := gjson.Parse(raw)
			for _, p := range pieces(it.Get("content.0.text").Str) {
				if p != "" {
					add(`{"type":"response.output_text.delta","output_index":%d,"delta":%s}`, i, quote(p))
				}
			}
			for _, p := range pieces(it.Get("arguments").Str) {
				if p != "" {
					add(`{"type":"response.function_call_arguments.delta","output_index":%d,"delta":%s}`, i, quote(p))
				}
			}
			add(`{"type":"response.output_item.done","output_index":%d,"item":%s}`, i, raw)
		}
		kind := "response.completed"
		if r.finish != "" {
			kind = "response.incomplete"
		}
		add(`{"type":%q,"response":%s}`, kind, response(n, r, true))
		return out
	},
	readWhole:  readResponse,
	readEvents: readResponseEvents,
}

func responseItems(n int, r round) (list []string) {
	if r.thinks != "" {
		list = append(
			list,
			fmt.Sprintf(
				`{"type":"reasoning","id":"rs%d","encrypted_content":"x","summary":[{"type":"summary_text",`+
					`"text":%s}]}`,
				n,
				quote(r.thinks),
			),
		)
	}
	if r.says != "" {
		list = append(
			list,
			fmt.Sprintf(
				`{"type":"message","id":"msg%d","role":"assistant","content":[{"type":"output_text","text":%s}]}`,
				n,
				quote(r.says),
			),
		)
	}
	for _, c := range r.calls {
		list = append(
			list,
			fmt.Sprintf(
				`{"type":"function_call","id":"fc_%s","call_id":%q,"name":%q,"arguments":%s}`,
				c.id,
				c.id,
				c.name,
				quote(c.args),
			),
		)
	}
	return list
}

// response repeats the tools of its request, as the API does.
func response(n int, r round, whole bool) string {
	status, usage := "in_progress", "null"
	if whole {
		status, usage = ended(r, "completed", "completed"), fmt.Sprintf(`{"input_tokens":%d,"output_tokens":5}`, 100+n)
	}
	return fmt.Sprintf(
		`{"id":"id%d","object":"response","created_at":%d,"status":%q,"store":false,"output":[%s],`+
			`"tools":[{"type":"function","name":"Read"},{"type":"function","name":"pith_retrieve"}],"usage":%s}`,
		n,
		n,
		status,
		strings.Join(responseItems(n, r), ","),
		usage,
	)
}

func readResponse(body string) clientView {
	s := clientView{
		finish: gjson.Get(body, "status").Str,
		input:  gjson.Get(body, "usage.input_tokens").Int(),
		output: gjson.Get(body, "usage.output_tokens").Int(),
	}
	for _, it := range gjson.Get(body, "output").Array() {
		s.thinks += it.Get("summary.0.text").Str
		s.says += it.Get("content.0.text").Str
		if it.Get("type").Str == "function_call" {
			s.calls = append(s.calls, toolUse{it.Get("call_id").Str, it.Get("name").Str, it.Get("arguments").Str})
		}
	}
	return s
}

func readResponseEvents(t *testing.T, body string) (s clientView) {
	says, args, id, next := "", "", "", int64(0)
	for i, data := range dataOf(body) {
		if n := gjson.Get(data, "sequence_number").Int(); n != int64(i) {
			t.Errorf("event %d has the number %d", i, n)
		}
		if r := gjson.Get(data, "response.id"); r.Exists() {
			if id != "" && r.Str != id {
				t.Errorf("id %s after %s", r.Str, id)
			}
			id = r.Str
		}
		index := gjson.Get(data, "output_index")
		switch gjson.Get(data, "type").Str {
		case "response.output_item.added":
			if index.Int() != next {
				t.Errorf("item %d, want %d", index.Int(), next)
			}
			next++
		case "response.output_text.delta":
			says += gjson.Get(data, "delta").Str
		case "response.function_call_arguments.delta":
			args += gjson.Get(data, "delta").Str
		case "response.completed", "response.incomplete":
			s = readResponse(gjson.Get(data, "response").Raw)
		}
		if index.Exists() && index.Int() != next-1 {
			t.Errorf("event for item %d, %d is open", index.Int(), next-1)
		}
	}
	all := ""
	for _, c := range s.calls {
		all += c.args
	}
	if says != s.says || args != all {
		t.Errorf("streamed %q %q, at the end %q %q", says, args, s.says, all)
	}
	return s
}
