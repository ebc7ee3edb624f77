package dialects

import (
	"regexp"
	"strings"
	"unicode"
)

// braced are extensions of languages whose files end at the margin.
var braced = wordSet("go js jsx mjs cjs ts tsx mts cts java c h cc cpp cxx hpp hh cs rs kt swift scala dart php")

// endsInTheMiddle reports that a file breaks off: within a statement, a comment or a docstring, or,
// where a file ends at the margin, within a function. Clients lose the end of what a program
// printed, at any byte.
func endsInTheMiddle(file string, lines []string) bool {
	last := ""
	for i := len(lines) - 1; i >= 0 && last == ""; i-- {
		last = strings.TrimRightFunc(lines[i], unicode.IsSpace)
	}
	text := strings.TrimSpace(last)
	if text == "" {
		return false
	}
	kind := kindOf(file, "")
	if speaksOfGone(last) || strings.HasSuffix(text, "…") || strings.HasSuffix(text, "...") && !isPython(kind) {
		return true
	}
	inside := last[0] == ' ' || last[0] == '\t'
	if braced[kind] && inside && !strings.ContainsAny(text[:1], "<*") && opened(lines) {
		return true
	}
	if isPython(kind) && (inDocstring(lines) || !strings.HasPrefix(text, "#") && breaksOffPython(text, inside)) {
		return true
	}
	if isComment(text, file) {
		return braced[kind] && breaksOffComment(text, inside)
	}
	if strings.ContainsAny(text[len(text)-1:], "([{,=\\") {
		return true
	}
	return braced[kind] && (opensMore(text) || !inside && breaksOffDeclaration(text))
}

const modifiers = `^(?:(?:export|default|public|private|protected|internal|static|abstract|final|open|async|pub|` +
	`unsafe|extern|sealed|data|inline|override|suspend)\s+)*`

var (
	// declaration begins what ends in a bracket, a semicolon or a quote, but for a few in a
	// thousand files, and function what has a body besides.
	declaration = regexp.MustCompile(modifiers + `(?:type|class|struct|interface|enum|trait|impl|object|namespace|` +
		`module|mod|var|val|let|const|import|from|use|using|package|template|typedef|for|if|while|switch|return)` +
		`(?:\s|$)`)
	function = regexp.MustCompile(modifiers + `(?:func|fun|fn|function|def)(?:\W|$)`)
	// onlyWords are modifiers and keywords of which the rest is missing.
	onlyWords    = regexp.MustCompile(modifiers + `[a-z]*$`)
	exported     = regexp.MustCompile(`^export default \w+$`)
	pythonHeader = regexp.MustCompile(`^(?:(?:async\s+)?(?:def|class|for|with|if|elif|while|try|except|else|finally|` +
		`match|case)\b|@)`)
	// footer is a comment in which a file may end; others stand above what they speak of.
	footer = regexp.MustCompile(`(?i)^//(?:\S|\s*(?:end|eof)|.*[:=])`)
)

// breaksOffDeclaration reports that a line at the margin begins a declaration and does not end it.
func breaksOffDeclaration(text string) bool {
	return declaration.MatchString(text) && !strings.ContainsAny(text[len(text)-1:], "})];\"'`>") ||
		function.MatchString(text) && !strings.ContainsAny(text, "{=;") ||
		onlyWords.MatchString(text) && !exported.MatchString(text) || text == "/"
}

// breaksOffPython is the same for a line of Python.
func breaksOffPython(text string, inside bool) bool {
	return opensMore(strings.ReplaceAll(text, `"""`, "")) || text == `""` ||
		pythonHeader.MatchString(text) && (!strings.Contains(text, ":") || strings.HasSuffix(text, ":")) ||
		!inside && onlyWords.MatchString(text) && text != "pass"
}

// breaksOffComment reports that a comment at the end of a file is not whole, or that what it speaks
// of is missing.
func breaksOffComment(text string, inside bool) bool {
	if strings.HasPrefix(text, "*") || strings.HasPrefix(text, "/*") {
		return !strings.Contains(text, "*/")
	}
	return !inside && strings.HasPrefix(text, "//") && (!footer.MatchString(text) || text == "//" ||
		strings.HasPrefix(text, "///"))
}

// opensMore reports that a line opens more brackets or quotes than it closes, by a count alone.
func opensMore(line string) bool {
	open := strings.Count(line, "(") - strings.Count(line, ")") + strings.Count(line, "[") - strings.Count(line, "]")
	return open > 0 || strings.Count(line, `"`)%2 > 0
}

// inDocstring reports that a text of Python is inside one: by a count alone.
func inDocstring(lines []string) bool {
	quotes, marks := 0, 0
	for _, line := range lines {
		quotes += strings.Count(line, `"""`)
		marks += strings.Count(line, "'''")
	}
	return quotes%2 > 0 && marks == 0 || marks%2 > 0 && quotes == 0
}

// opened reports that lines open more braces, or fewer, than they close: by a count alone, in which
// those of strings are as good as others.
func opened(lines []string) bool {
	open := 0
	for _, line := range lines {
		open += strings.Count(line, "{") - strings.Count(line, "}")
	}
	return open != 0
}
