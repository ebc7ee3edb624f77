package dialects

import "github.com/tidwall/gjson"

// readResponses reads OpenAI Responses: a list of items, each a turn of its own. Reasoning items
// and items of hosted tools are not read; what previous_response_id stands for is not in the body,
// so a result whose call is not there passes untouched.
func readResponses(body Object) ([]chatTurn, error) {
	input := body["input"]
	if input.Type == gjson.String {
		return []chatTurn{{role: roleUser, parts: []messagePart{textAt(partText, input)}}}, nil
	}
	var out []chatTurn
	err := eachObject(input, func(o Object) error {
		m, err := readItem(o)
		if m != nil {
			out = append(out, *m)
		}
		return err
	})
	return out, err
}

func readItem(o Object) (*chatTurn, error) {
	id := o.str("call_id")
	asked := func(name, args string) (*chatTurn, error) {
		return &chatTurn{
			role:  roleAssistant,
			parts: []messagePart{{kind: partCall, callID: id, call: toolCall{name: name, args: args}}},
		}, nil
	}
	switch o.str("type") {
	case "message", "": // the short form of a message leaves its type out
		return readItemMessage(o)
	case "function_call":
		return asked(o.str("name"), o.str("arguments"))
	case "custom_tool_call":
		return asked(o.str("name"), o.str("input"))
	case "local_shell_call", "shell_call":
		return asked("shell", o["action"].Raw)
	case "function_call_output", "custom_tool_call_output", "local_shell_call_output":
		p, err := resultPart(id, o["output"], "input_text", "output_text")
		return &chatTurn{role: roleTool, parts: []messagePart{p}}, err
	default:
		return nil, nil
	}
}

func readItemMessage(o Object) (*chatTurn, error) {
	switch o.str("role") {
	case "user":
		parts, err := textParts(o["content"], "input_text", "text")
		return &chatTurn{role: roleUser, parts: parts}, err
	case "assistant":
		parts, err := textParts(o["content"], "output_text", "text")
		return &chatTurn{role: roleAssistant, parts: parts}, err
	default:
		return nil, nil
	}
}
