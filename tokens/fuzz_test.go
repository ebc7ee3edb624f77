package tokens_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pith/tokens"
)

// longestToken is above the longest token of cl100k_base and o200k_base, 128 spaces, in bytes.
const longestToken = 256

func FuzzCount(f *testing.F) {
	f.Add("func main() {\n\treturn\n}\n", "x := 1\n")
	f.Add(strings.Repeat("a", 3000), "漢字")
	f.Add("<|endoftext|>\r\n\r\n", "'s \u00a0\u3000\xff\xfe")
	counters := []*tokens.Counter{shared.For("gpt-4o"), shared.For("gpt-4")}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, c := range counters {
			checkParts(t, c, a)
			na, nb, both := c.Count(a), c.Count(b), c.Count(a+b)
			if again := c.Count(a + b); again != both {
				t.Errorf("Count is %d, then %d", both, again)
			}
			if seen := len(strings.ToValidUTF8(a, "\ufffd")); na*longestToken < seen || na > 3*len(a) {
				t.Errorf("Count = %d for %d bytes", na, len(a))
			}
			if first, _ := utf8.DecodeRuneInString(b); strings.HasSuffix(a, "\n") &&
				alphanumeric(first) && na+nb != both {
				t.Errorf("Count(a) + Count(b) = %d + %d, Count(a+b) = %d where a line begins", na, nb, both)
			}
		}
	})
}

// checkParts holds the parts of a text against the text and its count.
func checkParts(t *testing.T, c *tokens.Counter, text string) {
	t.Helper()
	var whole strings.Builder
	sum := 0
	for part := range c.Parts(text) {
		whole.WriteString(part)
		sum += c.Count(part)
	}
	if whole.String() != text || sum != c.Count(text) {
		t.Errorf("parts of %q are %q and count %d of %d", text, whole.String(), sum, c.Count(text))
	}
}

func alphanumeric(r rune) bool { return unicode.Is(unicode.L, r) || unicode.Is(unicode.N, r) }
