package dialects

import (
	"unicode/utf8"
)

// A Pruner finds an original few-shot prompt in a text that is meant for model and says how to
// shorten it; false where there is none. What it says must depend on its arguments alone and change
// only when an operator changes the prompts.
type Pruner func(model, text string) (PrunedPrompt, bool)

// A PrunedPrompt is a few-shot prompt that was found in a text.
type PrunedPrompt struct {
	// Name is shown in a response header and labels a metric. It comes from the operator's files,
	// never from a request.
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

// prompt plans the shortening of a few-shot prompt in text. A text that holds one is left alone
// otherwise: code among its demonstrations is what the pruned prompt was measured with.
func (p *planner) prompt(text jsonText) bool {
	if p.rules.Prune == nil || !text.exact {
		return false
	}
	pruned, ok := p.rules.Prune(p.model, text.all)
	if !ok {
		return false
	}
	offsets := text.walk(p.body)
	for _, c := range pruned.Cuts {
		from := offsets(c.Start)
		p.plan.PromptEdits = append(p.plan.PromptEdits, Edit{from, offsets(c.End), appendEscaped(nil, c.Text)})
	}
	p.work.spend(2 * len(text.all))
	p.plan.Prompts = append(p.plan.Prompts, pruned)
	return true
}

// rawSize is the length of the character that begins at body[at], raw and decoded.
func rawSize(body []byte, at, end int) (raw, decoded int) {
	if body[at] != '\\' {
		return 1, 1
	}
	r, size, _ := readEscape(body[at:end])
	return size, utf8.RuneLen(r)
}
