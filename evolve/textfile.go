package evolve

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// The most bytes of each kind of file that a person writes.
const (
	taskLimit     = 1 << 20
	templateLimit = 4 << 20
	dataLimit     = 256 << 20
)

// byteOrderMark is what some editors write before the text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readText reads a text file of limit bytes at most, without its byte order mark. What is not UTF-8
// is a FileError with its place.
func readText(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, &FileError{File: path, Msg: "not a regular file"}
	}
	src, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(src)) > limit {
		return nil, &FileError{File: path, Msg: fmt.Sprintf("larger than %d MiB", limit>>20)}
	}
	src = bytes.TrimPrefix(src, byteOrderMark)
	if at := invalidAt(src); at >= 0 {
		line := 1 + bytes.Count(src[:at], []byte("\n"))
		column := at - bytes.LastIndexByte(src[:at], '\n')
		return nil, &FileError{
			File: path, Line: line, Column: column,
			Msg: fmt.Sprintf("byte 0x%02x is not UTF-8: save the file as UTF-8", src[at]),
		}
	}
	return src, nil
}

// invalidAt is the offset of the first byte that is not UTF-8, or -1.
func invalidAt(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// yamlDepth is how deep the brackets of a task may nest; the parser's memory grows with it.
const yamlDepth = 64

// boundYAML refuses what makes a small file large for the parser: deep nesting and aliases, neither
// of which a task needs.
func boundYAML(path string, src []byte) error {
	depth := 0
	for _, t := range lexer.Tokenize(string(src)) {
		place := func(msg string) error {
			return &FileError{File: path, Line: t.Position.Line, Column: t.Position.Column, Msg: msg}
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.AliasType, token.AnchorType:
			return place("a task may have no anchors and aliases")
		}
		if depth > yamlDepth {
			return place(fmt.Sprintf("nested deeper than %d", yamlDepth))
		}
	}
	return nil
}
