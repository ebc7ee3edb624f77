package parsers

import (
	"bytes"
	"strings"
)

// The lines of a preprocessor stand across the grammar: #if may lie around half of a statement, and
// what follows #else is another reading of the same text. So a grammar gets the text without them,
// and they are woven into its tree afterwards.

// maxFrames bounds the conditionals of a file, maxFrameDepth how deep they nest. Beyond, the
// grammar gets the text as it is.
const (
	maxFrames     = 5000
	maxFrameDepth = 50
)

// A span is a run of lines, half-open.
type span struct{ start, end int }

// A conditionalFrame is what stands around a run of lines and stays or goes as one: #if and #endif,
// or the two conditionals that open and close an extern "C".
type conditionalFrame struct {
	open, close span
	// middles are its #elif and #else.
	middles []span
	depth   int
	// dead says that what is between open and the first of the middles is no code (#if 0).
	dead bool
	// bundle says that it holds what is between its first and its last line together, and has no
	// lines of its own.
	bundle bool
}

func (f *conditionalFrame) start() int { return f.open.start }
func (f *conditionalFrame) end() int   { return f.close.end }

// branches are the runs of lines between the directives.
func (f *conditionalFrame) branches() []span {
	var list []span
	from := f.open.end
	for _, m := range f.middles {
		list = append(list, span{from, m.start})
		from = m.end
	}
	return append(list, span{from, f.close.start})
}

// directiveOf is the word of a line that steers the preprocessor and what follows it, "" for any
// other line.
func directiveOf(line []byte) (word, rest string) {
	text := bytes.TrimLeft(line, " \t")
	if len(text) == 0 || text[0] != '#' {
		return "", ""
	}
	text = bytes.TrimLeft(text[1:], " \t")
	n := 0
	for n < len(text) && text[n] >= 'a' && text[n] <= 'z' {
		n++
	}
	return string(text[:n]), strings.TrimSpace(string(text[n:]))
}

// framesOf lists the conditionals of a file in the order of their first lines, none where they do
// not pair up.
func framesOf(lines Lines) []*conditionalFrame {
	var list, open []*conditionalFrame
	for line := 0; line < lines.Count(); line++ {
		word, rest := directiveOf(lines.text(line))
		if word == "" {
			continue
		}
		at := span{line, line + 1}
		for at.end < lines.Count() && bytes.HasSuffix(bytes.TrimRight(lines.text(at.end-1), "\r\n"), []byte("\\")) {
			at.end++
		}
		line = at.end - 1
		switch word {
		case "if", "ifdef", "ifndef", "region":
			f := &conditionalFrame{open: at, depth: len(open), dead: word == "if" && rest == "0"}
			list, open = append(list, f), append(open, f)
		case "elif", "elifdef", "elifndef", "else", "elseif":
			if len(open) == 0 {
				return nil
			}
			f := open[len(open)-1]
			f.middles = append(f.middles, at)
		case "endif", "endregion":
			if len(open) == 0 {
				return nil
			}
			open[len(open)-1].close = at
			open = open[:len(open)-1]
		}
		if len(list) > maxFrames || len(open) > maxFrameDepth {
			return nil
		}
	}
	if len(open) > 0 {
		return nil
	}
	return pairFrames(lines, list)
}

// pairFrames makes one frame of two conditionals of one depth of which the first opens brackets and
// the other closes them.
func pairFrames(lines Lines, list []*conditionalFrame) []*conditionalFrame {
	var out, pending []*conditionalFrame
	paired := map[*conditionalFrame]bool{}
	for _, f := range list {
		for len(pending) > 0 && pending[len(pending)-1].depth > f.depth {
			pending = pending[:len(pending)-1]
		}
		d := f.opens(lines)
		switch last := len(pending) - 1; {
		case d > 0:
			pending = append(pending, f)
		case d < 0 && last >= 0 && pending[last].depth == f.depth && pending[last].opens(lines) == -d:
			first := pending[last]
			first.open = span{first.open.start, first.close.end}
			first.close = span{f.open.start, f.close.end}
			paired[f] = true
			pending = pending[:last]
		}
	}
	for _, f := range list {
		if !paired[f] {
			out = append(out, f)
		}
	}
	return out
}

// maxOpener is how many lines may stand in a conditional that opens or closes brackets for the
// lines after it.
const maxOpener = 4

// opens is how many more brackets a short conditional opens than it closes.
func (f *conditionalFrame) opens(lines Lines) int {
	if len(f.middles) > 0 || f.close.start-f.open.end > maxOpener {
		return 0
	}
	d := 0
	for line := f.open.end; line < f.close.start; line++ {
		text, _, _ := bytes.Cut(lines.text(line), []byte("//"))
		d += bytes.Count(text, []byte("{")) - bytes.Count(text, []byte("}"))
	}
	return d
}

// mask returns the text with blanks for the directives. With first, all branches but the first of
// each conditional are blank as well: they may each hold half of a statement.
func mask(lines Lines, frames []*conditionalFrame, first bool) Lines {
	src := bytes.Clone(lines.src)
	blank := func(s span) {
		text := src[lines.start(s.start):lines.start(s.end)]
		for i, c := range text {
			if c != '\n' && c != '\r' {
				text[i] = ' '
			}
		}
	}
	for _, f := range frames {
		blank(f.open)
		blank(f.close)
		for _, m := range f.middles {
			blank(m)
		}
		for i, b := range f.branches() {
			if f.hidden(i, first) {
				blank(b)
			}
		}
	}
	return Lines{src: src, starts: lines.starts}
}

// hidden reports that the grammar does not see a branch.
func (f *conditionalFrame) hidden(branch int, first bool) bool {
	return f.dead && branch == 0 || first && branch > 0
}

func branched(frames []*conditionalFrame) bool {
	for _, f := range frames {
		if len(f.middles) > 0 {
			return true
		}
	}
	return false
}
