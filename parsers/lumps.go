package parsers

import (
	"bytes"
	"regexp"
)

// Lumps are runs of lines that are one thing whatever their depth: a line that a backslash carries
// on, a document in the text, a conditional or a definition of make's.
type lumps struct {
	// openers maps the first line of each to the line whose depth it has.
	openers map[int]int
	// inside says of each other line of one that it is that.
	inside []bool
}

var (
	hereDocument = regexp.MustCompile(`<<[-~]?\s?["']?([A-Z][A-Z_]{1,30})["']?\s*(?:\\|\)|&&.*)?$`)
	makeOpens    = regexp.MustCompile(`^ *(?:ifeq|ifneq|ifdef|ifndef|define)\b`)
	makeCloses   = regexp.MustCompile(`^ *(?:endif|endef)\b`)
)

// lumps finds the lumps of a file.
func (c *indenter) lumps() lumps {
	l := lumps{openers: map[int]int{}, inside: make([]bool, c.lines.Count())}
	if c.language == "yaml" || c.language == "json" {
		return l
	}
	for line := 0; line < c.lines.Count(); line++ {
		end := c.lumpEnd(line)
		if end == line+1 {
			continue
		}
		l.openers[line] = c.recipeBefore(line)
		for i := line + 1; i < end; i++ {
			l.inside[i] = true
		}
		line = end - 1
	}
	return l
}

// lumpEnd is the line behind what begins on a line.
func (c *indenter) lumpEnd(line int) int {
	text := c.lines.text(line)
	switch {
	case c.remark(line):
	case c.language == "makefile" && makeOpens.Match(text):
		open := 1
		for i := line + 1; i < c.lines.Count(); i++ {
			switch {
			case makeOpens.Match(c.lines.text(i)):
				open++
			case makeCloses.Match(c.lines.text(i)):
				open--
			}
			if open == 0 {
				return i + 1
			}
		}
	default:
		end := line + 1
		for end < c.lines.Count() && bytes.HasSuffix(bytes.TrimRight(c.lines.text(end-1), " \t\r\n"), []byte(`\`)) {
			end++
		}
		for i := line; i < end; i++ {
			if m := hereDocument.FindSubmatch(bytes.TrimSpace(c.lines.text(i))); m != nil {
				for k := i + 1; k < c.lines.Count(); k++ {
					if bytes.Equal(bytes.TrimSpace(c.lines.text(k)), m[1]) {
						return k + 1
					}
				}
			}
		}
		return end
	}
	return line + 1
}

// recipeBefore is a line's own place, or where one of make's conditionals stands between the lines
// of a recipe the line before it.
func (c *indenter) recipeBefore(line int) int {
	if c.language != "makefile" || !makeOpens.Match(c.lines.text(line)) {
		return line
	}
	for before := line - 1; before >= 0 && !c.lines.blank(before); before-- {
		if text := c.lines.text(before); text[0] == '\t' {
			return before
		} else if !makeCloses.Match(text) {
			break
		}
	}
	return line
}

// opensQuote is the mark of a string that does not end on its line, or "".
func opensQuote(text []byte) string {
	for _, quote := range []string{`"""`, "'''"} {
		if bytes.Count(text, []byte(quote))%2 == 1 {
			return quote
		}
	}
	return ""
}

// opensScalar reports that the text of a YAML line goes on below as one string: after | or >, in an
// open quote or bracket.
func opensScalar(text []byte) bool {
	value := text
	if i := bytes.Index(text, []byte(": ")); i >= 0 {
		value = bytes.TrimSpace(text[i+1:])
	} else if bytes.HasPrefix(text, []byte("- ")) {
		value = bytes.TrimSpace(text[2:])
	} else if text[len(text)-1] == ':' {
		return false
	}
	for len(value) > 0 && (value[0] == '!' || value[0] == '&') { // a tag, an anchor
		_, rest, _ := bytes.Cut(value, []byte(" "))
		value = bytes.TrimSpace(rest)
	}
	if len(value) == 0 {
		return false
	}
	switch value[0] {
	case '|', '>':
		return true
	case '"', '\'':
		return bytes.Count(bytes.ReplaceAll(value, []byte(`\"`), nil), value[:1])%2 == 1
	case '[', '{':
		return bytes.Count(value, []byte("["))+bytes.Count(value, []byte("{")) >
			bytes.Count(value, []byte("]"))+bytes.Count(value, []byte("}"))
	case '#':
		return false
	}
	return true // the lines below are the rest of it
}
