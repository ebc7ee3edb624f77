package dialects

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// A frame is what a tool wrote around a file without line numbers. The file is lines[first:last].
type frame struct {
	work        *Work
	lines       []textLine
	first, last int
	path        string
	// tags are the elements that are open, blanks says that blank lines stand between a heading and
	// what is now first.
	tags   []string
	blanks int
}

var (
	// reportLine is a line of the report that shell tools put before a command's output. reportEnd
	// is its last, behind which, on the same line or the next, the output begins.
	reportLine = regexp.MustCompile(
		`^(?:Command|Directory|Cwd|CWD|Working directory|Chunk ID|Wall time|Process exited with code|Process running|` +
			`Exit [Cc]ode|Exit [Ss]tatus|Return [Cc]ode|Original token count|Total output lines|Script completed|` +
			`Script running|Signal|Duration|Status|Session ID|Warning)\b`)
	reportEnd = regexp.MustCompile(`^(?:Output|Result|Stdout|STDOUT|stdout):( ?)`)

	openTag   = regexp.MustCompile(`^<([A-Za-z][\w-]*)(\s[^<>]*)?>$`)
	pairedTag = regexp.MustCompile(`^<([A-Za-z][\w-]*)(?:\s[^<>]*)?>([^<>]*)</([A-Za-z][\w-]*)>$`)
	closeTag  = regexp.MustCompile(`^</([A-Za-z][\w-]*)>$`)
	ruler     = regexp.MustCompile(`^\s*(?:-{3,}|={3,}|\*{3,}|_{3,}|─{3,}|~{4,})\s*$`)

	// note is a line in a tool's words: "Key: value", a sentence, something in brackets.
	note     = regexp.MustCompile(`^[A-Z][A-Za-z ]{1,40}:(?:\s|$)`)
	sentence = regexp.MustCompile(`^(?:[A-Z][a-z']*|I)(?:,? [\w'./:-]+){2,}[.:!]?$`)
	bracket  = regexp.MustCompile(`^[\[(<].*[\])>]\.?$`)
	// headingWord is in each heading that announces a file without naming it.
	headingWord = regexp.MustCompile(`(?i)\b(?:contents?|file|output|result|source|text|code|here)\b`)
)

// open steps over what stands before the file, or says why that is not sure.
func (f *frame) open() Left {
	if left := f.report(); left != "" {
		return left
	}
	headings := f.first > 0
	for seen := 0; f.first < f.last && seen <= maxHeadings; {
		text := strings.TrimSpace(f.lines[f.first].text)
		switch {
		case text == "" && headings:
			f.blanks++
		case f.fence(text):
			f.blanks = 0
			return ""
		case f.tag(text), ruler.MatchString(text) && headings && !isYAML(f.path), isHeading(text, f.path),
			f.counted(text):
			headings, f.blanks = true, 0
			seen++ // each may look for its end through all of the file
		default:
			return ""
		}
		f.first++
	}
	if f.first < f.last {
		return LeftUnsure
	}
	return LeftNoCode
}

// counted reports that a line in brackets counts the lines that follow it.
func (f *frame) counted(text string) bool {
	if !bracket.MatchString(text) {
		return false
	}
	below := f.first + 1
	for below < f.last && strings.TrimSpace(f.lines[below].text) == "" {
		below++
	}
	return claims(text, f.last-f.first-1) == saysWhole || claims(text, f.last-below) == saysWhole
}

// maxHeadings is how many lines a tool writes above a file at most.
const maxHeadings = 64

// report steps over a shell tool's report: from a line of it to the one that announces the output.
func (f *frame) report() Left {
	for i := range min(len(f.lines), 16) {
		text := strings.TrimRight(f.lines[i].text, " \t\r")
		if m := reportEnd.FindStringIndex(f.lines[i].text); m != nil {
			// The output begins on the same line.
			if m[1] < len(f.lines[i].text) && strings.TrimSpace(f.lines[i].text[m[1]:]) != "" {
				head, rest := splitLine(f.lines[i], m[1])
				f.lines = append(append(append([]textLine{}, f.lines[:i]...), head, rest), f.lines[i+1:]...)
				f.last++
			}
			f.first = i + 1
			return ""
		}
		if text != "" && !reportLine.MatchString(text) {
			if i > 0 && strings.TrimSpace(f.lines[0].text) != "" {
				return LeftUnsure // a report that does not say where it ends
			}
			return ""
		}
	}
	return ""
}

// isReport reports that lines are a shell tool's report and nothing else.
func isReport(lines []textLine) bool {
	for i := range lines {
		text := strings.TrimRight(lines[i].text, " \t\r")
		if text != "" && !reportLine.MatchString(text) &&
			strings.TrimSpace(reportEnd.ReplaceAllString(text, "")) != "" {
			return false
		}
	}
	return true
}

// fence narrows the frame to a fence that opens with text and ends where the frame does.
func (f *frame) fence(text string) bool {
	if !strings.HasPrefix(text, "```") && !strings.HasPrefix(text, "~~~") {
		return false
	}
	inner := blockScanner{work: f.work, lines: f.lines[f.first:f.last]}
	b, ok := inner.fence(0)
	if !ok {
		return false
	}
	for _, line := range f.lines[f.first+b.close : f.last] {
		if text := strings.TrimSpace(line.text); text != "" && !isClosing(text) {
			return false
		}
	}
	f.first, f.last = f.first+b.first, f.first+b.last
	return true
}

