package dialects

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A numberedLine is a line cut at its number: "  [12] text" opens with "[", has the number 12 and
// the rest "] text".
type numberedLine struct {
	open string
	n    int
	rest string
}

// maxOpen is how long what stands before a number may be, in bytes: "Line " is the longest known.
const (
	maxOpen   = 6
	maxPadded = maxOpen + 8 // with padding behind it
)

// byteOrderMark may stand before the first line's number, as the file's own or as the tool's.
const byteOrderMark = "\ufeff"

// cutNumber finds a line's number behind its padding. ok is false where the line has none, or where
// letters follow it.
func cutNumber(line string) (l numberedLine, ok bool) {
	s := strings.TrimLeft(strings.TrimPrefix(line, byteOrderMark), " \t")
	digits := strings.IndexAny(s[:min(len(s), maxPadded)], "0123456789")
	if digits < 0 || strings.ContainsAny(s[:digits], "\"'`-+./\\*") {
		return l, false
	}
	l.open = strings.TrimRight(s[:digits], " ") // the padding may stand behind it: "[  1]"
	if digits >= maxOpen && len(l.open) > 1 {
		return l, false
	}
	s = s[digits:]
	i := 0
	for i < len(s) && i < 9 && s[i] >= '0' && s[i] <= '9' {
		l.n = l.n*10 + int(s[i]-'0')
		i++
	}
	l.rest = s[i:]
	r, _ := utf8.DecodeRuneInString(l.rest)
	return l, l.rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
}

// A numberedRun is a run of lines whose numbers count up by one, in one shape.
type numberedRun struct {
	// start and end are its lines, half-open; first is the number of the first.
	start, end, first int
	// glued is where, on the line before start, line number one stands behind a heading; zero:
	// nowhere.
	glued int
	open  string
}

// minRun is how many lines in order are no chance.
const minRun = 3

// numberedRuns lists the runs of at least minRun lines, in order.
func numberedRuns(lines []textLine) []numberedRun {
	var list []numberedRun
	for i := 0; i < len(lines); {
		l, ok := cutNumber(lines[i].text)
		if !ok {
			i++
			continue
		}
		run := numberedRun{start: i, end: i + 1, first: l.n, open: l.open}
		for run.end < len(lines) {
			next, ok := cutNumber(lines[run.end].text)
			if !ok || next.open != l.open || next.n != l.n+run.end-i {
				break
			}
			run.end++
		}
		if run.end-run.start >= minRun {
			if run.first == 2 && i > 0 {
				run.glued = gluedFirst(lines[i-1].text, l.open)
			}
			list = append(list, run)
		}
		i = run.end
	}
	return list
}

var gluedNumber = regexp.MustCompile(`^[A-Z][\w ]*:( *)(\S{0,5}?)0*1\b`)

// gluedFirst finds where line number one begins on a heading's own line: "Output:      1  package
// main". Zero: nowhere.
func gluedFirst(heading, open string) int {
	m := gluedNumber.FindStringSubmatchIndex(heading)
	if m == nil || heading[m[4]:m[5]] != open {
		return 0
	}
	return min(m[2]+1, m[3])
}

// mostly finds the run that numbers the text: it counts from one and takes more than half of the
// lines. The others must carry no such numbers, or they are of the file as well and something
// between is not there.
func mostly(lines []textLine, runs []numberedRun) (run numberedRun, ok bool) {
	for _, r := range runs {
		if (r.first == 1 || r.glued > 0) && 2*(r.end-r.start) > len(lines) {
			run, ok = r, true
		}
	}
	return run, ok
}

// carriesNumbers reports that lines are numbered in a way that is not understood: most of them, or
// one in a few, each with the number that its place has.
func carriesNumbers(lines []textLine) bool {
	if countsUp(lines) {
		return true
	}
	numbers, filled := 0, 0
	places := map[int]int{} // number minus index, of lines that do not follow one of the same place
	last, lastAt := 0, -2
	for i := range lines {
		if strings.TrimSpace(lines[i].text) == "" {
			continue
		}
		filled++
		l, ok := cutNumber(lines[i].text)
		if !ok {
			continue
		}
		numbers++
		if place := l.n - i; lastAt != i-1 || last != place {
			places[place]++
			last = place
		}
		lastAt = i
	}
	if numbers >= minRun && 2*numbers >= filled {
		return true
	}
	for _, n := range places {
		if n > minRun && 12*n >= filled {
			return true
		}
	}
	return false
}

// headBytes is how far into a line its number is looked for that stands behind a dress of its own.
const headBytes = 64

