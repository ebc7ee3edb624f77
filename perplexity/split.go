package perplexity

import (
	"unicode"
	"unicode/utf8"
)

// A splitter cuts text into the pieces that BPE may not merge across, as the tokenizer family's
// regular expression does. It is written by hand because a backtracking engine takes most of the
// time of encoding; the tests hold it against the expressions.
type splitter struct {
	// gpt2 selects GPT-2's expression; otherwise cl100k's, which Llama 3 and Qwen 2 share but for
	// the number of digits.
	gpt2 bool
	// digits is the longest run of digits in one piece; 0 means any.
	digits int
}

// patterns maps the regular expressions found in tokenizer.json files to the splitters that
// implement them.
var patterns = map[string]splitter{
	gpt2Pattern:   {gpt2: true},
	cl100kPattern: {digits: 3},
	qwen2Pattern:  {digits: 1},
}

const (
	gpt2Pattern   = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	cl100kPattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)` +
		`|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Pattern = `(?i:'s|'t|'re|'ve|'m|'ll|'d)` +
		`|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// A class is what the expressions tell apart. Bytes that are not UTF-8 are a class of their own:
// each is a piece.
type class uint8

const (
	other class = iota
	letter
	number
	space
	invalid
)

var asciiClass = func() (table [utf8.RuneSelf]class) {
	for r := range table {
		table[r] = runeClass(rune(r))
	}
	return table
}()

func runeClass(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

// at returns the class and the size in bytes of the character at s[i:]; the end of the text is of
// size 0.
func at(s string, i int) (class, int) {
	if i >= len(s) {
		return invalid, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		return asciiClass[c], 1
	}
	r, size := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && size == 1 {
		return invalid, 1
	}
	return runeClass(r), size
}

// run returns the end of the run of characters of class c that begins at i.
func run(s string, i int, c class) int {
	for {
		k, size := at(s, i)
		if k != c || size == 0 {
			return i
		}
		i += size
	}
}

// next returns the end of the piece that begins at s[i]; i is less than len(s).
func (p splitter) next(s string, i int) int {
	if s[i] == '\'' {
		if n := contraction(s[i+1:], !p.gpt2); n > 0 {
			return i + 1 + n
		}
	}
	if p.gpt2 {
		return p.nextGPT2(s, i)
	}
	c, size := at(s, i)
	switch c {
	case invalid:
		return i + size
	case letter:
		return run(s, i, letter)
	case number:
		return p.number(s, i)
	}
	if s[i] != '\r' && s[i] != '\n' {
		if end := run(s, i+size, letter); end > i+size {
			return end
		}
	}
	if c == other {
		return newlines(s, run(s, i, other))
	}
	if s[i] == ' ' {
		if end := run(s, i+1, other); end > i+1 {
			return newlines(s, end)
		}
	}
	return blank(s, i, true)
}

func (p splitter) nextGPT2(s string, i int) int {
	start := i
	c, size := at(s, i)
	if s[i] == ' ' {
		if c, size = at(s, i+1); size > 0 && c != space && c != invalid {
			start = i + 1
		} else {
			c = space
		}
	}
	switch c {
	case invalid:
		return i + size
	case space:
		return blank(s, i, false)
	}
	return run(s, start, c)
}

// number returns the end of the number piece at i.
func (p splitter) number(s string, i int) int {
	if p.digits == 0 {
		return run(s, i, number)
	}
	for range p.digits {
		c, size := at(s, i)
		if c != number {
			break
		}
		i += size
	}
	return i
}

func newlines(s string, i int) int {
	for i < len(s) && (s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i
}

// blank returns the end of the whitespace piece at i: up to the last line end of the run if lines
// count, else the run without its last character, which goes with what follows, else the run.
func blank(s string, i int, lines bool) int {
	end, last, lineEnd := i, i, -1
	for {
		c, size := at(s, end)
		if c != space {
			break
		}
		if s[end] == '\r' || s[end] == '\n' {
			lineEnd = end + 1
		}
		last = end
		end += size
	}
	switch {
	case lines && lineEnd > 0:
		return lineEnd
	case end == len(s) || last == i:
		return end
	}
	return last
}

// contraction returns the length of the English contraction's letters that s begins with (what
// follows the apostrophe), or 0.
func contraction(s string, fold bool) int {
	lower := func(i int) byte {
		if i >= len(s) {
			return 0
		}
		if fold && 'A' <= s[i] && s[i] <= 'Z' {
			return s[i] | 0x20
		}
		return s[i]
	}
	switch first, second := lower(0), lower(1); first {
	case 's', 't', 'm', 'd':
		return 1
	case 'r', 'v':
		if second == 'e' {
			return 2
		}
	case 'l':
		if second == 'l' {
			return 2
		}
	}
	// Under Unicode case folding the long s (U+017F) is an s.
	if fold && len(s) >= 2 && s[0] == 0xC5 && s[1] == 0xBF {
		return 2
	}
	return 0
}
