package dialects

import (
	"bytes"
	"strconv"
	"strings"
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

const (
	// A text may have fewLines and one more in each lineBytes raw bytes: what is made for a line
	// takes more than that. Of one with more nothing is a block. Code has some 30 bytes a line.
	fewLines  = 4 << 10
	lineBytes = 16
	// textLineBytes is what a textLine takes.
	textLineBytes = 40
)

// readText decodes the JSON string whose content, quotes excluded, is body[start:end], and cuts it
// into lines. The string must be valid JSON. Where it has too many lines for its length, or the
// work has ended, the text has none and is not exact.
func readText(w *Work, body []byte, start, end int) jsonText {
	raw := body[start:end]
	most := bytes.Count(raw, []byte(`\n`)) + bytes.Count(raw, []byte(`\u000`)) + 1 // a few of them are other escapes
	t := jsonText{exact: true}
	if most > fewLines+len(raw)/lineBytes || !w.hold(len(raw)+most*textLineBytes) {
		t.all, _ = decode(w, raw, nil)
		t.exact = false
		return t
	}
	t.lines = make([]textLine, 0, most)
	line, from := textLine{start: start}, 0
	t.all, t.exact = decode(w, raw, func(decoded string, at, size int) {
		line.text, line.eol, line.end = decoded[from:], start+at, start+at+size
		t.lines = append(t.lines, line)
		line, from = textLine{start: line.end}, len(decoded)+1
	})
	if w.Err() != nil {
		return jsonText{}
	}
	if line.start < end {
		line.text, line.eol, line.end = t.all[from:], end, end
		t.lines = append(t.lines, line)
	}
	return t
}

// readString decodes the JSON string whose content is body[start:end] and does not cut it into
// lines.
func readString(w *Work, body []byte, start, end int) string {
	if !w.hold(end - start) {
		return ""
	}
	text, _ := decode(w, body[start:end], nil)
	return text
}

// decode decodes the content of a JSON string, and calls newline, where it is not nil, with what
// stands before each newline and where its escape is. exact is false where the decoded text does
// not stand for the raw bytes.
func decode(w *Work, raw []byte, newline func(decoded string, at, size int)) (text string, exact bool) {
	// The builder never grows again, as nothing decodes to more than it is written in: so what
	// newline gets is no copy.
	var b strings.Builder
	b.Grow(len(raw))
	exact = true
	for i := 0; i < len(raw); {
		n := bytes.IndexByte(raw[i:], '\\')
		if n < 0 {
			b.Write(raw[i:])
			w.spend(len(raw) - i)
			break
		}
		b.Write(raw[i : i+n])
		i += n
		r, size, ok := readEscape(raw[i:])
		if r == '\n' && newline != nil {
			newline(b.String(), i, size)
		}
		b.WriteRune(r)
		exact = exact && ok
		i += size
		if !w.spend(n + size) {
			return "", false
		}
	}
	return b.String(), exact && utf8.ValidString(b.String())
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
// Without edits it is body itself.
func Splice(body []byte, edits []Edit) []byte {
	if len(edits) == 0 {
		return body
	}
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
