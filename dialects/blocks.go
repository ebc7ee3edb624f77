package dialects

import (
	"cmp"
	"regexp"
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
