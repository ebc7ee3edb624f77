package dialects

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A remark between two pieces of a file says in a few words that something is not there: "[99
// lines]", "-- middle removed --", "⋮". There are as many forms as there are clients, so it is
// known by its words: all of them are of this kind, and one of them says it.
var (
	// goneWords say by themselves that something is not there.
	goneWords = wordSet("truncated truncating truncation omitted omitting elided snip snipped clipped cut skipped " +
		"skipping hidden hiding removed deleted trimmed collapsed suppressed abridged shortened incomplete partial " +
		"partially excerpt more rest remaining remainder exceeded limited")
	// unitWords do so beside a number.
	unitWords = wordSet("line lines token tokens char chars character characters byte bytes kb mb kib mib row rows " +
		"word words chunk page part showing shown displayed displaying reached follow follows loaded")
	// fillWords say nothing.
	fillWords = wordSet("the a an of this that is are was were be been has have not no only file content contents " +
		"output result response text code data error warning note notice info important system middle first last " +
		"next beginning start end head tail from to through and or in on at up by for due its it here there too " +
		"long large big size length limit max maximum brevity other others another additional further total about " +
		"all your you see view use with available selected selection range between above below out off + % existing")
)

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

var (
	ellipsis = regexp.MustCompile(`^(?:\.{3,6}|…|⋮|⋯|\. \. \.)[-\s]*$|` +
		`^[\[(<{‹«]\s*(?:\.{3,6}|…|⋮|⋯)\s*[\])>}›»]$`)
	scissors  = regexp.MustCompile(`^\W*(?:8<|>8|✂)\W*$`)
	asideNum  = regexp.MustCompile(`^l?\d[\d.,]*(?:k|kb|mb|%)?$`)
	asideSpan = regexp.MustCompile(`(?i)^\W*l?\d+\s*(?:-|–|—|\.\.+)\s*l?\d+\W*$`)
	// elision is a comment that stands for code: "// ... existing code ...".
	elision = regexp.MustCompile(`(?i)^\s*(?://|#|--|/\*|<!--|\{/\*|;)\s*(?:\.{3}|…)\s*\(?(?:\w+ )?` +
		`(?:existing|remaining|rest of|unchanged|omitted)\b[\w' ]{0,40}\)?\s*(?:\.{3}|…)?\s*(?:\*/|-->|\*/\})?\s*$`)
	// bareElision is how people shorten what they show: "// ...", or dots alone.
	bareElision = regexp.MustCompile(`^\s*(?:(?://|#|--|/\*|<!--|\{/\*)\s*)?(?:\.{3,}|…)\s*(?:\*/|-->|\*/\})?\s*$`)
)

// standIns are the signs of which each of the expressions above needs one. Most lines have none,
// and to look for them takes a tenth of the time.
var standIns = []string{"...", "…", "⋮", "⋯", ". . .", "8<", ">8", "✂"}

func hasStandIn(line string) bool {
	return slices.ContainsFunc(standIns, func(sign string) bool { return strings.Contains(line, sign) })
}

// longestAside is the longest line that is looked at as a remark, in bytes.
const longestAside = 120

// isAside reports that a line inside a file is no line of it but a remark about what is not there.
// kind is the file's extension or language: of some the own lines may look so.
func isAside(line, kind string) bool {
	line = strings.TrimRight(line, " \t\r")
	if line == "" || len(line) > longestAside {
		return false
	}
	signed := hasStandIn(line)
	switch {
	case signed && (elision.MatchString(line) || scissors.MatchString(line)):
		return true
	case signed && ellipsis.MatchString(line):
		return line != "..." || !isPython(kind)
	case line[0] == ' ' || line[0] == '\t' || isComment(line, "a."+kind) && !strings.HasPrefix(line, "***"):
		return false
	case strings.ContainsAny(line[:1], "[<(-=~_") && (braced[kind] || isPython(kind)) &&
		dressedWords.MatchString(line) && wordy(line, kind):
		return true
	}
	return asideByWords(line, kind)
}

// dressedWords are a line in brackets or between rules. Where it is of words, no language of braces
// has it.
var dressedWords = regexp.MustCompile("^(?:\\[{1,2}[^\\[\\]{}()<>=;\"`]+\\]{1,2}|<{1,2}[^\\[\\]{}()<>=;\"`]+>{1,2}|" +
	"\\([^\\[\\]{}()<>=;\"`]+\\)|[-=~_]{2,}[^\\[\\]{}()<>=;\"`]+[-=~_]{2,})\\.?$")

