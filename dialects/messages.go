package dialects

import "github.com/tidwall/gjson"

// readMessages reads Anthropic Messages. The system prompt, tool schemas, thinking blocks and their
// signatures, images and documents are not read and so never touched; cache_control stays where it
// is, as the compressed form of a block never changes.
func readMessages(body Object) ([]chatTurn, error) {
	var out []chatTurn
	err := eachObject(body["messages"], func(o Object) error {
		var m chatTurn
		switch o.str("role") {
		case "user":
			m.role = roleUser
		case "assistant":
			m.role = roleAssistant
		default:
			return nil
		}
		var err error
		m.parts, err = readContentBlocks(o["content"])
		out = append(out, m)
		return err
	})
	return out, err
}

func readContentBlocks(content gjson.Result) ([]messagePart, error) {
	if content.Type == gjson.String {
		return []messagePart{textAt(partText, content)}, nil
	}
	var parts []messagePart
	err := eachObject(content, func(o Object) error {
		switch o.str("type") {
		case "text":
			if o["text"].Type == gjson.String {
				parts = append(parts, textAt(partText, o["text"]))
			}
		case "tool_use":
			c := toolCall{name: o.str("name"), args: o["input"].Raw}
			parts = append(parts, messagePart{kind: partCall, callID: o.str("id"), call: c})
		case "tool_result":
			p, err := resultPart(o.str("tool_use_id"), o["content"], "text")
			if err != nil {
				return err
			}
			p.failed = o.True("is_error")
			parts = append(parts, p)
		}
		return nil
	})
	return parts, err
}
