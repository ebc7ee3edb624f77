package perplexity

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// The hand-written splitters against the regular expressions they stand for.
func FuzzSplitter(f *testing.F) {
	expressions := map[string]*regexp2.Regexp{}
	for pattern := range patterns {
		expressions[pattern] = regexp2.MustCompile(pattern, regexp2.None)
	}
	for _, seed := range []string{
		"", "it's WE'LL don't 'RE're", "a  b\n\n  c \t\r\n", "1234567 １２³", "x=1;//\n\n#", "漢字 e\u0301\u00a0\u3000 🙂!",
		" \n \n", "\n  x  ",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		// The engine folds case by its own table and knows nothing of broken UTF-8; both have tests
		// of their own.
		if !utf8.ValidString(text) || strings.ContainsRune(text, 'ſ') {
			return
		}
		for pattern, expression := range expressions {
			if got, want := pieces(patterns[pattern], text), matches(t, expression, text); !slices.Equal(got, want) {
				t.Errorf("%s: %q is cut into %q, want %q", pattern, text, got, want)
			}
		}
	})
}

func pieces(s splitter, text string) (out []string) {
	for i := 0; i < len(text); {
		end := s.next(text, i)
		out = append(out, text[i:end])
		i = end
	}
	return out
}

func matches(t *testing.T, expression *regexp2.Regexp, text string) (out []string) {
	m, err := expression.FindStringMatch(text)
	for ; m != nil && err == nil; m, err = expression.FindNextMatch(m) {
		out = append(out, m.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBrokenUTF8IsCutBytewise(t *testing.T) {
	for pattern, s := range patterns {
		if got, want := pieces(s, "ab\xffcd \xfe"),
			[]string{"ab", "\xff", "cd", " ", "\xfe"}; !slices.Equal(got, want) {
			t.Errorf("%s: pieces %q, want %q", pattern, got, want)
		}
	}
}

func TestLongSFoldsIntoContractions(t *testing.T) {
	if got, want := pieces(patterns[qwen2Pattern], "it'ſx"), []string{"it", "'ſ", "x"}; !slices.Equal(got, want) {
		t.Errorf("pieces %q, want %q", got, want)
	}
}
