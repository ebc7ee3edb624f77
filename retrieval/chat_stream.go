package retrieval

import (
	"cmp"
	"strings"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// A chatStream filters the chunks of a chat completion.
type chatStream struct {
	// id and created are the first round's, which the client has seen; role and said tell whether
	// it was shown the role and words.
	id, created string
	role, said  bool
	// spent is the usage of earlier rounds, shown the number of tool calls that the client was
	// shown.
	spent string
	shown int
	*chatRound
}

// A chatRound is what came of one round.
type chatRound struct {
	text, reasoning strings.Builder
	calls           []*chatCall
	byIndex         map[int64]*chatCall
	// ours counts the calls of our tool, waiting the deltas that wait, of all calls.
	ours, waiting int
	usage, finish string
	// held are chunks from the finish on, which go out where the round is the last.
	held []string
	done bool
}

// A chatCall is one tool call as it arrives.
type chatCall struct {
	raw  string // its first delta
	name string // or more of it than our tool's has
	args strings.Builder
	// waiting are deltas that came while the name could still become ours; shown is its index for
	// the client.
	waiting []string
	shown   int
}

func (c *chatCall) ours() bool { return c.name == toolName }

// unknown holds until arguments follow the name.
func (c *chatCall) unknown() bool {
	return c.args.Len() == 0 && strings.HasPrefix(toolName, c.name) && !c.ours()
}

func (s *chatStream) take(e event) (out []byte, end *turn) {
	switch {
	case e.last || e.data == "[DONE]":
		if !s.asked() || e.last && s.finish == "" {
			return e.raw, nil
		}
		s.done = !e.last
		t := s.turn()
		return nil, &t
	case !gjson.Parse(e.data).IsObject():
		return e.raw, nil
	}
	chunk, keep := s.rewrite(e.data)
	switch {
	case s.asked() && s.finish != "":
		out, held := splitFinish(chunk)
		s.held = append(s.held, held)
		s.role = s.role || len(out) > 0 && gjson.Get(chunk, "choices.0.delta.role").Exists()
		return out, nil
	case !keep:
		return nil, nil
	}
	s.role = s.role || gjson.Get(chunk, "choices.0.delta.role").Exists()
	if chunk == e.data {
		return e.raw, nil
	}
	return []byte("data: " + chunk + "\n\n"), nil
}

// splitFinish parts the words of a chunk, which go out now, from the finish that it also carries.
func splitFinish(chunk string) (out []byte, finish string) {
	if gjson.Get(chunk, "choices.0.delta.content").Str == "" {
		return nil, chunk
	}
	words := remove(setRaw(chunk, "choices.0.finish_reason", "null"), "usage")
	return []byte("data: " + words + "\n\n"), setRaw(chunk, "choices.0.delta", "{}")
}

// asked reports that our tool was called in this round.
func (s *chatStream) asked() bool { return s.ours > 0 }

// rewrite notes what a chunk says and returns it as the client may see it; keep is false where
// nothing is left of it.
func (s *chatStream) rewrite(chunk string) (out string, keep bool) {
	choice := gjson.Get(chunk, "choices.0")
	delta := choice.Get("delta")
	text := delta.Get("content").Str
	out = chunk
	if s.id == "" {
		s.id, s.created = gjson.Get(chunk, "id").Raw, gjson.Get(chunk, "created").Raw
	}
	if s.spent != "" {
		out = s.continueFirst(out, delta, text)
	}
	s.text.WriteString(text)
	s.reasoning.WriteString(delta.Get("reasoning_content").Str)
	if finish := choice.Get("finish_reason").Str; finish != "" {
		s.finish = finish
	}
	if u := gjson.Get(chunk, "usage"); u.IsObject() {
		s.usage = u.Raw
		if s.spent != "" {
			out = setRaw(out, "usage", addUsage(s.spent, u.Raw))
		}
	}
	if calls := delta.Get("tool_calls"); calls.IsArray() {
		out = s.rewriteCalls(out, calls)
	}
	if s.finish != "" {
		out = s.releaseCalls(out)
	}
	return out, out == chunk || !isEmptyChunk(out)
}

// continueFirst makes a later round's chunk one of the first round's answer.
func (s *chatStream) continueFirst(out string, delta gjson.Result, text string) string {
	out = setRaw(setRaw(out, "id", s.id), "created", s.created)
	if s.role && delta.Get("role").Exists() { // clients join the strings of all deltas
		out = remove(out, "choices.0.delta.role")
	}
	if text != "" && s.said && s.text.Len() == 0 {
		out = setRaw(out, "choices.0.delta.content", quoteJSON("\n\n"+text))
	}
	return out
}

// isEmptyChunk reports a chunk that tells a client nothing.
func isEmptyChunk(chunk string) bool {
	empty := !gjson.Get(chunk, "usage").IsObject() && gjson.Get(chunk, "choices.0.finish_reason").Str == ""
	gjson.Get(chunk, "choices.0.delta").ForEach(func(_, v gjson.Result) bool {
		empty = empty && (v.Type == gjson.Null || v.Raw == `""`)
		return empty
	})
	return empty
}

// rewriteCalls takes our calls out of a chunk and counts the others anew.
func (s *chatStream) rewriteCalls(out string, calls gjson.Result) string {
	var keep []string
	same := true
	for i, d := range calls.Array() {
		c := s.call(d, int64(i))
		s.hear(c, d.Get("function"))
		switch {
		case c.ours():
		case c.unknown():
			c.waiting = append(c.waiting, d.Raw)
			s.waiting++
		default:
			raws := s.show(c, d.Raw)
			keep = append(keep, raws...)
			same = same && len(raws) == 1 && raws[0] == d.Raw
			continue
		}
		same = false
	}
	switch {
	case same:
		return out
	case len(keep) == 0:
		return remove(out, "choices.0.delta.tool_calls")
	default:
		return setRaw(out, "choices.0.delta.tool_calls", array(keep))
	}
}

// hear adds what a delta says to its call.
func (s *chatStream) hear(c *chatCall, function gjson.Result) {
	was := c.ours()
	if len(c.name) <= len(toolName) {
		c.name += function.Get("name").Str
	}
	c.args.WriteString(function.Get("arguments").Str)
	switch {
	case c.ours() && !was:
		s.ours++
	case was && !c.ours():
		s.ours--
	}
}

// show returns what waits of a call of the client's, and more of it.
func (s *chatStream) show(c *chatCall, more ...string) []string {
	if c.shown < 0 {
		c.shown = s.shown
		s.shown++
	}
	raws := append(c.waiting, more...)
	s.waiting -= len(c.waiting)
	c.waiting = nil
	for i := range raws {
		raws[i] = reindex(raws[i], "index", int64(c.shown))
	}
	return raws
}

// releaseCalls adds to the chunk that ends a round the calls whose names are only the beginning of
// ours.
func (s *chatStream) releaseCalls(out string) string {
	if s.waiting == 0 {
		return out
	}
	const path = "choices.0.delta.tool_calls"
	raws := rawsOf(gjson.Get(out, path))
	for _, c := range s.calls {
		if len(c.waiting) > 0 {
			raws = append(raws, s.show(c)...)
		}
	}
	return setRaw(out, path, array(raws))
}

// call finds the call that a delta belongs to.
func (s *chatStream) call(d gjson.Result, position int64) *chatCall {
	index := position
	if v := d.Get("index"); v.Exists() {
		index = v.Int()
	}
	c := s.byIndex[index]
	if c == nil {
		c = &chatCall{raw: d.Raw, shown: -1}
		if s.byIndex == nil {
			s.byIndex = map[int64]*chatCall{}
		}
		s.byIndex[index] = c
		s.calls = append(s.calls, c)
	}
	return c
}

func (s *chatStream) turn() turn {
	t := turn{ended: s.finish != "length"}
	var ours []string
	for _, c := range s.calls {
		if !c.ours() {
			t.theirs = true
			continue
		}
		t.calls = append(t.calls, toolRequest{gjson.Get(c.raw, "id").Str, c.args.String()})
		args := quoteJSON(c.args.String())
		raw := setRaw(setRaw(c.raw, "function.name", quoteJSON(c.name)), "function.arguments", args)
		ours = append(ours, remove(raw, "index"))
	}
	message := `{"role":"assistant","content":null,"tool_calls":` + array(ours) + `}`
	if s.text.Len() > 0 {
		message = setRaw(message, "content", quoteJSON(s.text.String()))
	}
	if s.reasoning.Len() > 0 { // some models want it back with the results
		message = setRaw(message, "reasoning_content", quoteJSON(s.reasoning.String()))
	}
	t.echo = []string{message}
	return t
}

func (s *chatStream) close(hidden bool) []byte {
	round := s.chatRound
	s.said = s.said || round.text.Len() > 0
	s.chatRound = &chatRound{}
	if hidden {
		s.spent = addUsage(cmp.Or(s.spent, "{}"), cmp.Or(round.usage, "{}"))
		return nil
	}
	var out []byte
	for _, chunk := range round.held {
		if gjson.Get(chunk, "choices.0.finish_reason").Str == "tool_calls" && s.shown == 0 {
			chunk, _ = sjson.Set(chunk, "choices.0.finish_reason", "stop") // the path is there
		}
		out = append(out, "data: "+chunk+"\n\n"...)
	}
	if round.done {
		out = append(out, "data: [DONE]\n\n"...)
	}
	return out
}
