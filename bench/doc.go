package bench

import (
	"regexp"
	"strings"

	"pith/parsers"
)

// docComment finds the comment that describes a function: the lines it covers, and those lines. In
// Python it is the docstring behind the header, elsewhere the comment that ends where the header
// (attributes included) begins.
func docComment(language string, lines []string, c parsers.Chunk) (span, bool) {
	if c.SignatureStart >= c.SignatureEnd {
		return span{}, false
	}
	if language == "python" {
		return docstring(lines, span{c.SignatureEnd, c.EndLine})
	}
	end := c.SignatureStart
	if end <= c.StartLine {
		return span{}, false
	}
	last := strings.TrimSpace(lines[end-1])
	if strings.HasSuffix(last, "*/") {
		for i := end - 1; i >= c.StartLine; i-- {
			if strings.HasPrefix(strings.TrimSpace(lines[i]), "/*") {
				return span{i, end}, true
			}
		}
		return span{}, false
	}
	start := end
	for start > c.StartLine && isLineComment(strings.TrimSpace(lines[start-1])) {
		start--
	}
	return span{start, end}, start < end
}

func isLineComment(line string) bool {
	return strings.HasPrefix(line, "//") || strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "#[") &&
		!strings.HasPrefix(line, "#!")
}

func docstring(lines []string, body span) (span, bool) {
	i := body.start
	for i < body.end && strings.TrimSpace(lines[i]) == "" {
		i++
	}
	if i >= body.end {
		return span{}, false
	}
	first := strings.TrimLeft(strings.TrimSpace(lines[i]), "rRuU")
	for _, quote := range []string{`"""`, `'''`} {
		rest, ok := strings.CutPrefix(first, quote)
		if !ok {
			continue
		}
		if strings.Contains(rest, quote) {
			return span{i, i + 1}, true
		}
		for end := i + 1; end < body.end; end++ {
			if strings.Contains(lines[end], quote) {
				return span{i, end + 1}, true
			}
		}
	}
	return span{}, false
}

var (
	directive = regexp.MustCompile(
		`^(//|#)\s?([a-z]+:\S|nolint|noqa|type:|pylint|eslint|prettier|\+build|NOLINT|clang-format)`)
	// sectionStart begins the formal part of a comment: parameters, examples, mark-up. What stands
	// before is what a person would ask for.
	sectionStart = regexp.MustCompile("(?i)^([@\\\\]\\w|:\\w+[^:]*:|\\.\\. |---|===|#+ |>>>|```|" +
		`(args|arguments|parameters|params|returns?|raises|yields|notes?|examples?|usage|errors|panics|safety|` +
		`see also|deprecated|warning)\s*:?$|` +
		`(args|returns?|return value|since|raises|deprecated|example|usage|note|warning)\s*:)`)
	// noise marks comments that describe no function: a licence, a note to oneself, a reference to
	// somebody else's comment.
	noise = regexp.MustCompile(
		`(?i)copyright|licen[cs]ed? under|\b(todo|fixme|xxx)\b|inheritdoc|@ts-|auto-?generated`)
	inlineTag   = regexp.MustCompile(`\{@\w+\s+([^}]*)\}`)
	htmlTag     = regexp.MustCompile(`</?[a-zA-Z][^>]*>`)
	bracketLink = regexp.MustCompile(`\[([^\]\[]*)\](\([^)]*\))?`)
	leader      = regexp.MustCompile(`^(/\*\*?!?|\*+/?|//[/!]?|#+|[rRuU]?("""|'''))\s?`)
	closer      = regexp.MustCompile(`\s*(\*/|"""|''')$`)
)

// mostWords cuts a description to about the length of a question.
const mostWords = 60

// describe turns the lines of a doc comment into a query: comment signs, directives, mark-up and
// formal sections go, and so does the function's own name, because it would give the answer away.
// It returns "" where fewer than five words stay.
func describe(comment []string, name string) string {
	var words []string
	for _, line := range comment {
		line = strings.TrimSpace(line)
		if directive.MatchString(line) {
			continue
		}
		line = closer.ReplaceAllString(leader.ReplaceAllString(line, ""), "")
		line = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(line), "@brief "), `\brief `)
		if sectionStart.MatchString(line) {
			if len(words) > 0 {
				break
			}
			continue
		}
		words = append(words, strings.Fields(line)...)
	}
	text := strings.Join(words, " ")
	text = inlineTag.ReplaceAllString(text, "$1")
	text = htmlTag.ReplaceAllString(text, " ")
	text = bracketLink.ReplaceAllString(text, "$1")
	words = strings.Fields(strings.TrimLeft(withoutName(text, name), " :;,.-–—"))
	if len(words) < 5 || !mostlyLetters(words) || noise.MatchString(text) {
		return ""
	}
	return strings.Join(words[:min(len(words), mostWords)], " ")
}

// withoutName removes name wherever it stands as a whole word in any case, with what qualifies it.
// Of a qualified name ("Server.Serve") that is the last part.
func withoutName(text, name string) string {
	name = simpleName(name)
	if name == "" {
		return text
	}
	whole := regexp.MustCompile("(?i)(^|[^\\w$])`?(?:\\w+[.#:]{1,2})?" + regexp.QuoteMeta(name) +
		"(?:\\(\\))?`?($|[^\\w$])")
	for {
		next := whole.ReplaceAllString(text, "$1$2")
		if next == text {
			return text
		}
		text = next
	}
}

func simpleName(name string) string {
	return name[strings.LastIndexAny(name, ".:#")+1:]
}

// mostlyLetters tells a sentence from a ruler, a table or commented-out code.
func mostlyLetters(words []string) bool {
	letters, all := 0, 0
	for _, w := range words {
		for _, r := range w {
			all++
			if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
				letters++
			}
		}
	}
	return letters*4 >= all*3
}