// tag steps over one element of a tool's own: whole, or open to the end of the frame.
func (f *frame) tag(text string) bool {
	if isMarkup(f.path) && len(f.tags) == 0 && !strings.HasPrefix(text, "<file") &&
		!strings.HasPrefix(text, "<content") && !strings.HasPrefix(text, "<path") {
		return false
	}
	if m := pairedTag.FindStringSubmatch(text); m != nil && m[1] == m[3] {
		return true
	}
	m := openTag.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	for i := f.last - 1; i > f.first && i > f.last-64; i-- {
		if strings.TrimSpace(f.lines[i].text) == "</"+m[1]+">" {
			f.tags = append(f.tags, m[1])
			f.last = i
			f.trimBlanks()
			return true
		}
	}
	return false
}

// close steps back over what stands behind the file.
func (f *frame) close() {
	for f.last > f.first {
		i := f.last - 1
		for i > f.first && strings.TrimSpace(f.lines[i].text) == "" {
			i--
		}
		text := strings.TrimSpace(f.lines[i].text)
		if !f.work.weigh(text) {
			return
		}
		switch {
		case text == "</system-reminder>":
			for i > f.first && strings.TrimSpace(f.lines[i].text) != "<system-reminder>" {
				i--
			}
			f.last = i
		case isClosing(f.lines[i].text):
			f.last = i
		default:
			return
		}
		f.trimBlanks()
	}
}

// trimBlanks leaves out blank lines at the end: they stand between the file and what comes behind
// it.
func (f *frame) trimBlanks() {
	for f.last > f.first && strings.TrimSpace(f.lines[f.last-1].text) == "" {
		f.last--
	}
}

// isClosing reports that a line looks like a tool's own remark behind a file.
func isClosing(line string) bool {
	text := strings.TrimRight(line, " \t\r")
	return note.MatchString(text) || bracket.MatchString(text) || exitCode.MatchString(text) ||
		closeTag.MatchString(text) || sentence.MatchString(text) || text == "<system-reminder>"
}

// isHeading reports that a line announces the file: it names it, or it says in words that a file
// comes, and is neither code nor a comment of the file's own.
func isHeading(text, file string) bool {
	base := path.Base(cleanPath(file))
	if names(text, file) {
		if isComment(text, file) {
			return false
		}
		dressed := strings.Trim(text, "=-#*<>[]`\": \t")
		return strings.HasSuffix(text, ":") || cleanPath(dressed) == cleanPath(file) || dressed == base ||
			strings.HasSuffix(dressed, "/"+base) ||
			note.MatchString(text) || sentence.MatchString(text) || bracket.MatchString(text)
	}
	return strings.HasSuffix(text, ":") && sentenceOrWord(text) && headingWord.MatchString(text) && !isYAML(file)
}

func sentenceOrWord(text string) bool { return sentence.MatchString(text) || note.MatchString(text) }

// judge says why the lines found are not surely the whole file, by what stands before and behind
// them and by how they begin.
func (f *frame) judge(body []textLine) Left {
	n := len(body)
	around := slices.Concat(f.lines[:f.first], f.lines[f.last:])
	for i := range around {
		if !f.work.weigh(around[i].text) {
			return LeftUnsure
		}
	}
	said := claimsAround(around, n)
	if said == saysPart || said == saysOpen {
		// Blank lines below a heading may be the file's: a count that includes them says so.
		if f.blanks == 0 || claimsAround(around, n+f.blanks) != saysWhole {
			return LeftPart
		}
		return LeftUnsure
	}
	if f.blanks > 0 && said != saysWhole {
		return LeftUnsure
	}
	for i := range body {
		text := strings.TrimSpace(body[i].text)
		if i >= 3 {
			break
		}
		if !note.MatchString(text) && !sentence.MatchString(text) && !bracket.MatchString(text) {
			continue
		}
		switch claims(text, n) {
		case saysPart, saysOpen:
			return LeftPart
		case saysWhole: // the line itself is then none of the file's
			return LeftUnsure
		case saysNothing:
		}
	}
	first := strings.TrimSpace(body[0].text)
	kind := kindOf(f.path, "")
	switch {
	case !isComment(first, f.path) && wordy(first, kind) &&
		(braced[kind] || isPython(kind) || headingWord.MatchString(first)):
		return LeftUnsure
	case isComment(first, f.path), said == saysWhole:
		return ""
	case (braced[kind] || isPython(kind)) && oddBegin.MatchString(first):
		return LeftUnsure
	case f.first > 0 && keyed.MatchString(first) && !isData(kind): // more of the heading
		return LeftUnsure
	case names(first, f.path) && !strings.ContainsAny(first, "\"'`;{}="),
		sentence.MatchString(first) && strings.ContainsAny(first[len(first)-1:], ".:!"),
		bracket.MatchString(first) && strings.Contains(first, " ") && !strings.ContainsAny(first, "\"'(="):
		return LeftUnsure
	}
	return ""
}

// oddBegin begins no line of code.
var oddBegin = regexp.MustCompile("^[^\ufeff\\pL\\d_$/#@<'\"`({\\[\\\\}\\])*;]")

func isYAML(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".yaml" || ext == ".yml"
}

// isMarkup reports that a file's own first line may be a tag.
func isMarkup(file string) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".html", ".htm", ".xml", ".vue", ".svelte", ".xaml", ".xsd", ".xsl", ".svg", ".astro", ".jsx", ".tsx",
		".csproj", ".plist", ".php", ".erb", ".ejs":
		return true
	}
	return false
}
