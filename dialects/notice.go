package dialects

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shortNotice are words of a tool about a file that is not all there. They are looked for only in
// lines that are a tool's own, or that read like one: people and code use them of other things.
var shortNotice = regexp.MustCompile(
	`(?i)\b(?:abbreviated|capped|chopped|clipped|condensed|cropped|curtailed|cut|further|longer|beyond|rest|` +
		`skipped|snipped|stopped|stops|subset|trimmed|unread|unseen|unshown)\b|` +
		`\b(?:keep|resume|start|go\s+on)\s+reading\b|\bread\s+(?:more|on|further)\b|` +
		`\b(?:load|see|view|show|fetch|get)\s+(?:more|the\s+(?:rest|next))\b|` +
		`\bnext\s+(?:page|chunk|part|section|lines?|token|cursor|offset)\b|` +
		`\bnot\s+(?:all|everything|included|the\s+(?:whole|entire|complete|full)|show\s+the)\b|` +
		`\bonly\s+(?:the|an?|part|some|shows?|contains?)\b|` +
		`\b(?:offset|start|begin|from|skip|cursor|token|page)\s*[=:]\s*["'` + "`" + `]?\w|` +
		`\b(?:over|past|above|within|at|hit|reached)\s+(?:the\s+|its\s+|an?\s+)?(?:\w+\s+){0,2}` +
		`(?:limit|budget|cap|quota)\b|` +
		`\b(?:limit|budget|cap|quota)\s+(?:hit|reached|exceeded)\b|` +
		`tronqué|gekürzt|truncad[oa]|troncat[oa]|обрезан|усечен|截断|省略|잘렸`)

// lessNotice are words beside a count of the lines that are there, by which there are more.
var lessNotice = regexp.MustCompile(
	`(?i)\b(?:capped|clipped|cut|limited|stopped|(?:page|chunk|part)\s+\d+\s*(?:of|/)\s*\d+)\b`,
)

// nothingLeft are remarks that sound like a part and say that it is none.
var nothingLeft = regexp.MustCompile(
	`(?i)\b(?:0|no|zero)\s+(?:more\s+)?(?:lines?\s+|bytes?\s+)?(?:remaining|left|omitted|truncated)\b`,
)

var (
	// codeSign is what stands in code and in no sentence.
	codeSign = regexp.MustCompile(`\w[(\[{]|[;{}]\s*$|==|:=|=>|->|::|\s=\s`)
	tongue   = regexp.MustCompile(`^[\pL][\pL'’-]*$`)
)

// wordy reports that a line reads like a tool's sentence in whatever dress: words, half of them
// plain, and nothing that code is made of.
func wordy(line, kind string) bool {
	text := strings.TrimLeftFunc(line, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(line) > maxWordy || isComment(line, "a."+kind) || codeWord.MatchString(text) || codeSign.MatchString(line) {
		return false
	}
	words := strings.Fields(text)
	plain, foreign := 0, 0
	for _, r := range text {
		if r > unicode.MaxASCII && unicode.IsLetter(r) {
			foreign++
		}
	}
	if 2*foreign > utf8.RuneCountInString(text) && foreign > 3 {
		return true // in a script that may put no blanks between words
	}
	for _, word := range words {
		if tongue.MatchString(strings.Trim(word, ".,:;!?()[]\"`*-–—…")) {
			plain++
		}
	}
	return plain >= 3 && 2*plain >= len(words)
}

// maxWordy is the longest line that is looked at as a sentence, in bytes.
const maxWordy = 400
