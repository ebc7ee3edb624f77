package retrieval

import (
	"cmp"

	"github.com/tidwall/gjson"

	"pith/dialects"
)

// responsesTool words the tool for OpenAI Responses.
func responsesTool() *toolWording {
	return &toolWording{
		definition: `{"type":"function","name":"` + toolName + `","description":"` + toolDescription +
			`","parameters":` + toolSchema + `,"strict":false}`,
		turns:   "input",
		fits:    fitsResponses,
		read:    readResponsesTurn,
		replies: responsesReplies,
		join:    joinResponses,
		filter:  func() streamFilter { return &responsesStream{items: items{member: "output_index"}} },
	}
}

// fitsResponses leaves alone what the provider goes on with by itself. A stream shows the id of its
// first round; were that kept at the provider, the client's previous_response_id would name an
// answer that still waits for our tool.
func fitsResponses(o dialects.Object) bool {
	forgotten := o["store"].Type == gjson.False
	input := o["input"]
	return !o.True("background") && !o["conversation"].Exists() && (forgotten || !o.True("stream")) &&
		(input.IsArray() || input.Type == gjson.String)
}

// clientItems are what a client has to answer beside calls of its functions.
var clientItems = map[string]bool{
	"function_call":        true,
	"custom_tool_call":     true,
	"computer_call":        true,
	"local_shell_call":     true,
	"shell_call":           true,
	"apply_patch_call":     true,
	"mcp_approval_request": true,
}

func placeItem(it gjson.Result) placement {
	switch it.Get("type").Str {
	case "function_call":
		if it.Get("name").Str == toolName {
			return placeHidden
		}
	case "reasoning":
		return placeHeld
	}
	return placeShown
}

func readResponsesTurn(answer []byte) turn {
	var list []string
	for _, it := range gjson.GetBytes(answer, "output").Array() {
		list = append(list, it.Raw)
	}
	return responsesTurn(
		list,
		gjson.GetBytes(answer, "status").Str,
		gjson.GetBytes(answer, "store").Type == gjson.False,
	)
}

// responsesTurn reads the items of one answer. Reasoning that the provider has not kept can be
// repeated only where it came encrypted.
func responsesTurn(list []string, status string, forgotten bool) turn {
	t := turn{ended: status == "completed"}
	for _, raw := range list {
		it := gjson.Parse(raw)
		kind := it.Get("type").Str
		switch {
		case placeItem(it) == placeHidden:
			t.calls = append(t.calls, toolRequest{it.Get("call_id").Str, it.Get("arguments").Str})
		case clientItems[kind]:
			t.theirs = true
		case kind == "reasoning" && forgotten && it.Get("encrypted_content").Str == "":
			continue
		}
		t.echo = append(t.echo, raw)
	}
	return t
}

func responsesReplies(t turn, results []string) []string {
	out := make([]string, len(results))
	for i, text := range results {
		out[i] = `{"type":"function_call_output","call_id":` + quoteJSON(t.calls[i].id) +
			`,"output":` + quoteJSON(text) + `}`
	}
	return out
}

// joinResponses makes one answer of several: the last one's, whose id the provider may know, with
// the items that were shown before and the usage of all.
func joinResponses(answers [][]byte) []byte {
	last := withoutTool(string(answers[len(answers)-1]), "tools")
	var earlier []string
	usage := ""
	for i, a := range answers {
		usage = addUsage(usage, gjson.GetBytes(a, "usage").Raw)
		if i < len(answers)-1 {
			earlier = append(earlier, shownItems(gjson.GetBytes(a, "output"), true)...)
		}
	}
	return []byte(withOutput(last, "", earlier, usage))
}

// shownItems are the items of an output that the client sees; of a hidden round, without reasoning
// that led to our tool.
func shownItems(output gjson.Result, hidden bool) []string {
	var shown, held []string
	for _, it := range output.Array() {
		switch placeItem(it) {
		case placeHidden:
		case placeHeld:
			held = append(held, it.Raw)
		default:
			shown = append(append(shown, held...), it.Raw)
			held = nil
		}
	}
	if hidden {
		return shown
	}
	return append(shown, held...)
}

