package parsers

import (
	"bytes"
	"regexp"
	"strings"
)

// chunkSeparator is a comment line by which the authors of a file may cut it themselves
// (LongCodeZip, released code).
const chunkSeparator = "# --CHUNK_SEPARATOR-- #"

// A braceRule finds where definitions start in a language with braces, as the reference does: an
// expression over the text, whose match ends at the first closing brace. Only its start cuts; its
// end is where the search goes on.
type braceRule struct{ modifiers, keywords string }

var braceRules = map[string]braceRule{
	"cpp":        {"static|inline|virtual|const|constexpr|explicit|template|public|private|protected", "class|struct"},
	"java":       {"public|private|protected|static|final|abstract|synchronized", "class|interface|enum"},
	"typescript": {"public|private|protected|static|async|abstract|readonly", "class|interface|function|type"},
	"rust":       {`pub(?:\([^)]*\))?|async|unsafe|const`, "fn|struct|enum|impl|trait"},
	"go":         {"", "func|type"},
}

// SplitReference cuts source as the reference implementation of LongCodeZip does (arXiv 2510.00446,
// section on function-level chunking, and its released code), for comparing results with its
// tables; Parse is better at everything else. Decorators and comments above a definition stay with
// the chunk before, `async def` starts none, and code after a function is the function's. Pieces
// put together give the source, unless it holds separator comments, which are dropped as pieces of
// white space are then. The rule for Python (and for languages unknown to the reference) is exact;
// the one for cpp, java, typescript, rust and go follows its description.
func SplitReference(language string, src []byte) []string {
	if !bytes.Contains(src, []byte(chunkSeparator)) {
		return splitAt(src, referenceCuts(language, src))
	}
	var pieces []string
	for part := range bytes.SplitSeq(src, []byte(chunkSeparator)) {
		if len(bytes.TrimSpace(part)) > 0 {
			pieces = append(pieces, splitAt(part, referenceCuts(language, part))...)
		}
	}
	return pieces
}

func splitAt(src []byte, cuts []int) []string {
	var pieces []string
	from := 0
	for _, at := range append(cuts, len(src)) {
		if at > from {
			pieces = append(pieces, string(src[from:at]))
			from = at
		}
	}
	return pieces
}

func referenceCuts(language string, src []byte) []int {
	rule, ok := braceRules[language]
	if !ok {
		return pythonCuts(src)
	}
	var cuts []int
	for _, match := range rule.expression().FindAllIndex(src, -1) {
		cuts = append(cuts, match[0])
	}
	return cuts
}

func (r braceRule) expression() *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?m)^[ \t]*`)
	if r.modifiers != "" {
		b.WriteString(`(?:(?:` + r.modifiers + `)\s+)*`)
	}
	b.WriteString(`(?:(?:` + r.keywords + `)\b[^{;]*|(?:[\w<>\[\]:*&]+[ \t]+)*\w+[ \t]*\([^)]*\)[^{;\n]*)` +
		`(?:\{[^}]*\})?`)
	return regexp.MustCompile(b.String())
}

var pythonDefinition = regexp.MustCompile(`^\s*(?:def|class)\s+\S`)

// pythonCuts are the ends of the last lines that are not blank above each definition, without their
// line ends: a chunk begins with a line end, blank lines and the definition.
func pythonCuts(src []byte) []int {
	var cuts []int
	lines := NewLines(src)
	for line := range lines.Count() {
		if !pythonDefinition.Match(lines.text(line)) {
			continue
		}
		above := line - 1
		for above >= 0 && lines.blank(above) {
			above--
		}
		if above < 0 {
			cuts = append(cuts, 0)
		} else {
			cuts = append(cuts, lines.start(above+1)-1)
		}
	}
	return cuts
}
