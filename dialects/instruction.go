package dialects

import (
	"slices"
	"strings"
)

// harnessElements are what coding agents put into a user's turn on their own account: not the
// user's words.
var harnessElements = [...]string{
	"system-reminder", "environment_details", "additional_data", "environment_context", "user_instructions",
	"INSTRUCTIONS", "permissions_instructions", "collaboration_mode", "skills_instructions", "turn_aborted",
	"subagent_notification", "open_and_recently_viewed_files",
}

// instruction is what the user says in a text: what stands outside blocks and outside what an agent
// added.
func instruction(t jsonText, blocks []codeSpan) string {
	text := t.all
	if len(blocks) > 0 {
		text = outside(t.lines, blocks)
	}
	for _, tag := range harnessElements {
		text = cutElements(text, tag)
	}
	return strings.TrimSpace(text)
}

// outside joins the lines that stand in no block.
func outside(lines []textLine, blocks []codeSpan) string {
	var b strings.Builder
	at := 0
	for _, block := range append(slices.Clip(blocks), codeSpan{open: len(lines)}) {
		for ; at < block.open; at++ {
			b.WriteString(lines[at].text)
			b.WriteByte('\n')
		}
		at = block.close
	}
	return b.String()
}

// cutElements removes every <tag>...</tag> from text.
func cutElements(text, tag string) string {
	open, end := "<"+tag+">", "</"+tag+">"
	if !strings.Contains(text, open) {
		return text
	}
	var b strings.Builder
	for {
		i := strings.Index(text, open)
		if i < 0 {
			break
		}
		n := strings.Index(text[i:], end)
		if n < 0 {
			break
		}
		b.WriteString(text[:i])
		text = text[i+n+len(end):]
	}
	b.WriteString(text)
	return b.String()
}