// withOutput gives the response at prefix of doc the items of all rounds and their usage.
func withOutput(doc, prefix string, earlier []string, usage string) string {
	output := gjson.Get(doc, prefix+"output")
	if shown := shownItems(output, false); len(earlier) > 0 || len(shown) < len(output.Array()) {
		doc = setRaw(doc, prefix+"output", array(append(earlier, shown...)))
	}
	if was := gjson.Get(doc, prefix+"usage"); was.IsObject() && usage != "" && usage != was.Raw {
		doc = setRaw(doc, prefix+"usage", usage)
	}
	return doc
}

// withoutTool takes the tool out of the tools that a response repeats.
func withoutTool(doc, path string) string {
	tools := gjson.Get(doc, path).Array()
	var theirs []string
	for _, t := range tools {
		if t.Get("name").Str != toolName {
			theirs = append(theirs, t.Raw)
		}
	}
	if len(theirs) == len(tools) {
		return doc
	}
	return setRaw(doc, path, array(theirs))
}

// A responsesStream filters the events of a response.
type responsesStream struct {
	items
	// id and created are the first round's, which the client has seen; earlier are the items shown
	// in earlier rounds, spent their usage, "" in the first round; sequence is the number of the
	// next event.
	id, created string
	earlier     []string
	spent       string
	sequence    int64
	// final is the event that ends a round with calls of our tool.
	final string
}

func (s *responsesStream) take(e event) (out []byte, end *turn) {
	kind := gjson.Get(e.data, "type").Str
	switch kind {
	case "":
		return e.raw, nil
	case "response.created", "response.in_progress", "response.queued":
		if s.spent != "" {
			return nil, nil
		}
		s.id, s.created = gjson.Get(e.data, "response.id").Raw, gjson.Get(e.data, "response.created_at").Raw
		return s.number(e, withoutTool(e.data, "response.tools")), nil
	case "response.completed", "response.incomplete", "response.failed":
		return s.end(e)
	case "response.output_item.added":
		it := gjson.Get(e.data, "item")
		s.begin(gjson.Get(e.data, s.member).Int(), it.Raw, placeItem(it))
	case "response.output_item.done":
		if it := s.byIndex[gjson.Get(e.data, s.member).Int()]; it != nil {
			it.raw = gjson.Get(e.data, "item").Raw
		}
	}
	if !gjson.Get(e.data, s.member).Exists() {
		return s.number(e, e.data), nil
	}
	return s.number(e, s.route(e.data)...), nil
}

// number writes events under the client's sequence numbers.
func (s *responsesStream) number(e event, events ...string) []byte {
	for i, data := range events {
		if gjson.Get(data, "sequence_number").Exists() {
			events[i] = reindex(data, "sequence_number", s.sequence)
		}
		s.sequence++
	}
	return emit(e, events)
}

func (s *responsesStream) end(e event) (out []byte, end *turn) {
	if !s.asked() {
		return s.number(e, append(s.release(), s.whole(e.data))...), nil
	}
	s.final = e.data
	t := responsesTurn(s.raws(), gjson.Get(e.data, "response.status").Str, true)
	return nil, &t
}

// raws are the round's items; some hosts leave the output of the last event empty.
func (s *responsesStream) raws() []string {
	list := make([]string, len(s.order))
	for i, it := range s.order {
		list[i] = it.raw
	}
	return list
}

// whole is the response in a last event as the client may see it.
func (s *responsesStream) whole(data string) string {
	data = withoutTool(data, "response.tools")
	if s.spent == "" {
		return withOutput(data, "response.", nil, "")
	}
	data = setRaw(setRaw(data, "response.id", s.id), "response.created_at", s.created)
	return withOutput(data, "response.", s.earlier, addUsage(s.spent, gjson.Get(data, "response.usage").Raw))
}

func (s *responsesStream) close(hidden bool) []byte {
	var out []byte
	if hidden {
		s.spent = addUsage(cmp.Or(s.spent, "{}"), cmp.Or(gjson.Get(s.final, "response.usage").Raw, "{}"))
		s.earlier = append(s.earlier, shownItems(gjson.Parse(array(s.raws())), true)...)
	} else {
		out = s.number(event{}, append(s.release(), s.whole(s.final))...)
	}
	s.next()
	s.final = ""
	return out
}
