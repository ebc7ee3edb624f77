package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// unstable is what differs from run to run in what a tool returned.
var unstable = regexp.MustCompile(`Chunk ID: \w+|Wall time: [0-9.]+ seconds|PGID: \d+|\b\d+(\.\d+)?\s*(ms|s)\b`)

var agentGap = regexp.MustCompile(`^\s*(?://|#) \.\.\. lines (\d+)-(\d+) omitted`)

// compareRuns holds that a tool returned in both runs the same but for what differs in any two. One
// whose end the client loses is the other without one piece, and has most of it.
func compareRuns(t *testing.T, name, a, b string, cuts bool) {
	t.Helper()
	a, b = unstable.ReplaceAllString(a, ""), unstable.ReplaceAllString(b, "")
	if len(a) > len(b) {
		a, b = b, a
	}
	head, tail := 0, 0
	for head < len(a) && a[head] == b[head] {
		head++
	}
	for tail < len(a)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	if a != b && (!cuts || head+tail < len(a) || 2*len(a) < len(b)) {
		t.Errorf("%s: the client sends %.300q in one run and %.300q in the other, behind %.300q", name,
			a[head:len(a)-tail], b[head:len(b)-tail], a[max(0, head-200):head])
	}
}

// judgeResult compares what a tool returned with what of it reached the API. A result that was
// shortened holds nothing but its own lines, in order, and markers whose numbers are those of the
// file on disk; what stands around the file stays.
func judgeResult(t *testing.T, name, was, is string, disk map[string]string) (shortened bool) {
	t.Helper()
	if a, b := gjson.Get(was, "output"), gjson.Get(is, "output"); gjson.Valid(was) && a.Type == gjson.String {
		if strings.Replace(was, a.Raw, "", 1) != strings.Replace(is, b.Raw, "", 1) {
			t.Errorf("%s: around the output stands %.300s, not %.300s", name, is, was)
		}
		was, is = a.Str, b.Str
	}
	if was == is {
		return false
	}
	old, now := strings.Split(was, "\n"), strings.Split(is, "\n")
	at := 0
	for _, line := range now {
		m := agentGap.FindStringSubmatch(line)
		if m == nil {
			if at >= len(old) || old[at] != line {
				t.Errorf("%s: line %q stands where %q did", name, line, strings.Join(old[at:min(at+1, len(old))], ""))
				return true
			}
			at++
			continue
		}
		first, _ := strconv.Atoi(m[1])
		last, _ := strconv.Atoi(m[2])
		gap := old[at:min(len(old), at+last-first+1)]
		if !standsAt(gap, first, disk) {
			t.Errorf("%s: %q does not stand for these lines of a file: %.80q ...", name, line, gap)
		}
		at += len(gap)
		shortened = true
	}
	if at != len(old) {
		t.Errorf("%s: %d lines at the end are gone without a marker", name, len(old)-at)
	}
	return shortened
}

// firstWhole names the file of which a result shows every line, where none did so before.
func firstWhole(result string, disk map[string]string, shown map[string]bool) string {
	if inner := gjson.Get(result, "output"); gjson.Valid(result) && inner.Type == gjson.String {
		result = inner.Str
	}
	lines := strings.Split(result, "\n")
	for name, text := range disk {
		n := strings.Count(text, "\n")
		for at := 0; !shown[name] && at+n <= len(lines); at++ {
			if standsAt(lines[at:at+n], 1, map[string]string{name: text}) {
				shown[name] = true
				return name
			}
		}
	}
	return ""
}

// standsAt reports that lines, behind whatever numbers a tool puts before them, are those of a file
// from line first on.
func standsAt(lines []string, first int, disk map[string]string) bool {
	for _, text := range disk {
		file := strings.Split(text, "\n")
		ok := first-1+len(lines) <= len(file)
		for i := 0; ok && i < len(lines); i++ {
			// A terminal expands tabs, and Aider ends each line of an older message in two blanks.
			ok = strings.HasSuffix(strings.TrimRight(strings.ReplaceAll(lines[i], "\t", "        "), " "),
				strings.TrimRight(strings.ReplaceAll(file[first-1+i], "\t", "        "), " "))
		}
		if ok {
			return true
		}
	}
	return false
}
