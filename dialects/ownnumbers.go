package dialects

import (
	"regexp"
	"slices"
	"strings"
)

// A file may number lines of its own: the keys of a map, the rows of an insert, the arms of a
// match, a list in words. Taken for a tool's, such numbers are false for all of them where lines of
// the file stand before the first.

// rawBegin is the line on which a file begins in lines if no tool numbered them.
func rawBegin(w *Work, lines []textLine, file string) int {
	f := frame{work: w, lines: lines, last: len(lines), path: file}
	if f.open() != "" {
		return 0
	}
	return f.first
}

// ownNumbers reports that the numbers of a run may be the file's own text. Where the file begins
// with the run in either case it does not matter.
func (r numberedRun) ownNumbers(lines []textLine, content []string, mark string, begin int, file string) bool {
	if r.start <= begin || r.glued > 0 {
		return false
	}
	open := strings.ToLower(strings.TrimSpace(r.open))
	if open != "" && (!toolsOpen[open] || isComment(open, file)) || isData(kindOf(file, "")) ||
		codeMark.MatchString(mark) {
		return true
	}
	for i := begin; i < r.start; i++ {
		text := strings.TrimSpace(lines[i].text)
		if opensCode.MatchString(text) || text != "" && text[0] >= 'a' && text[0] <= 'z' && codeWord.MatchString(text) {
			return true
		}
	}
	for i := r.end; i < len(lines); i++ {
		if text := strings.TrimSpace(lines[i].text); text != "" {
			if closesCode.MatchString(text) {
				return true
			}
			break
		}
	}
	// Code has lines that are blank or indented; rows, keys and items all begin alike.
	return !slices.ContainsFunc(content, func(s string) bool {
		s = strings.TrimSuffix(s, "\r")
		return s == "" || s[0] == ' ' || s[0] == '\t'
	})
}

// toolsOpen is what tools write before a line's number.
var toolsOpen = wordSet("l line ln row no [ ( < # @ | │ ┃ ▏")

var (
	// codeMark begins what code has behind a number, and no tool.
	codeMark = regexp.MustCompile(`^\s*(?:[,=]|->)`)
	// opensCode ends a line of code that goes on below, closesCode begins one that ends it.
	opensCode  = regexp.MustCompile("(?:[{\\[(,=;]|=>|->|\"\"\"|'''|(?:^|[^`])`)$|^(?:\"\"\"|''')")
	closesCode = regexp.MustCompile("^(?:[}\\]);]|\"\"\"|'''|`(?:[^`]|$)|(?:end|done|esac|fi)$)")
)
