package search

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A Unit is the smallest piece of a template that a mask can drop.
type Unit struct {
	Text string
	// Fixed units are never dropped: slots, which examples are filled into.
	Fixed bool
}

// A Template is a prompt cut into units. Joined, the units give the prompt back.
type Template struct {
	Units []Unit
	// Slots are the names that may stand between braces.
	Slots []string
}

// A Tokenizer cuts text into pieces which, joined, give the text back.
type Tokenizer func(text string) ([]string, error)

// ErrTokenizer means that a tokenizer lost or changed text.
var ErrTokenizer = errors.New("tokenizer does not give its input back")

// words takes line breaks apart from what follows them: a line break is structure, and dropping the
// first word of a line should not join two lines.
var words = regexp.MustCompile(`\n+|[^\S\n]*[\p{L}\p{N}_']+|[^\S\n]*[^\s\p{L}\p{N}_']|[^\S\n]+`)

// TokenizerWords is the name of Words.
const TokenizerWords = "words"

// TokenizerOf is the name of a model's own tokenizer.
func TokenizerOf(model string) string { return "tokens of " + model }

// Words is the Tokenizer that needs no model: words and punctuation marks with the space before
// them.
func Words(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	return words.FindAllString(text, -1), nil
}

// NewTemplate cuts text into units. Slots are taken out before tokenize sees the text: the
// reference looks for them among the tokens afterwards and so misses a brace which the tokenizer
// glued to its neighbour (`"{`), and prunes a slot.
func NewTemplate(text string, slots []string, tokenize Tokenizer) (Template, error) {
	t := Template{Slots: slots}
	rest := text
	for rest != "" {
		start, end := NextSlot(rest, slots)
		pieces, err := tokenize(rest[:start])
		if err != nil {
			return Template{}, fmt.Errorf("tokenise template: %w", err)
		}
		if strings.Join(pieces, "") != rest[:start] {
			return Template{}, fmt.Errorf("template at byte %d: %w", len(text)-len(rest), ErrTokenizer)
		}
		for _, p := range pieces {
			t.Units = append(t.Units, Unit{Text: p})
		}
		if start < end {
			t.Units = append(t.Units, Unit{Text: rest[start:end], Fixed: true})
		}
		rest = rest[end:]
	}
	return t, nil
}

// NextSlot returns the byte range of the first slot of text, or len(text) twice.
func NextSlot(text string, slots []string) (start, end int) {
	start, end = len(text), len(text)
	for _, s := range slots {
		marker := "{" + s + "}"
		if i := strings.Index(text, marker); i >= 0 && i < start {
			start, end = i, i+len(marker)
		}
	}
	return start, end
}

// Render joins the kept units in their order. Nothing is put in between (paper, section 3).
func (t Template) Render(m Mask) string {
	var b strings.Builder
	for i, u := range t.Units {
		if m[i] {
			b.WriteString(u.Text)
		}
	}
	return b.String()
}

// Text is the whole template.
func (t Template) Text() string { return t.Render(FullMask(len(t.Units))) }

// Prunable lists the positions that a mask may drop.
func (t Template) Prunable() []int {
	var out []int
	for i, u := range t.Units {
		if !u.Fixed {
			out = append(out, i)
		}
	}
	return out
}

// Fill puts the fields of an example into the slots of a rendered template. A field's own braces
// are not looked at again.
func Fill(text string, fields map[string]string) string {
	pairs := make([]string, 0, 2*len(fields))
	for name, value := range fields {
		pairs = append(pairs, "{"+name+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
