package dialects

import "strings"

// numberMarks are what read tools put between a line's number and its text, longest first where one
// starts another: Claude Code's arrow and cat -n's tab, Cline's " | ", the bare bar, the colon of
// grep.
var numberMarks = [...]string{"→", "\t", " | ", "| ", "|", ": ", ":\t"}

// stripNumbers reads lines whose first carries a line number. It returns the texts of the leading
// run of lines that are numbered one after the other in one style, and the first number. An empty
// result means that the lines are not numbered.
func stripNumbers(lines []textLine) (texts []string, first int) {
	if len(lines) == 0 {
		return nil, 0
	}
	for _, mark := range numberMarks {
		n, _, ok := cutNumber(lines[0].text, mark)
		if !ok {
			continue
		}
		texts := make([]string, 0, len(lines))
		for i := range lines {
			got, text, ok := cutNumber(lines[i].text, mark)
			if !ok || got != n+i {
				break
			}
			texts = append(texts, text)
		}
		// Two lines in order may be chance ("1: x" in a list); a file worth shortening has many.
		if len(texts) >= 3 {
			return texts, n
		}
	}
	return nil, 0
}

// skipHeading steps over the line or two that some tools put above numbered lines ("Here's the
// result of running `cat -n` on main.go:"), and returns 0 where no numbers follow.
func skipHeading(lines []textLine) int {
	for i := range min(3, len(lines)) {
		if texts, _ := stripNumbers(lines[i:]); len(texts) > 0 {
			return i
		}
	}
	return 0
}

// cutNumber splits "   12→text" at mark.
func cutNumber(line, mark string) (n int, text string, ok bool) {
	s := strings.TrimLeft(line, " ")
	digits := 0
	for digits < len(s) && digits < 9 && s[digits] >= '0' && s[digits] <= '9' {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	if digits == 0 {
		return 0, "", false
	}
	s = s[digits:]
	if text, ok := strings.CutPrefix(s, mark); ok {
		return n, text, true
	}
	// A blank line may have lost the white space of its mark.
	if trimmed := strings.TrimRight(mark, " \t"); trimmed != mark && strings.TrimRight(s, " \t\r") == trimmed {
		return n, "", true
	}
	return 0, "", false
}
