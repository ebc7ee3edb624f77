package dialects

import "github.com/tidwall/gjson"

// readChat reads OpenAI chat completions.
func readChat(body Object) ([]chatTurn, error) {
	var out []chatTurn
	err := eachObject(body["messages"], func(o Object) error {
		m, err := readChatMessage(o)
		if m != nil {
			out = append(out, *m)
		}
		return err
	})
	return out, err
}

func readChatMessage(o Object) (*chatTurn, error) {
	switch o.str("role") {
	case "user":
		parts, err := textParts(o["content"], "text")
		return &chatTurn{role: roleUser, parts: parts}, err
	case "assistant":
		parts, err := textParts(o["content"], "text")
		if err != nil {
			return nil, err
		}
		calls, err := readChatCalls(o)
		return &chatTurn{role: roleAssistant, parts: append(parts, calls...)}, err
	case "tool":
		p, err := resultPart(o.str("tool_call_id"), o["content"], "text")
		return &chatTurn{role: roleTool, parts: []messagePart{p}}, err
	case "function": // before tools there were functions: the name is all that ties the two
		p, err := resultPart(functionID(o.str("name")), o["content"], "text")
		return &chatTurn{role: roleTool, parts: []messagePart{p}}, err
	default:
		return nil, nil
	}
}

// functionID stands for the id that calls of the old function style do not have.
func functionID(name string) string { return "function " + name }

func readChatCalls(o Object) ([]messagePart, error) {
	var parts []messagePart
	err := eachObject(o["tool_calls"], func(tool Object) error {
		f, err := readObject(tool["function"])
		if err != nil {
			return err
		}
		c := toolCall{name: f.str("name"), args: f.str("arguments")}
		if f == nil {
			custom, err := readObject(tool["custom"])
			if err != nil {
				return err
			}
			c = toolCall{name: custom.str("name"), args: custom.str("input")}
		}
		parts = append(parts, messagePart{kind: partCall, callID: tool.str("id"), call: c})
		return nil
	})
	if err != nil || o["function_call"].Type != gjson.JSON {
		return parts, err
	}
	f, err := readObject(o["function_call"])
	name := f.str("name")
	return append(
		parts,
		messagePart{kind: partCall, callID: functionID(name), call: toolCall{name: name, args: f.str("arguments")}},
	), err
}
