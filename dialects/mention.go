package dialects

import (
	"encoding/json"
	"regexp"
	"strings"
)

// A client that finds a file named in the user's words (@a.go) reads it itself and shows call and
// result as the user's text.
var (
	mentionCall   = regexp.MustCompile(`^\s*Called the (\S+) tool with the following input: (\{.*\})\s*$`)
	mentionResult = regexp.MustCompile(`^\s*Result of calling the (\S+) tool:( ?)`)
	mentionFile   = regexp.MustCompile(
		`^\s*(?:--- ?)?Contents? (?:from|of) (?:referenced file )?@?([^\s:]+):?(?: ?---)?\s*$`)
	mentionFrame = regexp.MustCompile(`^\s*--- ?(?:Contents? from referenced files|End of content) ?---\s*$`)
)

// A mention is such a read while its result is awaited; next says that the next text is it,
// whatever it looks like.
type mention struct {
	pendingCall
	next bool
}

// mentions takes in a text in which a client reads a file for the user. It returns false where text
// is the user's own.
func (u *userTurn) mentions(text jsonText) bool {
	p := u.planner
	if p.mention != nil && u.continues(text) {
		u.showMention(text, text.lines)
		return true
	}
	found, other := false, false
	quoted := quotedStrings{text: text, offsets: text.walk(p.body)}
	for i := 0; i < len(text.lines); i++ {
		line := text.lines[i].text
		if !mayMention(line) {
			other = true
			continue
		}
		switch {
		case strings.TrimSpace(line) == "", strings.TrimSpace(line) == "<system-reminder>",
			strings.TrimSpace(line) == "</system-reminder>", mentionFrame.MatchString(line):
			found = found || mentionFrame.MatchString(line)
		case mentionCall.MatchString(line):
			m := mentionCall.FindStringSubmatch(line)
			found = true
			u.await(toolCall{name: m[1], args: m[2]}, false)
		case mentionFile.MatchString(line) && !other && strings.Contains(line, "@"):
			found = true
			file, _ := json.Marshal(mentionFile.FindStringSubmatch(line)[1])
			u.await(toolCall{name: "read", args: `{"path":` + string(file) + `}`}, true)
			end := u.until(text, i+1, mentionFrame.MatchString)
			if strings.TrimSpace(joinLines(text.lines[i+1:end])) != "" {
				u.showMention(text, text.lines[i+1:end])
				i = end - 1
			}
		case p.mention != nil && mentionResult.MatchString(line):
			found = true
			end := u.until(text, i+1, func(s string) bool { return strings.TrimSpace(s) == "</system-reminder>" })
			u.showResult(&quoted, i, end)
			i = end - 1
		default:
			other = true
		}
	}
	return found && !other
}

// mentionStarts begin the lines that an expression above or a reminder's tag may fit.
var mentionStarts = [...]string{
	"Called the ", "Result of calling the ", "Content", "---", "<system-reminder>", "</system-reminder>",
}

// mayMention reports that a line is blank or begins as those do with which a client shows a read. A
// long message has ten thousands of others, and an expression takes longer to say so.
func mayMention(line string) bool {
	line = strings.TrimSpace(line)
	if line == "" {
		return true
	}
	for _, start := range mentionStarts {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

// continues reports that text can only be the result that is awaited: numbered lines, or an element
// of a tool's own.
func (u *userTurn) continues(text jsonText) bool {
	if u.planner.mention.next {
		return true
	}
	if len(text.lines) < minRun || strings.HasPrefix(strings.TrimSpace(text.all), "<system-reminder>") {
		return false
	}
	if _, ok := mostly(text.lines, numberedRuns(text.lines)); ok {
		return true
	}
	first := strings.TrimSpace(text.lines[0].text)
	return openTag.MatchString(first) || pairedTag.MatchString(first)
}

func (u *userTurn) until(text jsonText, from int, ends func(string) bool) int {
	for from < len(text.lines) && !ends(text.lines[from].text) {
		from++
	}
	return from
}

func (u *userTurn) await(c toolCall, next bool) {
	u.planner.mention = &mention{u.planner.call(c), next}
}

// quotedStrings decodes JSON strings that stand in a text, one behind the other, in one walk.
type quotedStrings struct {
	text    jsonText
	offsets func(offset int) int
	// line is the line that was reached, base where it begins in the text.
	line, base int
}

// on decodes the string whose content is line i from start to end.
func (q *quotedStrings) on(w *Work, i, start, end int) jsonText {
	for ; q.line < i; q.line++ {
		q.base += len(q.text.lines[q.line].text) + 1
	}
	return q.text.within(w, q.offsets, q.base+start, q.base+end)
}

// showResult plans the result that begins on line i, behind its announcement or below it.
func (u *userTurn) showResult(quoted *quotedStrings, i, end int) {
	text := quoted.text
	m := mentionResult.FindStringSubmatchIndex(text.lines[i].text)
	rest := text.lines[i].text[m[1]:]
	switch {
	case strings.TrimSpace(rest) == "":
		u.showMention(text, text.lines[i+1:end])
	case rest[0] == '"' && json.Valid([]byte(rest)): // quoted as JSON
		inner := quoted.on(u.planner.work, i, m[1]+1, m[1]+len(strings.TrimRight(rest, " \t\r"))-1)
		u.showMention(inner, inner.lines)
	default:
		_, first := splitLine(text.lines[i], m[1])
		u.showMention(text, append([]textLine{first}, text.lines[i+1:end]...))
	}
}

// showMention plans the awaited result.
func (u *userTurn) showMention(text jsonText, lines []textLine) {
	p, call := u.planner, u.planner.mention.pendingCall
	p.mention = nil
	u.shown = append(u.shown, func(query string) {
		call.instruction = query
		p.read(text, lines, call, false)
	})
}
