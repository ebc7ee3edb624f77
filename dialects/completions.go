package dialects

import (
	"strings"

	"github.com/tidwall/gjson"
)

// readCompletion reads legacy completions, which editors use to fill in the middle: prompt is what
// stands before the cursor, suffix what stands behind it. Lists of prompts and token ids are not
// read.
func readCompletion(body Object) ([]chatTurn, error) {
	var parts []messagePart
	if v := body["prompt"]; v.Type == gjson.String && !hasFIMToken(v.Str) {
		parts = append(parts, textAt(partPrompt, v))
		if v := body["suffix"]; v.Type == gjson.String {
			parts = append(parts, textAt(partSuffix, v))
		}
	}
	return []chatTurn{{role: roleUser, parts: parts}}, nil
}

// hasFIMToken reports that a prompt carries the model's own middle markers (Qwen, StarCoder,
// DeepSeek, Code Llama, Codestral): then the cursor is somewhere inside, and what is near to it is
// not known.
func hasFIMToken(s string) bool {
	for _, token := range []string{"<|fim_", "<fim_", "<｜fim▁", "<PRE>", "<SUF>", "[SUFFIX]", "[PREFIX]"} {
		if strings.Contains(s, token) {
			return true
		}
	}
	return false
}
