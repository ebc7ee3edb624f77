package parsers

import "bytes"

// Lines maps lines to bytes. Lines end at "\n" only, as the grammars count rows; a final line
// may lack it.
type Lines struct {
	src    []byte
	starts []int
}

// NewLines returns the lines of src.
func NewLines(src []byte) Lines {
	starts := make([]int, 0, 1+len(src)/24)
	for at := 0; at < len(src); {
		starts = append(starts, at)
		n := bytes.IndexByte(src[at:], '\n')
		if n < 0 {
			break
		}
		at += n + 1
	}
	return Lines{src: src, starts: starts}
}

// Count is the number of lines.
func (t Lines) Count() int { return len(t.starts) }

// start is the offset of the line's first byte; the line after the last one starts at the end.
func (t Lines) start(line int) int {
	if line >= len(t.starts) {
		return len(t.src)
	}
	return t.starts[line]
}

// text is the line with its line end.
func (t Lines) text(line int) []byte { return t.src[t.start(line):t.start(line+1)] }

func (t Lines) blank(line int) bool { return len(bytes.TrimSpace(t.text(line))) == 0 }

// skipBlank is the first line from line on that is not blank, or limit.
func (t Lines) skipBlank(line, limit int) int {
	for line < limit && t.blank(line) {
		line++
	}
	return line
}

// indent is the number of leading bytes of white space of the line.
func (t Lines) indent(line int) int {
	text := t.text(line)
	return len(text) - len(bytes.TrimLeft(text, " \t\f\v"))
}
