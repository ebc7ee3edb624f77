package bench

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Completion scores a predicted piece of Python against the truth as LongCodeZip's long code
// completion does (section IV): blank lines and, in the prediction, comment lines do not count, and
// no more of the prediction than the truth has lines. similarity is 100 for equal texts and 0 for
// texts with nothing in common, by edit distance; exact is true for equal lines.
func Completion(predicted, truth string) (similarity float64, exact bool) {
	want := codeLines(truth, false)
	got := codeLines(predicted, true)
	got = got[:min(len(got), len(want))]
	a, b := strings.Join(got, "\n"), strings.Join(want, "\n")
	longest := max(len([]rune(a)), len([]rune(b)))
	if longest == 0 {
		return 100, true
	}
	return 100 * (1 - float64(levenshtein.ComputeDistance(a, b))/float64(longest)), slices.Equal(got, want)
}

func codeLines(text string, dropComments bool) []string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && (!dropComments || !strings.HasPrefix(line, "#")) {
			lines = append(lines, line)
		}
	}
	return lines
}
