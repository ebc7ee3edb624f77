package dialects

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// A jsonText is one string of a JSON document, cut into lines: what each line says and which raw
// bytes say it. A line that is kept is copied raw, so that it keeps whatever escapes its sender
// chose.
type jsonText struct {
	lines []textLine
	all   string // decoded
	// exact is false where the decoded text does not stand for the raw bytes (a lone surrogate,
	// invalid UTF-8).
	exact bool
	// depth is how many JSON strings stand around the text beyond the body's own.
	depth int
}

// A textLine is one line. The raw spans are offsets into the body.
type textLine struct {
	text string // decoded, without its newline
	// start and eol enclose the raw bytes of text; eol to end is the escape of its newline, empty
	// on a last line without one.
	start, eol, end int
}

// readText decodes the JSON string whose content, quotes excluded, is body[start:end]. The string
// must be valid JSON.
func readText(body []byte, start, end int) jsonText {
	buf := make([]byte, 0, end-start)
	type mark struct{ text, start, textEnd, eol, end int }
	var marks []mark
	line := mark{start: start}
	t := jsonText{exact: true}
	for i := start; i < end; {
		n := bytes.IndexByte(body[i:end], '\\')
		if n < 0 {
			buf = append(buf, body[i:end]...)
			break
		}
		buf = append(buf, body[i:i+n]...)
		i += n
		r, size, ok := readEscape(body[i:end])
		if r == '\n' {
			line.textEnd, line.eol, line.end = len(buf), i, i+size
			marks = append(marks, line)
			buf = append(buf, '\n')
			line = mark{text: len(buf), start: i + size}
		} else {
			buf = utf8.AppendRune(buf, r)
			t.exact = t.exact && ok
		}
		i += size
	}
	if line.start < end {
		line.textEnd, line.eol, line.end = len(buf), end, end
		marks = append(marks, line)
	}
	t.exact = t.exact && utf8.Valid(buf)
	t.all = string(buf)
	t.lines = make([]textLine, len(marks))
	for i, m := range marks {
		t.lines[i] = textLine{text: t.all[m.text:m.textEnd], start: m.start, eol: m.eol, end: m.end}
	}
	return t
}

// readEscape decodes the escape at the start of b and returns its raw length; ok is false for a
// lone surrogate.
func readEscape(b []byte) (r rune, size int, ok bool) {
	if len(b) < 2 {
		return utf8.RuneError, len(b), false
	}
	switch b[1] {
	case 'n':
		return '\n', 2, true
	case 't':
		return '\t', 2, true
	case 'r':
		return '\r', 2, true
	case 'b':
		return '\b', 2, true
	case 'f':
		return '\f', 2, true
	case 'u':
		return readUnicodeEscape(b)
	default: // quote, backslash, slash
		return rune(b[1]), 2, true
	}
}

func readUnicodeEscape(b []byte) (r rune, size int, ok bool) {
	first, ok := hex4(b)
	if !ok {
		return utf8.RuneError, min(len(b), 6), false
	}
	if !utf16.IsSurrogate(first) {
		return first, 6, true
	}
	if second, ok := hex4(b[6:]); ok {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r, 12, true
		}
	}
	return utf8.RuneError, 6, false
}

// hex4 reads the four digits of a \uXXXX escape at the start of b.
func hex4(b []byte) (rune, bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(b[2:6]), 16, 32)
	return rune(v), err == nil
}

// appendEscaped appends s as the content of a JSON string, escaping only what JSON demands.
func appendEscaped(dst []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// An Edit replaces body[start:end].
type Edit struct {
	Start, End int
	Text       []byte
}

// Splice applies edits, which are in order and do not overlap; every other byte of body is copied.
func Splice(body []byte, edits []Edit) []byte {
	size := len(body)
	for _, e := range edits {
		size += len(e.Text) - (e.End - e.Start)
	}
	out := make([]byte, 0, size)
	at := 0
	for _, e := range edits {
		out = append(out, body[at:e.Start]...)
		out = append(out, e.Text...)
		at = e.End
	}
	return append(out, body[at:]...)
}
