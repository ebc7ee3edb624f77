package retrieval

import (
	"cmp"
	"encoding/json"

	"github.com/tidwall/gjson"

	"pith/dialects"
)

// messagesTool words the tool for Anthropic Messages.
func messagesTool() *toolWording {
	return &toolWording{
		definition: `{"name":"` + toolName + `","description":"` + toolDescription +
			`","input_schema":` + toolSchema + `}`,
		turns:   "messages",
		fits:    func(dialects.Object) bool { return true },
		read:    readMessagesTurn,
		replies: messagesReplies,
		join:    joinMessages,
		filter:  func() streamFilter { return &messagesStream{items: items{member: "index"}} },
	}
}

func readMessagesTurn(answer []byte) turn {
	var blocks []string
	for _, b := range gjson.GetBytes(answer, "content").Array() {
		blocks = append(blocks, b.Raw)
	}
	return messagesTurn(blocks, gjson.GetBytes(answer, "stop_reason").Str)
}

// messagesTurn reads the blocks of one answer.
func messagesTurn(blocks []string, stop string) turn {
	t := turn{ended: stop == "tool_use"}
	for _, raw := range blocks {
		switch b := gjson.Parse(raw); {
		case b.Get("type").Str != "tool_use":
		case b.Get("name").Str == toolName:
			t.calls = append(t.calls, toolRequest{b.Get("id").Str, b.Get("input").Raw})
		default:
			t.theirs = true
		}
	}
	t.echo = []string{`{"role":"assistant","content":` + array(blocks) + `}`}
	return t
}

func messagesReplies(t turn, results []string) []string {
	blocks := make([]string, len(results))
	for i, text := range results {
		blocks[i] = `{"type":"tool_result","tool_use_id":` + quoteJSON(t.calls[i].id) +
			`,"content":` + quoteJSON(text) + `}`
	}
	return []string{`{"role":"user","content":` + array(blocks) + `}`}
}

// joinMessages makes one answer of several: the last one's, with the blocks that were shown before
// and the usage of all.
func joinMessages(answers [][]byte) []byte {
	last := string(answers[len(answers)-1])
	var blocks []string
	usage, changed := "", len(answers) > 1
	for i, a := range answers {
		usage = addUsage(usage, gjson.GetBytes(a, "usage").Raw)
		var held []string
		for _, b := range gjson.GetBytes(a, "content").Array() {
			switch placeBlock(b) {
			case placeHidden:
				changed = true
			case placeHeld:
				held = append(held, b.Raw)
			default:
				blocks = append(append(blocks, held...), b.Raw)
				held = nil
			}
		}
		if i == len(answers)-1 {
			blocks = append(blocks, held...)
		}
	}
	if !changed {
		return []byte(last)
	}
	last = setRaw(last, "content", array(blocks))
	if usage != "" {
		last = setRaw(last, "usage", usage)
	}
	if t := readMessagesTurn([]byte(last)); t.ended && !t.theirs {
		last = setRaw(last, "stop_reason", `"end_turn"`)
	}
	return []byte(last)
}

func placeBlock(b gjson.Result) placement {
	switch b.Get("type").Str {
	case "tool_use":
		if b.Get("name").Str == toolName {
			return placeHidden
		}
	case "thinking", "redacted_thinking":
		return placeHeld
	}
	return placeShown
}

// A messagesStream filters the events of a message.
type messagesStream struct {
	items
	// spent is the usage of earlier rounds, "" in the first.
	spent string
	usage string
	stop  string
	// ends are the events behind the blocks of a round with calls of our tool.
	ends []string
}

func (s *messagesStream) take(e event) (out []byte, end *turn) {
	kind := gjson.Get(e.data, "type").Str
	switch kind {
	case "message_start":
		s.usage = gjson.Get(e.data, "message.usage").Raw
		if s.spent != "" {
			return nil, nil
		}
		return e.raw, nil
	case "content_block_start":
		b := gjson.Get(e.data, "content_block")
		s.begin(gjson.Get(e.data, "index").Int(), b.Raw, placeBlock(b))
	case "content_block_delta":
		s.gather(e.data)
	case "content_block_stop":
	case "message_delta", "message_stop":
		return s.end(e, kind)
	default: // pings, errors, what may come
		return e.raw, nil
	}
	return emit(e, s.route(e.data)), nil
}

// emit writes events; one that is as it came goes out as it came.
func emit(e event, events []string) []byte {
	if len(events) == 1 && events[0] == e.data {
		return e.raw
	}
	var out []byte
	for _, data := range events {
		out = append(out, named(gjson.Get(data, "type").Str, data)...)
	}
	return out
}

// end takes the events behind the last block.
func (s *messagesStream) end(e event, kind string) (out []byte, end *turn) {
	data := e.data
	if kind == "message_delta" {
		s.usage = overlay(s.usage, gjson.Get(data, "usage").Raw)
		s.stop = gjson.Get(data, "delta.stop_reason").Str
		if s.spent != "" {
			data = setRaw(data, "usage", addUsage(s.spent, s.usage))
		}
	}
	if !s.asked() {
		return emit(e, append(s.release(), data)), nil
	}
	s.ends = append(s.ends, data)
	if kind == "message_delta" {
		return nil, nil
	}
	t := messagesTurn(s.blocks(), s.stop)
	return nil, &t
}

// deltaMembers are the members of a block that grow by deltas, and those of the deltas that they
// grow by.
var deltaMembers = map[string]string{
	"text": "text", "thinking": "thinking", "signature": "signature", "input": "partial_json",
}

// gather adds a delta to its block.
func (s *messagesStream) gather(data string) {
	it := s.byIndex[gjson.Get(data, "index").Int()]
	if it == nil {
		return
	}
	delta := gjson.Get(data, "delta")
	for member, source := range deltaMembers {
		if v := delta.Get(source); v.Exists() {
			it.parts[member] = append(it.parts[member], v.Str...)
		}
	}
	if v := delta.Get("citation"); v.Exists() {
		it.citations = append(it.citations, v.Raw)
	}
}

// blocks are the round's blocks as a whole answer has them.
func (s *messagesStream) blocks() []string {
	list := make([]string, len(s.order))
	for i, it := range s.order {
		list[i] = it.raw
		if len(it.citations) > 0 {
			all := append(rawsOf(gjson.Get(it.raw, "citations")), it.citations...)
			list[i] = setRaw(list[i], "citations", array(all))
		}
		for member, part := range it.parts {
			switch {
			case member != "input":
				list[i] = setRaw(list[i], member, quoteJSON(string(part)))
			case json.Valid(part):
				list[i] = setRaw(list[i], member, string(part))
			}
		}
	}
	return list
}

func (s *messagesStream) close(hidden bool) []byte {
	var out []byte
	if hidden {
		s.spent = addUsage(cmp.Or(s.spent, "{}"), cmp.Or(s.usage, "{}"))
	} else {
		theirs := messagesTurn(s.blocks(), s.stop).theirs
		for _, data := range append(s.release(), s.ends...) {
			if !theirs && gjson.Get(data, "delta.stop_reason").Str == "tool_use" {
				data = setRaw(data, "delta.stop_reason", `"end_turn"`)
			}
			out = append(out, named(gjson.Get(data, "type").Str, data)...)
		}
	}
	s.next()
	s.usage, s.stop, s.ends = "", "", nil
	return out
}
