package tokens

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

// maxRun is the longest run, in bytes, that reaches the tokenizer in one piece. Its merge step is
// quadratic in a run: 64 KB of one letter, of spaces or of CJK without punctuation take 3 s whole,
// 50 ms in pieces of 2048 and 12 ms in these. Words, numbers and indentation are far shorter.
const maxRun = 512

// A class is a set of runes that the split patterns of the encodings join into one piece.
type class uint8

const (
	none class = iota
	letter
	number
	space
	other
	// mark is a combining mark: a letter to o200k_base, punctuation to the older patterns. It
	// continues the run it is in.
	mark
)

// pieces cuts text where a run of one class reaches maxRun. A cut falls between runes and depends
// only on the run, so equal runs are always cut alike.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if len(text) <= maxRun/utf8.UTFMax { // too short for a run, even if every byte is invalid
			yield(text)
			return
		}
		start, run := 0, 0
		current := none
		for i, r := range text {
			// The tokenizer sees an invalid byte as U+FFFD, three bytes long; RuneLen counts it so.
			size := utf8.RuneLen(r)
			if c := classOf(r); c != current && c != mark {
				current, run = c, 0
			}
			if run+size > maxRun {
				if !yield(text[start:i]) {
					return
				}
				start, run = i, 0
			}
			run += size
		}
		yield(text[start:])
	}
}

// classOf agrees with \p{L}, \p{N} and \s of the split patterns on every rune.
func classOf(r rune) class {
	if r < utf8.RuneSelf {
		return ascii[r]
	}
	switch {
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.M, r):
		return mark
	case unicode.Is(unicode.N, r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// ascii is classOf for the runes that source code is made of.
var ascii = func() (table [utf8.RuneSelf]class) {
	for r := range table {
		switch {
		case 'a' <= r|0x20 && r|0x20 <= 'z':
			table[r] = letter
		case '0' <= r && r <= '9':
			table[r] = number
		case r == ' ' || '\t' <= r && r <= '\r':
			table[r] = space
		default:
			table[r] = other
		}
	}
	return table
}()
