package evolve

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"unicode/utf8"

	"pith/internal/textfile"
)

// The most bytes of each kind of file that a person writes.
const (
	taskLimit     = 1 << 20
	templateLimit = 1 << 20
	dataLimit     = 256 << 20
)

const (
	// rowLimit bounds one line of examples, in bytes.
	rowLimit = 4 << 20
	// cellLimit bounds the rows of a data file and the values in them, together: each takes some
	// hundred bytes, however short it is.
	cellLimit = 1_000_000
	// columnLimit bounds the columns of a table, and the slots of a template.
	columnLimit = 1_000
)

// errCells says that a data file is larger than what it was made for.
var errCells = fmt.Errorf("more than %d rows and values: take a part of it", cellLimit)

// byteOrderMark is what some editors write before the text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// readText reads a text file of limit bytes at most, without its byte order mark. What is not UTF-8
// is a FileError with its place.
func readText(path string, limit int64) ([]byte, error) {
	src, err := textfile.Read(path, limit)
	if wrong, ok := errors.AsType[*fs.PathError](err); ok && !errors.Is(err, fs.ErrNotExist) {
		return nil, &FileError{File: path, Msg: wrong.Err.Error()}
	}
	if err != nil {
		return nil, err
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

// boundYAML refuses what makes a small file large for the parser: deep nesting and aliases, neither
// of which a task needs.
func boundYAML(path string, src []byte) error {
	if line, err := textfile.CheckYAML(src); err != nil {
		return &FileError{File: path, Line: line, Column: 1, Msg: err.Error()}
	}
	return nil
}
