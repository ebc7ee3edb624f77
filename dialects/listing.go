package dialects

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Left is why a piece of code is sent as it came without the engine being asked.
type Left string

// The reasons. They are few, as metrics are labelled with them.
const (
	LeftNoCode   Left = "no-code"       // not source code, or a failure
	LeftSmall    Left = "below-minimum" // too small to be worth it
	LeftPart     Left = "part"          // a part of a file, by the call's or the result's own words
	LeftSeen     Left = "seen-before"   // a file that was shown or may have changed before
	LeftUnsure   Left = "unsure"        // not surely the whole of one file, or its lines' numbers are not known
	LeftQuestion Left = "no-question"   // nothing says what matters
)

// A listing is the whole of one file as it stands in a text: its lines without what a tool wrote
// around them, and what the file says on each.
type listing struct {
	lines          []textLine
	content        []string
	path, language string
}

// listFile finds the file in what a tool returned for path. It is sure of two things, or says why
// not: that all of the file is there, and which line is the first.
func listFile(w *Work, lines []textLine, file string) (listing, Left) {
	if failedBefore(lines) {
		return listing{}, LeftNoCode
	}
	runs := numberedRuns(lines)
	if run, ok := mostly(lines, runs); ok {
		return listNumbered(w, lines, run, rawBegin(w, lines, file), file)
	}
	if carriesNumbers(lines) {
		if len(runs) == 1 && runs[0].first > 1 && 2*(runs[0].end-runs[0].start) > len(lines) {
			return listing{}, LeftPart
		}
		return listing{}, LeftUnsure
	}
	return listPlain(w, lines, file)
}

// listNumbered takes the run of numbered lines for the file. What stands before and behind it stays
// as it is. Were the numbers the file's own text, it would begin on line begin.
func listNumbered(w *Work, lines []textLine, run numberedRun, begin int, file string) (listing, Left) {
	if run.glued > 0 {
		run.start--
		heading, first := splitLine(lines[run.start], run.glued)
		lines = slices.Concat(lines[:run.start], []textLine{heading, first}, lines[run.start+1:])
		run.start, run.end = run.start+1, run.end+1
	}
	content, mark := run.texts(lines[run.start:run.end])
	if content == nil || run.ownNumbers(lines, content, mark, begin, file) {
		return listing{}, LeftUnsure
	}
	end := run.end
	if last := len(content) - 1; last > 0 && content[last] == "" { // what stands behind a final newline is no line
		content, end = content[:last], end-1
	}
	around := slices.Concat(lines[:run.start], lines[run.end:])
	for i := range around {
		if !w.weigh(around[i].text) {
			return listing{}, LeftUnsure
		}
		if l, ok := cutNumber(around[i].text); ok && l.open == run.open && !isClosing(around[i].text) {
			return listing{}, LeftUnsure // more of the file, and something between is not there
		}
	}
	if said := claimsAround(around, len(content)); said == saysPart || said == saysOpen {
		return listing{}, LeftPart
	}
	if endsInTheMiddle(file, content) {
		return listing{}, LeftPart
	}
	return listing{lines: lines[run.start:end], content: content, path: file}, ""
}

// splitLine cuts a line in two at a byte of its text that has no escapes before it.
func splitLine(line textLine, at int) (head, rest textLine) {
	head, rest = line, line
	head.text, rest.text = line.text[:at], line.text[at:]
	head.eol, head.end, rest.start = line.start+at, line.start+at, line.start+at
	return head, rest
}

// listPlain finds a file whose lines have no numbers. Everything before it must be understood: a
// line too many or too few makes the number in every marker false. Behind it a line that looks like
// a tool's own is left out: it then stays as it is.
func listPlain(w *Work, lines []textLine, file string) (listing, Left) {
	f := frame{work: w, lines: lines, last: len(lines), path: file}
	if left := f.open(); left != "" {
		return listing{}, left
	}
	f.close()
	if f.first >= f.last {
		return listing{}, LeftNoCode
	}
	body := f.lines[f.first:f.last]
	if left := f.judge(body); left != "" {
		return listing{}, left
	}
	list := pieceOf(body)
	list.path = file
	kind := kindOf(file, "")
	for _, text := range list.content {
		if !w.weigh(text) {
			return listing{}, LeftUnsure
		}
		if speaksOfGone(text) || isAside(text, kind) {
			return listing{}, LeftPart
		}
	}
	if endsInTheMiddle(file, list.content) {
		return listing{}, LeftPart
	}
	return list, lastLine(list.content, file)
}

// lastLine says why the last line that is not blank may not be the file's.
func lastLine(lines []string, file string) Left {
	last := ""
	for i := len(lines) - 1; i >= 0 && strings.TrimSpace(last) == ""; i-- {
		last = lines[i]
	}
	text := strings.TrimSpace(last)
	if text == "" || text[0] != last[0] || isComment(text, file) || strings.ContainsAny(text[len(text)-1:], "};{") ||
		codeWord.MatchString(text) && codeSign.MatchString(text) {
		return ""
	}
	_, ranged := cutPathRange(text)
	switch {
	case claims(text, len(lines)) == saysPart, ranged && names(text, file),
		wordy(text, kindOf(file, "")) && shortNotice.MatchString(text):
		return LeftPart
	case isRemark(strings.TrimRight(last, " \t\r"), kindOf(file, "")):
		return LeftUnsure
	}
	return ""
}