func isPython(kind string) bool { return kind == "py" || kind == "pyi" || kind == "python" }

// isElided reports that a line of what a user shows stands for more: what people leave out they
// leave out at any depth.
func isElided(line, kind string) bool {
	return hasStandIn(line) && bareElision.MatchString(line) && (!isPython(kind) || strings.TrimSpace(line) != "...")
}

// asideByWords judges an unindented line by its words.
func asideByWords(line, kind string) bool {
	tag := line[0] == '<' && line[len(line)-1] == '>'
	if strings.ContainsAny(strings.Trim(line, "= "), "=;\"'`&$@\\") && !tag || strings.HasSuffix(line, ",") {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '%'
	})
	gone, unit, number := 0, 0, 0
	for _, word := range words {
		switch {
		case goneWords[word]:
			gone++
		case unitWords[word]:
			unit++
		case asideNum.MatchString(word):
			number++
		case !fillWords[word]:
			return false
		}
	}
	dressed := strings.ContainsAny(line[:1], "[(<{-=*~.…#‹«✂─—+>") ||
		!unicode.IsLetter(rune(line[len(line)-1]))
	switch {
	case keyed.MatchString(line) && (isData(kind) || len(words) == 1): // "limit: 5", "more:"
		return false
	case len(words) == 1 && number == 0:
		return gone == 1 && dressed && !isData(kind) ||
			strings.ToUpper(line) == line && strings.Contains(line, "TRUNC")
	case asideSpan.MatchString(line):
		return true
	}
	return gone > 0 && len(words) > 1 || unit > 0 && number > 0
}

var keyed = regexp.MustCompile(`^[\w.-]+ ?:(?:\s|$)`)

// isData reports a kind of file whose own lines are names and values.
func isData(kind string) bool {
	switch kind {
	case "yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "env", "make", "makefile", "mk", "dockerfile":
		return true
	}
	return false
}

// namedFiles are the kinds of files that are known by their whole name.
var namedFiles = map[string]string{
	"makefile": "makefile", "gnumakefile": "makefile", "cmakelists.txt": "cmake", "dockerfile": "dockerfile",
	"containerfile": "dockerfile", "gemfile": "rb", "rakefile": "rb", "vagrantfile": "rb", "podfile": "rb",
	"jenkinsfile": "groovy",
}

// kindOf is the extension of a file, or what else says its language.
func kindOf(file, language string) string {
	if kind := namedFiles[strings.ToLower(path.Base(cleanPath(file)))]; kind != "" {
		return kind
	}
	if ext := strings.ToLower(strings.TrimPrefix(path.Ext(file), ".")); ext != "" {
		return ext
	}
	return strings.ToLower(language)
}

var (
	codeWord = regexp.MustCompile(`^(?:@|#|(?:package|import|func|type|var|const|let|class|struct|enum|interface|` +
		`trait|object|def|val|fun|typealias|namespace|using|module|end|endif|fi|done|esac|export|public|private|` +
		`protected|internal|static|extern|typedef|include|require|use|mod|pub|default|return|pass|break|continue|` +
		`exit|data|sealed|abstract|final|open|override|async|await|exec|eval|source|set|unset|local|trap|alias|from|` +
		`raise|throw|del|assert|global|nonlocal|yield|lambda|goto|` +
		`declare|unsafe|inline|virtual|template|unsigned|signed|union|void|int|long|fn)\b)`)
	sentenceEnd = regexp.MustCompile(`^[A-Z][\w'’,/-]* [\w'’,/ -]*[.!…]$`)
	proseEnd    = regexp.MustCompile(`^[\pL\pM\pN][\pL\pM\pN _'’%.,/–—:+-]*$`)
)

// isRemark reports that the last line of a file reads like a remark of a tool's that has no known
// form: words, and nothing that code is made of. Only in languages whose last line can be told.
func isRemark(line, kind string) bool {
	switch {
	case line[0] == ' ' || line[0] == '\t' || isComment(line, "a."+kind) || codeWord.MatchString(line):
		return false
	case wordy(line, kind) && (braced[kind] || isPython(kind)):
		return true
	case braced[kind]:
		return sentenceEnd.MatchString(line) || strings.ContainsAny(line, " :.") && proseEnd.MatchString(line)
	default:
		return isPython(kind) && sentenceEnd.MatchString(line)
	}
}
