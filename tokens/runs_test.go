package tokens

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// The bound on runs holds only if our classes are those of the split patterns.
func TestClassesAgreeWithPatterns(t *testing.T) {
	patterns := map[class]*regexp2.Regexp{
		letter: regexp2.MustCompile(`^\p{L}$`, regexp2.None),
		number: regexp2.MustCompile(`^\p{N}$`, regexp2.None),
		space:  regexp2.MustCompile(`^\s$`, regexp2.None),
		mark:   regexp2.MustCompile(`^\p{M}$`, regexp2.None),
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x3FF && !unicode.IsSpace(r) && unicode.Is(unicode.L, r) && r%997 != 0 {
			continue // the blocks of ideographs by sample
		}
		want := other
		for c, re := range patterns {
			// $ also matches before a last newline, which is the only rune then.
			if ok, err := re.MatchString(string(r)); err != nil {
				t.Fatal(err)
			} else if ok {
				want = c
			}
		}
		if got := classOf(r); got != want {
			t.Errorf("classOf(%U) = %d, the pattern says %d", r, got, want)
		}
	}
}

func TestPieces(t *testing.T) {
	long := strings.Repeat("a", maxRun)
	tests := []struct {
		name, text string
		want       []int // lengths
	}{
		{"empty", "", []int{0}},
		{"short", "a b", []int{3}},
		{"a run that just fits", long, []int{maxRun}},
		{"one byte more", long + "a", []int{maxRun, 1}},
		{"a break inside", long + " " + long, []int{2*maxRun + 1}},
		{"runes stay whole", strings.Repeat("漢", maxRun/3+1), []int{maxRun / 3 * 3, 3}},
		{"invalid bytes count as the tokenizer sees them", strings.Repeat("\xff", maxRun/3+1), []int{maxRun / 3, 1}},
		{"marks continue a run", strings.Repeat("e\u0301", maxRun/3+1), []int{maxRun - 1, 2}},
	}
	for _, tt := range tests {
		var got []int
		for piece := range pieces(tt.text) {
			got = append(got, len(piece))
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: pieces of %v bytes, want %v", tt.name, got, tt.want)
			continue
		}
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%s: pieces of %v bytes, want %v", tt.name, got, tt.want)
				break
			}
		}
	}
}

func FuzzPieces(f *testing.F) {
	f.Add(strings.Repeat("a", 5000))
	f.Add(strings.Repeat("\xff漢", 2000))
	f.Fuzz(func(t *testing.T, text string) {
		var whole strings.Builder
		for piece := range pieces(text) {
			if run := longestRun(piece); run > maxRun {
				t.Errorf("a piece has a run of %d bytes", run)
			}
			whole.WriteString(piece)
		}
		if whole.String() != text {
			t.Error("the pieces do not give the text back")
		}
	})
}

// longestRun is the longest stretch of one class with marks in it, in bytes as the tokenizer sees
// them.
func longestRun(text string) int {
	longest, run, current := 0, 0, none
	for _, r := range text {
		if c := classOf(r); c != mark && c != current {
			current, run = c, 0
		}
		run += utf8.RuneLen(r)
		longest = max(longest, run)
	}
	return longest
}
