package dialects

import (
	"cmp"
	"regexp"
	"strings"
)

// closers are the lines that may close fences of one kind, in order.
type closers struct {
	list []closer
	// at is the first of list that is behind the last opener that was asked for: openers come in
	// order.
	at int
}

// A closer closes the fences of no more than size characters that are open at its line.
type closer struct {
	line, size int
	// larger is the next closer of a larger size, or the length of the list.
	larger int
}

// closerBytes is what a closer takes.
const closerBytes = 24

// closersOf finds all closers of a kind at once.
func (s *blockScanner) closersOf(kind byte) *closers {
	if c := s.fences[kind]; c != nil {
		return c
	}
	c := &closers{}
	for i := range s.lines {
		s.work.spend(1)
		if size := closingSize(s.lines[i].text, kind); size > 0 && s.work.hold(closerBytes) {
			c.list = append(c.list, closer{line: i, size: size})
		}
	}
	for i := len(c.list) - 1; i >= 0; i-- {
		j := i + 1
		for ; j < len(c.list) && c.list[j].size <= c.list[i].size; j = c.list[j].larger {
			s.work.spend(1)
		}
		c.list[i].larger = j
	}
	if s.fences == nil {
		s.fences = map[byte]*closers{}
	}
	s.fences[kind] = c
	return c
}

// after finds the line that closes a fence of size characters that opens at line open. The sizes
// that it steps over grow, and stay below that of the opener: so all steps together are no more
// than the bytes of all openers.
func (c *closers) after(w *Work, open, size int) (line int, ok bool) {
	for c.at < len(c.list) && c.list[c.at].line <= open {
		c.at++
	}
	i := c.at
	for ; i < len(c.list) && c.list[i].size < size; i = c.list[i].larger {
		w.spend(1)
	}
	if i == len(c.list) {
		return 0, false
	}
	return c.list[i].line, true
}

var fenceOpen = regexp.MustCompile("^ {0,3}(`{3,}|~{3,})([^`]*)$")

// fence reads a fenced block that opens at line i, by CommonMark's rules for fences outside
// containers.
func (s *blockScanner) fence(i int) (codeSpan, bool) {
	m := fenceOpen.FindStringSubmatch(strings.TrimSuffix(s.lines[i].text, "\r"))
	if m == nil {
		return codeSpan{}, false
	}
	end, ok := s.closersOf(m[1][0]).after(s.work, i, len(m[1]))
	if !ok {
		return codeSpan{}, false
	}
	b := codeSpan{open: i, first: i + 1, last: end, close: end + 1}
	b.describeFence(strings.TrimSpace(m[2]))
	if i > 0 {
		b.describeHeading(s.lines[i-1].text)
	}
	return b, true
}

// closingSize is the number of characters of a line that can close a fence of kind, or 0.
func closingSize(line string, kind byte) int {
	rest := strings.TrimLeft(line, " ")
	if len(line)-len(rest) > 3 || rest == "" || rest[0] != kind {
		return 0
	}
	rest = strings.TrimRight(rest, " \t\r")
	if strings.Trim(rest, string(kind)) != "" || len(rest) < 3 {
		return 0
	}
	return len(rest)
}

var (
	// rangeInfo is how Cursor cites code: ```12:40:src/server.go.
	rangeInfo = regexp.MustCompile(`^\d+:\d+:(\S+)`)
	attribute = regexp.MustCompile(`([A-Za-z_-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'{}<>]+))`)
)

// describeFence reads language and path from an info string: "go", "go server.go", "go:server.go",
// "src/server.go", `go title="server.go"`, "12:40:server.go".
func (b *codeSpan) describeFence(info string) {
	if m := rangeInfo.FindStringSubmatch(info); m != nil {
		b.path, b.partial = m[1], true
		return
	}
	info, b.partial = cutPathRange(info)
	b.partial = b.partial || lineRange.MatchString(info) || partNotice.MatchString(info)
	b.describeAttributes(info)
	word, rest, _ := strings.Cut(info, " ")
	for more := range strings.FieldsSeq(rest) {
		// A number that is no path's is where the lines are from, or which of them matter.
		b.partial = b.partial || strings.ContainsAny(more, "0123456789") && !looksLikePath(strings.Trim(more, "()"))
	}
	word = strings.Trim(word, "{}.")
	if language, path, ok := strings.Cut(word, ":"); ok && looksLikePath(path) {
		b.language, b.path = language, path
	} else if looksLikePath(word) {
		b.path = word
	} else if !strings.Contains(word, "=") {
		b.language = word
	}
	if rest = strings.TrimSpace(rest); b.path == "" && looksLikePath(rest) {
		b.path = rest
	}
}

// describeAttributes reads path, language and line range from name="value" pairs.
func (b *codeSpan) describeAttributes(s string) {
	for _, m := range attribute.FindAllStringSubmatch(s, -1) {
		value := m[2] + m[3] + m[4]
		switch strings.ToLower(m[1]) {
		case "path", "file", "filename", "file_path", "filepath", "name", "title", "src", "source":
			file, ranged := cutPathRange(value)
			b.path, b.partial = cmp.Or(b.path, file), b.partial || ranged
		case "lang", "language":
			b.language = value
		default:
			b.partial = b.partial || isPartKey(m[1]) && value != ""
		}
	}
}

// looksLikePath accepts one word with a file extension or a slash in it.
func looksLikePath(s string) bool {
	if s == "" || len(s) > 512 || strings.ContainsAny(s, " \t\"'<>|*?=(){}") {
		return false
	}
	dot := strings.LastIndexByte(s, '.')
	return strings.ContainsAny(s, `/\`) || (dot >= 0 && dot < len(s)-1)
}

// describeHeading reads what the line above a fence says of it: its path, and that it is a part.
func (b *codeSpan) describeHeading(line string) {
	line = strings.TrimSpace(line)
	if len(line) < longestHeading && (lineRange.MatchString(line) || saysPartAbove(line)) {
		b.partial = true
	}
	if file, ranged := cutPathRange(strings.TrimRight(line, ": *`")); ranged && headingPath(file) != "" {
		line, b.partial = file, true
	}
	if b.path == "" {
		b.path = headingPath(line)
	}
}

// longestHeading is the longest line above a fence that is looked at, in bytes.
const longestHeading = 1024

var (
	fileWord  = regexp.MustCompile(`[\w/\\-]\.[A-Za-z]\w{0,5}\b`)
	aboutLine = regexp.MustCompile(`(?i)\b(?:line|l)\s*\d+\b|^\W*(?:excerpts?|snippets?|parts?|pieces?|portions?)\b`)
)

// saysPartAbove reports that a line above a fence names a file and says that what follows is a part
// of it. A question is none of these.
func saysPartAbove(line string) bool {
	return !strings.Contains(line, "?") && fileWord.MatchString(line) &&
		(partNotice.MatchString(line) || aboutLine.MatchString(line))
}

// headingPath reads the path that stands alone on the line above a fence, plain or dressed:
// "server.go", "`server.go`:", "### server.go", "File: server.go".
func headingPath(line string) string {
	s := strings.TrimSpace(strings.TrimLeft(strings.TrimSpace(line), "#*-"))
	if name, rest, ok := strings.Cut(s, ":"); ok && strings.EqualFold(strings.Trim(name, "* "), "file") {
		s = rest
	}
	s = strings.Trim(s, "`*: \t")
	if looksLikePath(s) && strings.Contains(s, ".") {
		return s
	}
	return ""
}
