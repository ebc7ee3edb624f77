package parsers

import (
	"bytes"
	"unicode/utf8"
)

// Bounds on what a grammar is given. Beyond them some grammars need time or memory out of
// proportion: a C# file of 10 KB of "a<" takes half a second and 310 MB, Scala and Bash spend
// seconds on bytes that are no text.
const (
	maxLine    = 5000 // bytes
	maxNesting = 1500 // brackets open at once, those in strings included
	maxAngles  = 1000 // "<" without ">"
	minDense   = 4096 // bytes; smaller files may be all quotes
	maxQuotes  = 4    // one byte in so many may be a quote
)

// Refuse says why src should not reach a grammar, or "".
func Refuse(src []byte, maxBytes int) string {
	switch {
	case len(src) > maxBytes:
		return "file is too large"
	case bytes.IndexByte(src, 0) >= 0:
		return "file has a NUL byte"
	case !utf8.Valid(src):
		return "file is not UTF-8"
	}
	var line, nesting, angles, quotes int
	for _, c := range src {
		line++
		switch c {
		case '\n':
			line = 0
		case '(', '[', '{':
			nesting++
		case ')', ']', '}':
			nesting = max(0, nesting-1)
		case '<':
			angles++
		case '>':
			angles = max(0, angles-1)
		case '"', '\'', '`':
			quotes++
		}
		switch {
		case line > maxLine:
			return "file has a line that is too long"
		case nesting > maxNesting:
			return "file nests too deep"
		case angles > maxAngles:
			return "file has too many open angle brackets"
		}
	}
	if len(src) > minDense && quotes > len(src)/maxQuotes {
		return "file has too many quotes"
	}
	return ""
}
