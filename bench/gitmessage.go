package bench

import (
	"regexp"
	"strings"
)

var (
	typePrefix = regexp.MustCompile(`(?i)^\s*(\[[^\]]{1,40}\]\s*)*` +
		`((fix|feat|feature|perf|refactor|chore|docs?|bug|build|ci|test|style|improve|hotfix)\s*(\([^)]*\))?!?:\s+)?` +
		`(\[[^\]]{1,40}\]\s*)*`)
	issueMark = regexp.MustCompile(
		`(?i:\(?\b(?:fix(?:es|ed)?|clos(?:es|ed?)|resolv(?:es|ed?)|refs?|see|pr|gh|issue)\s*:?\s*#\d+\)?)|` +
			`\(?#\d+\)?|^[A-Z][A-Z0-9]+-\d+\b|\([A-Z][A-Z0-9]+-\d+\)`)
	address = regexp.MustCompile(`\(?(https?://\S+|[\w.+-]+@[\w-]+\.\w+)\)?`)
	trailer = regexp.MustCompile(`^[A-Z][A-Za-z-]+(-by|-id|Id)?: |^\(cherry picked|^git-svn-id`)
	// unasked are messages that ask for nothing: releases, formatting and the like.
	unasked = regexp.MustCompile(`(?i)^\s*(revert|merge|release|bump|version|v?\d+\.\d+|prepare|changelog|wip\b|` +
		`format|gofmt|prettier|lint|typo|update (dep|version|license|licence|copyright|year)|upgrade dep|` +
		`rename files?|initial commit)|\b(whitespace|formatting|clang-format|black|rustfmt|copyright year)\b`)
)

const leastQuestionWords = 5

// question turns a commit's message into a query: without the prefix of its type, numbers of
// issues, addresses and trailers; the first paragraph of the body stays where it is prose. It
// returns "" for a message that asks nothing or too little.
func question(message string) string {
	subject, body, _ := strings.Cut(strings.TrimSpace(message), "\n")
	subject = subject[len(typePrefix.FindString(subject)):]
	if unasked.MatchString(subject) {
		return ""
	}
	text := stripped(subject)
	first, _, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n")), "\n\n")
	if p := paragraph(first); p != "" {
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
			text += "."
		}
		text += " " + p
	}
	words := strings.Fields(text)
	if len(words) < leastQuestionWords || !mostlyLetters(words) {
		return ""
	}
	return strings.Join(words, " ")
}

func stripped(text string) string {
	text = address.ReplaceAllString(text, "")
	return strings.TrimSpace(strings.Trim(strings.TrimSpace(issueMark.ReplaceAllString(text, "")), ":,;-"))
}

// paragraph returns a paragraph of a body as one line, "" where it is a list, trailers, code or too
// short to be prose.
func paragraph(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		if trailer.MatchString(trimmed) {
			break
		}
		if strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "\t") ||
			strings.ContainsAny(trimmed[:min(1, len(trimmed))], "*-#>|+`") {
			return ""
		}
		words = append(words, strings.Fields(stripped(trimmed))...)
	}
	if len(words) < leastQuestionWords || !mostlyLetters(words) {
		return ""
	}
	return strings.Join(words[:min(len(words), 2*mostWords)], " ")
}

// names reports that a text has a function's simple name as a word of its own. A name that is an
// everyday word names nothing by itself: it must be more than letters in one case, or stand as
// code.
func names(text, function string) bool {
	name := simpleName(function)
	if len(name) < 3 {
		return false
	}
	quoted := regexp.QuoteMeta(name)
	if !strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return regexp.MustCompile("`[^`]*\\b" + quoted + "\\b[^`]*`|\\b" + quoted + `\(|[.:]` + quoted +
			`\b`).MatchString(text)
	}
	return regexp.MustCompile(`(^|\W)` + quoted + `($|\W)`).MatchString(text)
}
