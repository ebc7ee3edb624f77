package tokens

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// A splitter cuts ASCII text where the pattern of cl100k_base or o200k_base does. The patterns are
// tried from left to right; next goes through the same alternatives in the same order.
type splitter struct {
	// byCase is o200k_base: words also end before a capital, carry their contraction, and a slash
	// may follow a line end.
	byCase bool
}

// next returns the length of the first part of text, which must not be empty.
func (s *splitter) next(text string) int {
	if !s.byCase {
		if n := contraction(text); n > 0 {
			return n
		}
	}
	if n := s.word(text); n > 0 {
		return n
	}
	if n := prefix(text, number); n > 0 { // \p{N}{1,3}
		return min(n, 3)
	}
	if n := s.punctuation(text); n > 0 {
		return n
	}
	return whitespace(text)
}

// word is a run of letters with one character before it that is no line end:
// `[^\r\n\p{L}\p{N}]?\p{L}+`, and with byCase capitals followed by small letters.
func (s *splitter) word(text string) int {
	start := 0
	if c := text[0]; ascii[c] != letter {
		if c == '\r' || c == '\n' || ascii[c] == number || len(text) < 2 || ascii[text[1]] != letter {
			return 0
		}
		start = 1
	}
	if !s.byCase {
		return start + prefix(text[start:], letter)
	}
	end := start
	for end < len(text) && 'A' <= text[end] && text[end] <= 'Z' {
		end++
	}
	for end < len(text) && 'a' <= text[end] && text[end] <= 'z' {
		end++
	}
	return end + contraction(text[end:])
}

// contraction is (?i:'s|'t|'re|'ve|'m|'ll|'d).
func contraction(text string) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	switch text[1] | 0x20 {
	case 's', 't', 'm', 'd':
		return 2
	}
	if len(text) >= 3 {
		switch strings.ToLower(text[1:3]) {
		case "re", "ve", "ll":
			return 3
		}
	}
	return 0
}

// punctuation is ` ?[^\s\p{L}\p{N}]+[\r\n]*`, the last class with a slash for byCase.
func (s *splitter) punctuation(text string) int {
	start := 0
	if text[0] == ' ' {
		start = 1
	}
	n := prefix(text[start:], other)
	if n == 0 {
		return 0
	}
	end := start + n
	for end < len(text) && (text[end] == '\r' || text[end] == '\n' || s.byCase && text[end] == '/') {
		end++
	}
	return end
}

// whitespace is `\s*[\r\n]+|\s+(?!\S)|\s+`: up to the last line end of the run; else all but the
// last character, which belongs to what follows; else what there is.
func whitespace(text string) int {
	n := prefix(text, space)
	if i := strings.LastIndexAny(text[:n], "\r\n"); i >= 0 {
		return i + 1
	}
	if n < len(text) && n > 1 {
		return n - 1
	}
	return n
}

// prefix is the length of the run of a class that text begins with.
func prefix(text string, c class) int {
	n := 0
	for n < len(text) && ascii[text[n]] == c {
		n++
	}
	return n
}

// lines cuts text after line ends across which no part of cl100k_base or o200k_base reaches: those
// not followed by another line end with at most white space between, nor by a slash.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i < len(text); i++ {
			if text[i] != '\n' {
				continue
			}
			next := i + 1
			for next < len(text) && (text[next] == ' ' || text[next] == '\t') {
				next++
			}
			// A character that is not ASCII may be white space of another script, which the
			// patterns join too.
			if next == len(text) || text[next] >= utf8.RuneSelf || ascii[text[next]] == space ||
				next == i+1 && text[next] == '/' {
				continue
			}
			if !yield(text[start : i+1]) {
				return
			}
			start = i + 1
		}
		if start < len(text) {
			yield(text[start:])
		}
	}
}