var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// countsUp reports that most lines begin, in whatever dress, with the number of their place,
// counted from any first one: "`12` text", "+12 text", "a.go:12: text".
func countsUp(lines []textLine) bool {
	filled := 0
	places := map[int]int{}
	path := ""
	for i := range lines {
		head := lines[i].text[:min(len(lines[i].text), headBytes)]
		if head[:min(1, len(head))] == "\x1b" {
			head = colours.ReplaceAllString(head, "")
		}
		if strings.TrimSpace(head) == "" {
			continue
		}
		filled++
		if filled == 1 {
			path = pathBefore(head)
		}
		head = strings.TrimPrefix(head, path)
		at := strings.IndexFunc(head, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		n, digits := 0, 0
		for at >= 0 && at+digits < len(head) && digits < 7 && head[at+digits] >= '0' && head[at+digits] <= '9' {
			n = n*10 + int(head[at+digits]-'0')
			digits++
		}
		if digits > 0 {
			places[n-i]++
		}
	}
	together := 0
	for _, n := range places {
		if n >= 2*minRun {
			together += n
		}
	}
	return filled > 2*minRun && 2*together >= filled
}

// pathBefore is the path at the beginning of "a.go:12: text", up to its number.
func pathBefore(line string) string {
	name, rest, ok := strings.Cut(line, ":")
	if ok && looksLikePath(name) && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
		return name + ":"
	}
	return ""
}

// hashMark is how line-addressed editors write a line's checksum between its number and its text:
// "12:3f|".
var hashMark = regexp.MustCompile(`^[:#][0-9A-Za-z]{1,12}[|:→]`)

// texts cuts the numbers off a run's lines. What stands between a number and its text is what all
// lines share, up to a letter or a digit: mark. It returns nil where they share nothing.
func (r numberedRun) texts(lines []textLine) (texts []string, mark string) {
	rests := make([]string, 0, len(lines))
	hashed := true
	for i := range lines {
		l, _ := cutNumber(lines[i].text)
		rests = append(rests, l.rest)
		hashed = hashed && hashMark.MatchString(l.rest)
	}
	if hashed {
		for i, rest := range rests {
			rests[i] = rest[len(hashMark.FindString(rest)):]
		}
		return rests, ""
	}
	if mark := strings.TrimLeft(rests[0], " "); mark != rests[0] && strings.IndexAny(mark, "|:>)]→│┃") == 0 {
		for i := range rests { // the padding stands behind the number
			rests[i] = strings.TrimLeft(rests[i], " ")
		}
	}
	sep := sharedMark(rests)
	if sep == "" {
		return nil, ""
	}
	for i, rest := range rests {
		text, ok := strings.CutPrefix(rest, sep)
		if !ok {
			text = "" // a blank line may have lost the white space of its mark
		}
		rests[i] = text
	}
	return rests, sep
}

// sharedMark is the longest beginning that all rests share, where blank ones may lack white space.
// Indentation that all of a file's lines share is left to the file.
func sharedMark(rests []string) string {
	sep, have := "", false
	for _, rest := range rests {
		if strings.TrimRight(rest, " \t\r") == "" ||
			have && strings.TrimRight(rest, " \t\r") == strings.TrimRight(sep, " \t") {
			continue
		}
		if !have {
			sep, have = rest[:len(rest)-len(strings.TrimLeftFunc(rest, isMark))], true
			continue
		}
		n := 0
		for n < len(sep) && n < len(rest) && sep[n] == rest[n] {
			n++
		}
		sep = sep[:n]
	}
	for i := 0; i < utf8.UTFMax && !utf8.ValidString(sep); i++ { // cut within a character
		sep = sep[:len(sep)-1]
	}
	mark := strings.TrimSpace(sep)
	at := strings.Index(sep, mark)
	switch {
	case mark == "" && strings.HasPrefix(sep, "\t"):
		return "\t"
	case mark == "":
		return sep
	default: // one mark, and at most one blank behind it
		_, size := utf8.DecodeRuneInString(mark)
		if strings.HasPrefix(mark, "::") || strings.HasPrefix(mark, "->") || strings.HasPrefix(mark, "=>") {
			size = 2
		}
		for at+2*size <= len(sep) && sep[at:at+size] == sep[at+size:at+2*size] { // "||"
			size *= 2
		}
		end := at + size
		if end < len(sep) && (sep[end] == ' ' || sep[end] == '\t') {
			end++
		}
		return sep[:end]
	}
}

func isMark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
