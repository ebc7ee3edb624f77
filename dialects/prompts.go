package dialects

import (
	"unicode/utf8"
)

// A Pruner finds an original few-shot prompt in a text that is meant for model and says how to shorten it; false where there is
// none. What it says must depend on its arguments alone and change only when an operator changes the prompts.
type Pruner func(model, text string) (Pruned, bool)

// A Pruned is a few-shot prompt that was found in a text.
type Pruned struct {
	// Name is shown in a response header and labels a metric. It comes from the operator's files, never from a request.
	Name string
	// Cuts are in order and do not overlap.
	Cuts []Cut
	// Original and Compressed are the tokens of what the cuts replace and of what they put there.
	Original, Compressed int
}

// A Cut puts Text in the place of the bytes from Start to End of a text.
type Cut struct {
	Start, End int
	Text       string
}

// prompt plans the shortening of a few-shot prompt in text. A text that holds one is left alone otherwise: code among its
// demonstrations is what the pruned prompt was measured with.
func (p *planner) prompt(text jsonText) bool {
	if p.rules.Prune == nil || !text.exact {
		return false
	}
	pruned, ok := p.rules.Prune(p.model, text.all)
	if !ok {
		return false
	}
	at := place{raw: text.start()}
	for _, c := range pruned.Cuts {
		from := text.raw(p.body, &at, c.Start)
		p.plan.PromptEdits = append(p.plan.PromptEdits, Edit{from, text.raw(p.body, &at, c.End), appendEscaped(nil, c.Text)})
	}
	p.work.spend(2 * len(text.all))
	p.plan.Prompts = append(p.plan.Prompts, pruned)
	return true
}

// A place is how far a text was walked: line, offset in t.all and in the body.
type place struct {
	line, offset, raw int
}

// start is where the text begins in the body.
func (t jsonText) start() int {
	if len(t.lines) == 0 {
		return 0
	}
	return t.lines[0].start
}

// raw walks on to the byte at offset of t.all and returns where it begins in the body.
func (t jsonText) raw(body []byte, at *place, offset int) int {
	for at.offset < offset && at.line < len(t.lines) {
		line := &t.lines[at.line]
		if at.raw == line.eol {
			at.line, at.offset, at.raw = at.line+1, at.offset+1, line.end
			continue
		}
		size, decoded := 1, 1
		if body[at.raw] == '\\' {
			var r rune
			r, size, _ = readEscape(body[at.raw:line.eol])
			decoded = utf8.RuneLen(r)
		}
		at.raw += size
		at.offset += decoded
	}
	return at.raw
}
