// Package embedding knows the words of questions and code as vectors: words that stand for one
// another lie close ("evict" and "remove", "retry" and "attempt").
//
// It is a table and no network: a lookup costs nothing, and the same word gives the same vector on
// every machine. It knows nothing of chunks, questions or budgets.
package embedding

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
)

// words is the embedded table, written by training/words.py; its card is model/README.md.
//
//go:embed model/words.bin
var words []byte

// magic begins a table's file.
const magic = "PITHWRD1"

// maxWords and maxWidth bound what a table's head may ask for.
const (
	maxWords = 1 << 20
	maxWidth = 1 << 12
)

// ErrFormat marks bytes that are no table of words.
var ErrFormat = errors.New("not a table of words")

// A Table holds the vectors of words. It is safe for concurrent use.
type Table struct {
	rows     map[string]int
	width    int
	vectors  []int8
	question []float32
	code     []float32
	id       string
}

// Embedded returns the table that is part of the program.
var Embedded = sync.OnceValues(func() (*Table, error) { return Read(words) })

// Read reads a table: the magic, the number of words and the width of a vector, the length of the
// words' text and the text, one word a line, then the vectors, one byte a coordinate, and the
// words' weights in a question and in code, all little-endian. It fails with ErrFormat.
func Read(data []byte) (*Table, error) {
	sum := sha256.Sum256(data)
	t := &Table{id: hex.EncodeToString(sum[:8])}
	rest, ok := bytes.CutPrefix(data, []byte(magic))
	if !ok || len(rest) < 12 {
		return nil, fmt.Errorf("%w: it does not begin like one", ErrFormat)
	}
	n, width, text := binary.LittleEndian.Uint32(rest), binary.LittleEndian.Uint32(rest[4:]),
		binary.LittleEndian.Uint32(rest[8:])
	rest = rest[12:]
	if n > maxWords || width > maxWidth || uint64(len(rest)) != uint64(text)+uint64(n)*uint64(width)+8*uint64(n) {
		return nil, fmt.Errorf("%w: %d bytes do not hold %d words of width %d", ErrFormat, len(data), n, width)
	}
	list := strings.Split(string(rest[:text]), "\n")
	if uint64(len(list)) != uint64(n) {
		return nil, fmt.Errorf("%w: %d words where %d are announced", ErrFormat, len(list), n)
	}
	t.width, t.rows = int(width), make(map[string]int, n)
	for row, word := range list {
		t.rows[word] = row
	}
	rest = rest[text:]
	t.vectors = make([]int8, int(n)*t.width)
	for i := range t.vectors {
		t.vectors[i] = int8(rest[i]) //nolint:gosec // a byte is read as it was written
	}
	rest = rest[len(t.vectors):]
	t.question, rest = floats(rest, int(n))
	t.code, _ = floats(rest, int(n))
	return t, nil
}

func floats(data []byte, n int) (list []float32, rest []byte) {
	list = make([]float32, n)
	for i := range list {
		list[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return list, data[4*n:]
}

// Embed returns a word's vector, of length 1 in units of 1/254, and its weights in a question and
// in code. Words are in lower case, as identifiers are split. ok is false for a word that is not in
// the table. The vector must not be changed.
func (t *Table) Embed(word string) (vector []int8, question, code float32, ok bool) {
	row, ok := t.rows[word]
	if !ok {
		return nil, 0, 0, false
	}
	return t.vectors[row*t.width : (row+1)*t.width], t.question[row], t.code[row], true
}

// ID names the table by its bytes.
func (t *Table) ID() string { return t.id }
