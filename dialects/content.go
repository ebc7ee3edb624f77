package dialects

import (
	"encoding/json"
	"regexp"
	"strings"
)

// untouchable are the kinds of text, by extension or fence tag, that must arrive whole: data whose
// every line counts, diffs, and prose.
var untouchable = wordSet("json jsonc json5 jsonl ndjson ipynb geojson diff patch udiff txt text plaintext " +
	"plain md markdown mdx rst adoc tex csv tsv log logs console output terminal shell-session mermaid lock sum " +
	"svg pem")

// isCode decides whether a text is source code that may be shortened. The name decides where there
// is one; the text itself can only speak against it.
func isCode(file, language string, lines []string) bool {
	ext := kindOf(file, "")
	language = strings.ToLower(language)
	if untouchable[ext] || untouchable[language] || isJSON(lines) || isDiff(lines) {
		return false
	}
	if ext != "" || language != "" {
		return true
	}
	return readsLikeCode(lines)
}

// isJSON recognises JSON, cut JSON and JSON lines.
func isJSON(lines []string) bool {
	for i, line := range lines {
		head := strings.TrimSpace(line)
		if head == "" {
			continue
		}
		switch {
		case strings.HasPrefix(head, `{"`), strings.HasPrefix(head, `[{`), strings.HasPrefix(head, `["`):
			return true
		case head == "{" && i+1 < len(lines):
			return strings.HasPrefix(strings.TrimSpace(lines[i+1]), `"`)
		case head[0] == '[' || head[0] == '{':
			return json.Valid([]byte(strings.Join(lines, "\n")))
		}
		return false
	}
	return false
}

// isDiff recognises unified diffs, conflict markers and the patch formats of coding agents.
func isDiff(lines []string) bool {
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, "@@ "),
			strings.HasPrefix(line, "diff --git "),
			strings.HasPrefix(line, "*** Begin Patch"),
			strings.HasPrefix(line, "<<<<<<< "):
			return true
		case strings.HasPrefix(line, "--- ") && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "+++ "):
			return true
		}
	}
	return false
}

var codeStart = regexp.MustCompile(
	`^(func|def|class|import|from|package|return|if|for|while|const|let|var|static|public|private|` +
		`protected|fn|use|impl|struct|enum|interface|type|namespace|` +
		`#include|#define|using|async|export|module|end|else|try|catch|case)\b`,
)

// readsLikeCode judges a text without a name: at least three lines in ten start or end as code
// does. Prose and logs stay far below.
func readsLikeCode(lines []string) bool {
	all, code := 0, 0
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		all++
		if strings.ContainsAny(line[len(line)-1:], "{};)(") || codeStart.MatchString(line) {
			code++
		}
	}
	return all > 0 && code*10 >= all*3
}
