package dialects

import (
	"regexp"
	"strings"
	"unicode/utf8"
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
// its /ask mode are only looked at.
var editableFiles = regexp.MustCompile(
	`(?i)true contents of these files|\bso (?:that )?you can (?:go ahead and )?edit\b`)

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
	u.editable = u.editable || editableFiles.MatchString(said)
	if p.prompt(text) {
		return
	}
	for _, b := range blocks {
		u.shown = append(u.shown, func(query string) { p.userBlock(text, b, query) })
	}
}

// question is what the message asks: its words without those by which a client hands over files,
// where anything remains.
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
	all := joinTexts(u.words...)
	if onlyPaths(all) {
		return ""
	}
	return all
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
	accept = regexp.MustCompile(
		`(?i)^\W*(?:ok|okay|understood|sure|got it|noted|thanks|thank you|i will|i'll|yes)\b`)
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

// farQuestion is how many messages behind files their question is looked for. Clients that hand
// files over in turns of their own have few of them, and each turn that shows files looks anew.
const farQuestion = 8

// questionBehind is the question to files that a turn only hands over: that of the user's next
// message, with at most an assent of the client's own making between.
func (p *planner) questionBehind(behind []chatTurn, own string) string {
	for i, m := range behind[:min(len(behind), farQuestion)] {
		switch {
		case m.role == roleAssistant:
			if i > 0 && behind[i-1].role == roleAssistant || own == "" || !p.assents(m) {
				return ""
			}
		case m.role != roleUser || holds(m, partResult):
			return ""
		default:
			if asked := p.questionOf(m, p.message+1+i); asked != "" && !isHandover(asked) {
				return asked
			}
		}
	}
	return ""
}

// questionOf is the question of a later message, which is read once: each turn before it may ask.
func (p *planner) questionOf(m chatTurn, index int) string {
	if asked, known := p.asked[index]; known {
		return asked
	}
	u := userTurn{planner: &planner{body: p.body, work: p.work}}
	for _, part := range m.parts {
		if part.kind == partText {
			u.read(readText(p.work, p.body, part.start, part.end))
		}
	}
	p.asked[index] = tail(u.question(), maxQueryBytes+utf8.UTFMax)
	return p.asked[index]
}

// assents reports that an assistant's message is a few words that take something over.
func (p *planner) assents(m chatTurn) bool {
	var said strings.Builder
	for _, part := range m.parts {
		if part.kind != partText {
			return false
		}
		said.WriteString(readString(p.work, p.body, part.start, part.end))
	}
	return said.Len() < 300 && accept.MatchString(said.String())
}

func holds(m chatTurn, kind partKind) bool {
	for _, part := range m.parts {
		if part.kind == kind {
			return true
		}
	}
	return false
}