// pieceOf takes lines as they stand.
func pieceOf(lines []textLine) listing {
	list := listing{lines: lines, content: make([]string, 0, len(lines))}
	for i := range lines {
		list.content = append(list.content, lines[i].text)
	}
	return list
}

var (
	exitCode = regexp.MustCompile(
		`(?i)^\W*(?:(?:process |command |script |shell )?exited with(?: exit)?(?: code| status)?|` +
			`(?:exit|return)[ _-]?(?:code|status))\W{0,3}(\d+)\b`)
	errorText = regexp.MustCompile(
		`(?i)^\s*(?:<tool_use_error>|error\b|\[error|cat: |nl: |sed: |head: |tail: |fatal: |file not found|` +
			`no such file|permission denied|traceback \(most recent)`)
)

// isErrorText recognises a failure that only its words tell.
func isErrorText(line string) bool { return errorText.MatchString(line) }

// failedBefore reports that the first line, or the exit code among what stands around a command's
// output, tells of a failure.
func failedBefore(lines []textLine) bool {
	const near = 8
	for i := range lines {
		if i >= near && i < len(lines)-near {
			continue
		}
		if m := exitCode.FindStringSubmatch(lines[i].text); m != nil && strings.Trim(m[1], "0") != "" {
			return true
		}
	}
	for i := range lines {
		if text := strings.TrimSpace(lines[i].text); text != "" {
			return isErrorText(text)
		}
	}
	return true
}

// commentMarks begin a line that is a comment, a directive or a docstring, by the kind of file; the
// empty kind has those of all.
var commentMarks = map[string][]string{
	"":       {"//", "#", "/*", "*", "--", ";", "<!--", "%", `"""`, "'''", "{-", "(*", "'", "\""},
	"braced": {"//", "/*", "*", "#include", "#define", "#if", "#pragma", "#!", "#[", "#region", "#nullable", "'", "\""},
	"hashed": {"#", `"""`, "'''", "'", "\"", "=begin"},
}

var hashed = wordSet("py pyi python rb ruby sh bash zsh fish yaml yml toml pl r ex exs nix tf mk makefile cmake " +
	"dockerfile")

// isComment recognises a line of a file that is a comment, or begins a docstring.
func isComment(text, file string) bool {
	kind := kindOf(file, "")
	switch {
	case braced[kind] && kind != "php":
		kind = "braced"
	case hashed[kind]:
		kind = "hashed"
	default:
		kind = ""
	}
	return slices.ContainsFunc(commentMarks[kind], func(mark string) bool { return strings.HasPrefix(text, mark) })
}

// names reports that line has file's base name as a word.
func names(line, file string) bool {
	base := path.Base(cleanPath(file))
	if base == "." || base == "/" {
		return false
	}
	for at := 0; ; {
		i := strings.Index(line[at:], base)
		if i < 0 {
			return false
		}
		at += i + len(base)
		if at == len(line) ||
			!strings.ContainsAny(line[at:at+1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") {
			return true
		}
	}
}

// pathComment is the line that Copilot writes above a file: "// filepath: /r/a.go".
var pathComment = regexp.MustCompile(`^\s*(?://|#|--|<!--|/\*|;|%)\s*filepath:\s*(\S+)`)

// listBlock finds the file, or the piece of code, in a block that a user shows. A piece is numbered
// by its own lines.
func listBlock(w *Work, lines []textLine, b codeSpan) (listing, Left) {
	if b.partial {
		return listing{}, LeftPart
	}
	if m := pathComment.FindStringSubmatch(lines[0].text); m != nil && len(lines) > 1 {
		b.path, lines = cmp.Or(b.path, m[1]), lines[1:]
	}
	runs := numberedRuns(lines)
	if run, ok := mostly(lines, runs); ok {
		list, left := listNumbered(w, lines, run, 0, cmp.Or(b.path, "a."+b.language))
		list.path, list.language = b.path, b.language
		return list, left
	}
	if carriesNumbers(lines) {
		return listing{}, LeftPart
	}
	list := pieceOf(lines)
	list.path, list.language = b.path, b.language
	kind := kindOf(b.path, b.language)
	for i, text := range list.content {
		if !w.weigh(text) {
			return listing{}, LeftUnsure
		}
		if speaksOfGone(text) || isAside(text, kind) || isElided(text, kind) || i < 2 && saysRange(text, b.path) {
			return listing{}, LeftPart
		}
	}
	return list, ""
}

// saysRange reports that one of a block's first lines says which lines of a file follow: "// a.go,
// lines 40-216", "# a.py:40-216".
func saysRange(text, file string) bool {
	_, ranged := cutPathRange(text)
	return lineRange.MatchString(text) || bareRange.MatchString(text) && isComment(strings.TrimSpace(text), file) ||
		ranged && isComment(strings.TrimSpace(text), file) && strings.Contains(text, ".")
}
