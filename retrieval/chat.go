package retrieval

import (
	"strings"

	"github.com/tidwall/gjson"

	"pith/dialects"
)

// chatTool words the tool for OpenAI chat completions.
func chatTool() *toolWording {
	return &toolWording{
		definition: `{"type":"function","function":{"name":"` + toolName + `","description":"` + toolDescription +
			`","parameters":` + toolSchema + `}}`,
		turns: "messages",
		// With functions of the old style there can be no tools, and several answers at once cannot
		// be continued as one.
		fits:    func(o dialects.Object) bool { return !o["functions"].Exists() && o["n"].Num <= 1 },
		read:    readChatTurn,
		replies: chatReplies,
		join:    joinChat,
		filter:  func() streamFilter { return &chatStream{chatRound: &chatRound{}} },
	}
}

func readChatTurn(answer []byte) turn {
	choice := gjson.GetBytes(answer, "choices.0")
	message := choice.Get("message")
	t := turn{ended: choice.Get("finish_reason").Str != "length"}
	var ours []string
	for _, c := range message.Get("tool_calls").Array() {
		if c.Get("function.name").Str != toolName {
			t.theirs = true
			continue
		}
		ours = append(ours, c.Raw)
		t.calls = append(t.calls, toolRequest{c.Get("id").Str, c.Get("function.arguments").Str})
	}
	if len(ours) > 0 {
		t.echo = []string{setRaw(message.Raw, "tool_calls", array(ours))}
	}
	return t
}

func chatReplies(t turn, results []string) []string {
	out := make([]string, len(results))
	for i, text := range results {
		out[i] = `{"role":"tool","tool_call_id":` + quoteJSON(t.calls[i].id) + `,"content":` + quoteJSON(text) + `}`
	}
	return out
}

// joinChat makes one answer of several: the last one's, with what was said before and the usage of
// all.
func joinChat(answers [][]byte) []byte {
	last := string(answers[len(answers)-1])
	var said []string
	usage := ""
	for _, a := range answers {
		if text := gjson.GetBytes(a, "choices.0.message.content").Str; text != "" {
			said = append(said, text)
		}
		usage = addUsage(usage, gjson.GetBytes(a, "usage").Raw)
	}
	if len(answers) > 1 {
		last = setRaw(last, "choices.0.message.content", quoteJSON(strings.Join(said, "\n\n")))
		if usage != "" {
			last = setRaw(last, "usage", usage)
		}
	}
	var theirs []string
	calls := gjson.Get(last, "choices.0.message.tool_calls").Array()
	for _, c := range calls {
		if c.Get("function.name").Str != toolName {
			theirs = append(theirs, c.Raw)
		}
	}
	switch {
	case len(theirs) == len(calls):
	case len(theirs) > 0:
		last = setRaw(last, "choices.0.message.tool_calls", array(theirs))
	default:
		last = remove(last, "choices.0.message.tool_calls")
		if gjson.Get(last, "choices.0.finish_reason").Str == "tool_calls" {
			last = setRaw(last, "choices.0.finish_reason", `"stop"`)
		}
	}
	return []byte(last)
}
