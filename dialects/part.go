package dialects

import (
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// What follows recognises what speaks of a part of a file: arguments, paths, info strings, notices.
// In doubt it is a part.

// partWords are the words of argument names that ask for a part.
var partWords = wordSet("offset limit start end line lines range ranges from to head tail count num max min " +
	"first last begin page pages chunk section symbol pattern query after before context skip take length size " +
	"position slice window until since selection startline endline bytes chars characters nlines numlines maxlines " +
	"fromline toline span region around at part parts portion anchor function method search find regex regexp " +
	"filter grep match budget focus row rows ln block cursor token tokens")

// alteredWords are those of switches, and of their values, by which a tool shows a file in another
// form.
var alteredWords = wordSet("outline slice skeleton signature signatures summary summarize summarized symbols compact " +
	"compress compressed head tail preview snippet excerpt partial chunk section range indentation strip minify " +
	"minified collapse collapsed fold folded truncate truncated brief abbreviated condense condensed squeeze")

// plainNumbers are the words of arguments whose numbers say nothing about a file.
var plainNumbers = wordSet("timeout ms seconds version id indent tab width port retries pid priority")

var nameWord = regexp.MustCompile(`[A-Z]?[a-z]+|[A-Z]+`)

// isPartKey reports that a name, in snake or camel case, has a word for a part.
func isPartKey(name string) bool {
	return hasWord(name, func(word string) bool {
		return partWords[word] || partWords[strings.TrimSuffix(word, "s")] || strings.HasPrefix(word, "line")
	})
}

func hasWord(name string, is func(word string) bool) bool {
	return slices.ContainsFunc(nameWord.FindAllString(name, -1),
		func(word string) bool { return is(strings.ToLower(word)) })
}

// asksForPart reports that a call's arguments name a range, at any depth, or another form than the
// file's own. Any range counts: whether it covers the file cannot be known from here.
func asksForPart(args gjson.Result) bool {
	if args.Get("should_read_entire_file").Type == gjson.True {
		return false
	}
	return holdsRange(args, 0)
}

// maxNesting is how deep arguments and results are looked into. Deeper ones are made to be slow to
// read, and pass.
const maxNesting = 16

func holdsRange(v gjson.Result, depth int) bool {
	if depth > maxNesting {
		return true
	}
	found := false
	v.ForEach(func(key, value gjson.Result) bool {
		switch {
		case v.IsObject() && isPartKey(key.Str):
			found = value.Type == gjson.Number || value.Type == gjson.String && value.Str != "" ||
				value.Type == gjson.JSON && len(value.Raw) > 2
		case value.IsObject() || value.IsArray():
			found = holdsRange(value, depth+1)
		case value.Type == gjson.Number:
			found = !hasWord(key.Str, func(word string) bool { return plainNumbers[word] })
		case value.Type == gjson.True:
			found = hasWord(key.Str, func(word string) bool { return alteredWords[word] })
		case value.Type == gjson.String && !pathKeys[key.Str]:
			found = alteredWords[strings.ToLower(value.Str)] || rangeValue.MatchString(value.Str)
		}
		return !found
	})
	return found
}

// rangeValue is a text that is a range and nothing else.
var rangeValue = regexp.MustCompile(`(?i)^\W*(?:l|lines?|rows?|page)?\s*\d+\s*(?:[-–:,/]|\.\.+|to)\s*` +
	`l?(?:\d+|end|\$|-1)?\W*$`)

// pathRange is a range or a line behind a path: "a.go:40-216", "a.go#L40", "a.go (40-216)", "a.go
// lines 40 to 216", "a.go@40,80".
var pathRange = regexp.MustCompile(`(?i)(?:^|[\w)\]"'` + "`" + `])\s*(?:[:#@,]\s*|\s+[(\[{<]?|[(\[{<])` +
	`(?:l|lines?|rows?|range)?[ :=]*(\d+)(?:\s*(?:-|–|—|:|,|\.\.+|to|through)\s*l?(\d+|end|\$)?)?[)\]}>]?\s*$`)

// cutPathRange takes the range off a path's end.
func cutPathRange(s string) (file string, ranged bool) {
	if i := strings.IndexAny(s, "#?"); i > 0 && strings.Contains(path.Base(s[:i]), ".") {
		return s[:i], true
	}
	m := pathRange.FindStringIndex(s)
	if m == nil || m[0] == 0 {
		return s, false
	}
	return strings.TrimRight(s[:m[0]+1], " "), true
}

var (
	amount = `\d[\d,.]*\s*(?:k|kb|kib|mb)?\s*(?:more\s+|further\s+|other\s+|additional\s+)?(?:lines?|tokens?|chars?|` +
		`characters?|bytes?|rows?|words?|kb|kib|mb)\b`
	gone = `\b(?:truncated|omitted|elided|skipped|hidden|removed|clipped|trimmed|collapsed|suppressed|not\s+shown|` +
		`left\s+out|cut\s+off|remaining|redacted)\b`
	cutOff = `\b(?:truncated|omitted|elided|snipped|clipped|not\s+shown)\b`
	// goneNotice says how much, or that something, is not there. No code says it but in words about
	// other texts.
	goneNotice = regexp.MustCompile(`(?i)` + amount + `[^"'` + "`" + `;=(){}]{0,24}` + gone + `|` + gone + `[^"'` +
		"`" + `\w]{0,4}` + amount +
		`|\blines?\s+\d+\s*(?:-|–|to)\s*\d+\s+` + gone +
		`|^\W*(?:the\s+)?(?:output|content|contents|file|result|response|text|rest)?\s*(?:was\s+|is\s+|has been\s+)?` +
		gone + `\W*$` +
		`|(?:^|[\s.…])[\[<](?:[\w .,:…-]{0,40}\W)?` + cutOff +
		`[\w .,:…-]{0,40}[\]>]\s*$|(?:^|[\s.…])\([\w .,:…-]{2,40}\s` + cutOff + `[\w .,:…-]{0,40}\)\s*$` +
		`|^\W*(?:<snip>|\[snip\]|\[\.\.\.\]|\[…\]|<\.\.\.>|…+)\W*$` +
		`|…\s*` + amount + `|` + amount + `\s*…|\.\.\.\s*\d+ (?:more )?lines?\s*\.\.\.`)
	// partNotice are words that a note about a whole file does not use.
	partNotice = regexp.MustCompile(
		`(?i)\b(?:truncat\w*|omitted|elided|partial|partially|excerpt|snippet|preview|showing|` +
			`too\s+(?:large|long|big)|more\s+lines|(?:has|have|are|is)\s+more|remaining|continue\s+reading|` +
			`(?:use|using|with)\s+(?:an?\s+)?(?:offset|limit|range|start_line|line_range|view_range)|` +
			`not\s+shown|beginning\s+of|end\s+of\s+(?:the\s+)?range|` +
			`abridged|shortened|incomplete|rest\s+of|remainder|continue[sd]?|limited|limit\s+reached|exceed\w*|` +
			`maximum|capped|there\s+is\s+more|not\s+(?:displayed|loaded|reached|complete)|` +
			`(?:page|chunk|part|window|view)[\s:]+\d+|up\s+to\s+line|outline)\b|` +
			`(?i)(?:\b|_)(?:truncated|has_more|more_available|next_(?:offset|cursor|page)|` +
			`start_line|end_line)\s*[=:]|` +
			`(?i)\b(?:complete|eof)\s*[=:]\s*(?:false|no)\b|(?i)^\W*more\W*$|(?i)\(\w+ half\)|` +
			`(?i)\((?:head|tail|part|partial|cut)\)|` +
			`(?i)\b(?:first|last|next|only)\s+\d|\d%`)
	lineRange = regexp.MustCompile(
		`(?i)\b(?:lines?|rows?|range|l)\s*[:=]?\s*["'(\[]*(\d+)\s*(?:-|–|—|:|,|\.\.+|to|through|and)\s*l?(\d+|end)` +
			`(?:\s*\)?\s*(?:of|/|out of)\s*(?:about\s+)?(\d+))?`)
	bareRange = regexp.MustCompile(
		`(?:^|[\s\[({:#@,=])l?(\d{1,7})\s*(?:-|–|—|\.\.+|~|\bto\b|\bthrough\b|à|bis)\s*l?(\d{1,7})` +
			`(?:\s*(?:of|/|out of|sur|von)\s*(\d+))?(?:$|[^\w.-])`)
	outOf = regexp.MustCompile(
		`(?i)\b(\d+)\s*(?:of|/|out of)\s*(\d+)\s*(?:total\s+)?lines?\b|\blines?:?\s*(\d+)\s*(?:/|of|out of)\s*(\d+)\b`)
	lineCount = regexp.MustCompile(
		`(?i)(?:^|[^\d.,-])(\d[\d,]*)\s*(?:total\s+|output\s+)?lines?\b|\b(?:total|output|number of|file|all)` +
			`[ _-]?(?:output\s+)?lines?\s*[:=]?\s*(\d[\d,]*)|\blines?\s*[:=]\s*(\d[\d,]*)\b`)
	commandSay = regexp.MustCompile(`^\s*(?:Command|Directory|Cwd|CWD|Working directory)\s*:`)
)

// goneHints are in each notice, whatever its case: a look for them is a hundred times as fast as
// the pattern.
var goneHints = [...]string{
	"runcated", "mitted", "lided", "kipped", "idden", "emoved", "lipped", "rimmed", "ollapsed", "uppressed",
	"ot shown", "eft out", "ut off", "emaining", "edacted", "nipped", "TRUNCATED", "OMITTED", "snip", "…",
	"[...]", "<...>", "lines...", "lines ...", "line...",
}

func hintsOfGone(line string) bool {
	return slices.ContainsFunc(goneHints[:], func(hint string) bool { return strings.Contains(line, hint) })
}

// speaksOfGone reports that a line says, in words that no code uses of itself, that something is
// not there.
func speaksOfGone(line string) bool {
	return len(line) < 4096 && hintsOfGone(line) && goneNotice.MatchString(line)
}

// A claim is what a tool's words around a file say about how much of it there is.
type claim int

const (
	saysNothing claim = iota
	saysPart
	saysOpen  // a range that the lines that are there bear out, of a file of unknown length
	saysWhole // a count, or a range of a known length, which the lines that are there bear out
)

// claims reads a line that stands around a file of n lines.
func claims(line string, n int) claim {
	if commandSay.MatchString(line) || len(line) > 4096 {
		return saysNothing
	}
	line = nothingLeft.ReplaceAllString(line, "")
	said, open := saysNothing, false
	fits := func(s string) bool { // one more where the end of the last line is counted as a line
		k, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
		return err == nil && (k == n || k == n+1)
	}
	for _, re := range []*regexp.Regexp{lineRange, bareRange} {
		for _, m := range re.FindAllStringSubmatch(line, -1) {
			switch {
			case m[1] != "1" || !fits(m[2]) || m[3] != "" && !fits(m[3]):
				return saysPart
			case m[3] == "":
				open = true
			default:
				said = saysWhole
			}
		}
	}
	for _, m := range outOf.FindAllStringSubmatch(line, -1) {
		if !fits(m[1]+m[3]) || !fits(m[2]+m[4]) {
			return saysPart
		}
		said = saysWhole
	}
	for _, m := range lineCount.FindAllStringSubmatch(line, -1) {
		if !fits(m[1] + m[2] + m[3]) {
			return saysPart
		}
		said = saysWhole
	}
	switch {
	case said == saysWhole && (hintsOfGone(line) || lessNotice.MatchString(line)):
		return saysPart
	case said == saysWhole:
		return saysWhole
	case open:
		line = showing.ReplaceAllString(line, "")
	}
	switch {
	case partNotice.MatchString(line) || speaksOfGone(line):
		return saysPart
	case open:
		return saysOpen
	}
	return saysNothing
}

// showing is what a range is said with, whether there is more or not.
var showing = regexp.MustCompile(`(?i)\bshowing\b`)

// claimsAround reads the lines that stand around a file of n lines together: what one shows another
// may count.
func claimsAround(around []textLine, n int) claim {
	said, open := saysNothing, false
	for i := range around {
		switch claims(around[i].text, n) {
		case saysPart:
			return saysPart
		case saysOpen:
			open = true
		case saysWhole:
			said = saysWhole
		case saysNothing:
			if text := around[i].text; !commandSay.MatchString(text) && shortNotice.MatchString(text) {
				return saysPart
			}
		}
	}
	if open && said != saysWhole {
		return saysOpen
	}
	return said
}
