package dialects

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/tidwall/gjson"
)

// within decodes the JSON string whose content, quotes excluded, is t.all[start:end]: a string
// inside a string. Its lines stand in the body under two layers of escapes; offsets are t's walk.
func (t jsonText) within(w *Work, offsets func(int) int, start, end int) jsonText {
	inner := readText(w, []byte(t.all[start:end]), 0, end-start)
	inner.exact = inner.exact && t.exact && t.depth == 0
	inner.depth = t.depth + 1
	for i := range inner.lines {
		l := &inner.lines[i]
		l.start, l.eol, l.end = offsets(start+l.start), offsets(start+l.eol), offsets(start+l.end)
	}
	return inner
}

// walk returns a function that says where the byte at an offset of t.all begins in the body, for
// offsets that do not fall.
func (t jsonText) walk(body []byte) func(offset int) int {
	line, base := 0, 0 // base is the offset of the line in t.all
	at, decoded := 0, 0
	if len(t.lines) > 0 {
		at = t.lines[0].start
	}
	return func(offset int) int {
		for line < len(t.lines) && offset > base+len(t.lines[line].text) {
			base += len(t.lines[line].text) + 1
			at = t.lines[line].end
			line++
			decoded = base
		}
		for line < len(t.lines) && decoded < offset && at < t.lines[line].eol {
			size, n := rawSize(body, at, t.lines[line].eol)
			at += size
			decoded += n
		}
		return at
	}
}

// fileMember finds the one string of a JSON document that holds a file: the only one of several
// lines, of which there are found. part says that the document says that it holds a part, failed
// that it reports a failure.
func fileMember(all string) (start, end, found int, part, failed bool) {
	lines := 0
	var notes []textLine
	var look func(key string, v gjson.Result, depth int)
	look = func(key string, v gjson.Result, depth int) {
		switch {
		case depth > maxNesting:
			part = true
		case v.IsObject() || v.IsArray():
			v.ForEach(func(k, item gjson.Result) bool {
				name := k.String()
				if v.IsArray() {
					name = key
				}
				look(name, item, depth+1)
				return true
			})
		case v.Type == gjson.String && strings.Contains(v.Raw, `\n`):
			start, end = v.Index+1, v.Index+len(v.Raw)-1
			lines = strings.Count(strings.TrimSuffix(v.Str, "\n"), "\n") + 1
			found++
		case isExitKey(key) && v.Type == gjson.Number && v.Int() != 0, isErrorKey(key) && v.Type == gjson.True:
			failed = true
		case isPartKey(key) && speaksUp(v), speaksOfTruncation(key) && v.Type != gjson.False && speaksUp(v):
			part = true
		case v.Type == gjson.String && strings.Contains(v.Str, " ") && len(notes) < maxHeadings:
			notes = append(notes, textLine{text: v.Str})
		}
	}
	lead := len(all) - len(strings.TrimLeft(all, " \t\r\n"))
	root := gjson.Parse(all[lead:])
	root.Index = lead
	look("", root, 0)
	said := claimsAround(notes, lines)
	for _, said := range notes {
		if wordy(said.text, "") && !success.MatchString(said.text) {
			part = true // whatever it says, it is said of the file
		}
	}
	return start, end, found, part || said == saysPart || said == saysOpen, failed
}

// success is in what servers say of a file that is all there.
var success = regexp.MustCompile(`(?i)\b(?:success\w*|complete[dl]?y?|finished|ok|done)\b`)

func isExitKey(key string) bool {
	switch bareName(key) {
	case "returncode", "exitcode", "exit", "exitstatus", "status", "code":
		return true
	}
	return false
}

func isErrorKey(key string) bool {
	name := bareName(key)
	return name == "iserror" || name == "error" || name == "failed" || name == "timedout"
}

func speaksOfTruncation(key string) bool {
	name := bareName(key)
	return strings.Contains(name, "truncat") || strings.Contains(name, "partial") || strings.Contains(name, "omitted")
}

// speaksUp reports that a value says something: not null, false, zero or empty.
func speaksUp(v gjson.Result) bool {
	switch v.Type {
	case gjson.Null, gjson.False:
		return false
	case gjson.True:
		return true
	case gjson.Number:
		return v.Num != 0
	case gjson.String:
		return v.Str != ""
	default:
		return len(v.Raw) > 2
	}
}

// unpack returns the text in which a file may stand: t itself, or the string that holds it where t
// is JSON.
func (t jsonText) unpack(w *Work, body []byte) (inner jsonText, left Left) {
	w.spend(4 * len(t.all))
	head := strings.TrimLeft(t.all, " \t\r\n")
	if head == "" || !strings.Contains(`{["`, head[:1]) || !json.Valid([]byte(t.all)) {
		return t, ""
	}
	start, end, found, part, failed := fileMember(t.all)
	switch {
	case failed:
		return t, LeftNoCode
	case part:
		return t, LeftPart
	case found == 0:
		return t, LeftNoCode
	case found > 1:
		return t, LeftUnsure
	}
	return t.within(w, t.walk(body), start, end), ""
}
