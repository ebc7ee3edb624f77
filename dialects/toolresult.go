package dialects

import (
	"regexp"
	"strings"
)

// wholeFile finds the file in what a read tool returned: the text without what the tool put before and behind it. ok is false
// for an error in words.
func wholeFile(w *Work, lines []textLine) (codeSpan, bool) {
	first, ok := skipPreface(lines)
	if !ok || first >= len(lines) || isErrorText(lines[first].text) {
		return codeSpan{}, false
	}
	last := trailer(lines, first)
	inner := findBlocks(w, lines[first:last])
	if len(inner) == 1 && covers(inner[0], lines[first:last]) {
		b := inner[0]
		b.first, b.last = b.first+first, b.last+first
		return b, true
	}
	return codeSpan{open: first, first: first, last: last, close: last}, first < last
}

// covers reports that nothing but blank lines and one heading stands around a block: the tool wrapped the file in it. Where a
// file itself holds a fence, it does not.
func covers(b codeSpan, lines []textLine) bool {
	around := 0
	for i := range lines {
		if (i < b.open || i >= b.close) && strings.TrimSpace(lines[i].text) != "" {
			around++
		}
	}
	return around <= 1
}

var (
	prefaceEnd  = regexp.MustCompile(`^(?:Output|Result):$`)
	prefaceLine = regexp.MustCompile(`^(?:Chunk ID|Wall time|Process exited with code|Exit code|Original token count|Total output lines)\b`)
	exitCode    = regexp.MustCompile(`(?i)^(?:process exited with code|exit code:?)\s+(\d+)`)
)

// skipPreface steps over the report that shell tools put before a command's output ("Exit code: 0", "Wall time: ...",
// "Output:"). ok is false where it reports a failure.
func skipPreface(lines []textLine) (first int, ok bool) {
	for i := 0; i < len(lines) && i < 8; i++ {
		line := strings.TrimSpace(lines[i].text)
		if m := exitCode.FindStringSubmatch(line); m != nil && strings.Trim(m[1], "0") != "" {
			return 0, false
		}
		switch {
		case prefaceEnd.MatchString(line) && i > 0:
			return i + 1, true
		case line != "" && !prefaceLine.MatchString(line):
			return 0, true
		}
	}
	return 0, true
}

// trailer finds where the file ends and an agent's own remark begins.
func trailer(lines []textLine, first int) int {
	last := len(lines)
	for i := len(lines) - 1; i > first && i > len(lines)-64; i-- {
		if strings.TrimSpace(lines[i].text) == "<system-reminder>" {
			last = i
		}
	}
	for last > first && last < len(lines) && strings.TrimSpace(lines[last-1].text) == "" {
		last--
	}
	return last
}

var errorText = regexp.MustCompile(`(?i)^\s*(?:<tool_use_error>|error\b|\[error|cat: |file not found|no such file|permission denied|traceback \(most recent)`)

// isErrorText recognises a failure that only its words tell.
func isErrorText(line string) bool { return errorText.MatchString(line) }
