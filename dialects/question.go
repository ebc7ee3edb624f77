package dialects

import (
	"regexp"
	"strings"
)

// A userTurn collects what a user's message says and shows.
type userTurn struct {
	planner *planner
	words   []string
	// shown plans what the message shows, once the question is known.
	shown []func(query string)
	// editable says that the model is to edit the files shown by quoting their lines.
	editable bool
}

// editableFiles is how Aider introduces files that the model is to edit by quoting their lines
// exactly. They come anew with each request, under the same words whatever the question. Those of
// its /ask mode are only looked at. The expression is asked where a plain string is found: it reads
// a long message at a fiftieth of a plain string's speed.
var editableFiles = regexp.MustCompile(`\bso (?:that )?you can (?:go ahead and )?edit\b`)

// handsOverToEdit reports whether what the user says hands over files to be edited.
func handsOverToEdit(said string) bool {
	said = strings.ToLower(said)
	return strings.Contains(said, "true contents of these files") ||
		(strings.Contains(said, "can edit") || strings.Contains(said, "ahead and edit")) &&
			editableFiles.MatchString(said)
}

// read takes in one text of the message.
func (u *userTurn) read(text jsonText) {
	p := u.planner
	if u.mentions(text) {
		return
	}
	blocks := findBlocks(p.work, text.lines)
	// What the user says is put together outside the blocks, and looked at for what agents add.
	p.work.spend(4 * len(text.all))
	p.work.hold(len(text.all))
	said := instruction(text, blocks)
	u.words = append(u.words, said)
	u.editable = u.editable || handsOverToEdit(said)
	if p.prompt(text) {
		return
	}
	p.bare(text, blocks)
	for _, b := range blocks {
		u.shown = append(u.shown, func(query string) { p.userBlock(text, b, query) })
	}
}

// bareLines is how many lines of code in a user's own words are no quotation.
const bareLines = 20

// bare notes code that stands in no block: which file it is, and from which line on, nothing says.
func (p *planner) bare(text jsonText, blocks []codeSpan) {
	rest := text.all
	if len(blocks) > 0 {
		rest = outside(text.lines, blocks)
	}
	if strings.Count(rest, "\n") < bareLines || len(rest) < p.rules.MinBytes {
		return
	}
	p.work.spend(2 * len(rest))
	if p.work.hold(len(rest)) && isCode("", "", strings.Split(rest, "\n")) {
		p.leave(LeftUnsure, len(rest))
	}
}

// question is what the message asks: its words without those by which a client hands over files.
// Empty where nothing remains that could be a question.
func (u *userTurn) question() string {
	var asked []string
	for _, said := range u.words {
		var keep []string
		for paragraph := range strings.SplitSeq(said, "\n\n") {
			if !isHandover(paragraph) {
				keep = append(keep, paragraph)
			}
		}
		asked = append(asked, strings.Join(keep, "\n\n"))
	}
	if own := joinTexts(asked...); strings.ContainsFunc(own, isLetter) && !onlyPaths(own) {
		return own
	}
	return ""
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r > 127 }

// onlyPaths reports that a text is a list of file names, as some clients write above each file.
func onlyPaths(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && headingPath(line) == "" {
			return false
		}
	}
	return true
}

var (
	handover = regexp.MustCompile(
		`(?i)^\W*(?:i have|i've|i am|here are|here is|these are|below are|the following|following|attached|` +
			`please find|use these)\b[^?]{0,200}\b(?:added|files?|contents?|reference|summaries|context)\b`)
	// trustWords go on about files handed over.
	trustWords = regexp.MustCompile(
		`(?i)^\W*(?:trust this message|do not edit these files|` +
			`(?:any )?other messages in the chat may contain outdated)`)
)

// isHandover reports that words only hand over files or context and ask nothing.
func isHandover(words string) bool {
	if strings.Contains(words, "?") {
		return false
	}
	for line := range strings.SplitSeq(words, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && !handover.MatchString(line) && !trustWords.MatchString(line) && headingPath(line) == "" {
			return false
		}
	}
	return true
}
