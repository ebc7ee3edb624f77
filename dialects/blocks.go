package dialects

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// A codeSpan is a run of lines that holds a file or a piece of code. Line numbers index the
// text's lines, half-open.
type codeSpan struct {
	// open and close enclose the block with its fences or tags; first and last enclose the code
	// alone.
	open, first, last, close int
	path, language           string
	// partial marks a piece of a file by its own account (a line range in its header).
	partial bool
}

// findBlocks finds fenced code and file elements in a text, in order, not overlapping. A block that
// is not closed, or that does not begin and end at line breaks, is none.
func findBlocks(w *Work, lines []textLine) []codeSpan {
	s := blockScanner{work: w, lines: lines, unclosed: map[string]bool{}}
	var out []codeSpan
	for i := 0; i < len(lines) && w.spend(1+len(lines[i].text)); {
		b, ok := s.block(i)
		if !ok {
			i++
			continue
		}
		if b.first < b.last && w.hold(spanBytes) {
			out = append(out, b)
		}
		i = b.close
	}
	return out
}

// block reads the block that opens at line i. Nearly every line opens none, and its first character
// tells.
func (s *blockScanner) block(i int) (codeSpan, bool) {
	text := strings.TrimLeft(s.lines[i].text, " \t")
	switch {
	case text == "":
		return codeSpan{}, false
	case text[0] == '<':
		return s.element(i)
	case text[0] == '`' || text[0] == '~':
		return s.fence(i)
	default:
		return codeSpan{}, false
	}
}

// spanBytes is about what a codeSpan takes, with what is remembered to plan it.
const spanBytes = 160

// A blockScanner remembers where closers are, and which it has looked for in vain, so that a text
// of a million openers is still one pass.
type blockScanner struct {
	work  *Work
	lines []textLine
	// fences are the lines that may close a fence, by its kind.
	fences map[byte]*closers
	// unclosed holds the tags that have no closer in the rest of the text.
	unclosed map[string]bool
}

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
	b.partial = b.partial || lineRange.MatchString(info)
	b.describeAttributes(info)
	word, rest, _ := strings.Cut(info, " ")
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
	if lineRange.MatchString(line) && len(line) < 1024 {
		b.partial = true
	}
	if file, ranged := cutPathRange(strings.TrimRight(line, ": *`")); ranged && headingPath(file) != "" {
		line, b.partial = file, true
	}
	if b.path == "" {
		b.path = headingPath(line)
	}
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

// elementOpen is the tag that opens a file. document is Anthropic's: its path and text may stand in
// elements of their own.
var elementOpen = regexp.MustCompile(
	`^\s*<(file|file_content|file_contents|document|document_content|document_contents)(\s[^<>]*)?>\s*$`,
)

// element reads a file element whose opening tag stands alone on line i.
func (s *blockScanner) element(i int) (codeSpan, bool) {
	text := s.lines[i].text
	for _, tag := range harnessElements {
		if isTag(text, "<"+tag+">") { // not the user's: nothing in it is looked at
			if end, ok := s.closeTag(i+1, tag); ok {
				return codeSpan{open: i, first: i, last: i, close: end + 1}, true
			}
		}
	}
	if len(text) > 1024 { // no opening tag is that long
		return codeSpan{}, false
	}
	m := elementOpen.FindStringSubmatch(text)
	if m == nil {
		return codeSpan{}, false
	}
	end, ok := s.closeTag(i+1, m[1])
	if !ok {
		return codeSpan{}, false
	}
	b := codeSpan{open: i, first: i + 1, last: end, close: end + 1}
	b.describeAttributes(m[2])
	if m[1] == "document" {
		b.enterDocument(s.lines)
	}
	b.enterFence(s.work, s.lines)
	return b, true
}

// closeTag finds the line that holds the closing tag alone.
func (s *blockScanner) closeTag(from int, tag string) (int, bool) {
	if s.unclosed[tag] {
		return 0, false
	}
	for j := from; j < len(s.lines); j++ {
		s.work.spend(1)
		if isTag(s.lines[j].text, "</"+tag+">") {
			return j, true
		}
	}
	s.unclosed[tag] = true
	return 0, false
}

func isTag(line, tag string) bool {
	return strings.Contains(line, tag) && strings.TrimSpace(line) == tag
}

var sourceElement = regexp.MustCompile(`^\s*<source>(.*)</source>\s*$`)

// enterDocument narrows a document element to its content element and takes the path from its
// source element.
func (b *codeSpan) enterDocument(lines []textLine) {
	for i := b.first; i < b.last; i++ {
		line := lines[i].text
		if m := sourceElement.FindStringSubmatch(line); m != nil && b.path == "" {
			b.path = strings.TrimSpace(m[1])
			continue
		}
		for _, tag := range []string{"document_content", "document_contents"} {
			if !isTag(line, "<"+tag+">") {
				continue
			}
			for end := b.last - 1; end > i; end-- {
				if isTag(lines[end].text, "</"+tag+">") {
					b.first, b.last = i+1, end
					return
				}
			}
		}
		if strings.TrimSpace(line) != "" {
			return // content stands bare in the element
		}
	}
}

// enterFence narrows an element whose whole content is one fence to the code inside.
func (b *codeSpan) enterFence(w *Work, lines []textLine) {
	inner := blockScanner{work: w, lines: lines[b.first:b.last]}
	if b.first >= b.last {
		return
	}
	f, ok := inner.fence(0)
	if !ok || b.first+f.close != b.last {
		return
	}
	b.first, b.last = b.first+f.first, b.first+f.last
	b.path, b.language = cmp.Or(b.path, f.path), f.language
	b.partial = b.partial || f.partial
}

// harnessElements are what coding agents put into a user's turn on their own account: not the
// user's words.
var harnessElements = [...]string{
	"system-reminder", "environment_details", "additional_data", "environment_context", "user_instructions", "INSTRUCTIONS",
	"permissions_instructions", "collaboration_mode", "skills_instructions", "turn_aborted", "subagent_notification", "open_and_recently_viewed_files",
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
