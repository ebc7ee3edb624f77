package evolve

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"pith/evolve/search"
	"pith/internal/textfile"
)

// An Artefact is a pruned prompt with its papers: one JSON file that says what was pruned, how, and
// how well it did.
type Artefact struct {
	Format int    `json:"format"` // 1
	Task   string `json:"task"`
	// TemplateHash is over Template and Slots; Sum over the whole artefact. A file whose hashes do
	// not fit is not used.
	TemplateHash string      `json:"template_hash"`
	Template     string      `json:"template"`
	Slots        []string    `json:"slots"`
	Pruned       string      `json:"pruned"`
	Mask         search.Mask `json:"mask,omitempty"`
	// Spaces is exact, or normalised: any run of white space matches any other.
	Spaces     string     `json:"spaces"`
	Provenance Provenance `json:"provenance"`
	Sum        string     `json:"sum"`

	once    sync.Once
	matcher *matcher
}

// Provenance is how an artefact came about.
type Provenance struct {
	Algorithm search.Algorithm `json:"algorithm"`
	Objective search.Objective `json:"objective"`
	Seed      uint64           `json:"seed"`
	Model     string           `json:"model"`
	Tokenizer string           `json:"tokenizer"`
	// Target is the API model that the fitness was measured on; empty for a local model.
	Target string `json:"target,omitempty"`
	// Verdict is what the test split said beside the full prompt; empty where it was not asked.
	Verdict Verdict `json:"verdict,omitempty"`
	Licence string  `json:"licence"`
	Full    Figures `json:"full"`
	Result  Figures `json:"result"`
}

// Figures are how one prompt did.
type Figures struct {
	Length     int     `json:"length"`
	Search     float64 `json:"search"`
	Validation float64 `json:"validation"`
	Test       float64 `json:"test"`
}

// Ways to compare white space.
const (
	SpacesExact      = "exact"
	SpacesNormalised = "normalised"
)

const artefactFormat = 1

// ErrArtefact marks an artefact that must not be used.
var ErrArtefact = errors.New("unusable artefact")

// ErrTransfer means that the pruned prompt is not shown to do as well as the full one.
var ErrTransfer = errors.New("not exported")

// NewArtefact makes the artefact of a run. Unless force is set, an answer is refused that the test
// split does not show to be better than the full prompt, or no worse, and one of a provisional
// report.
func NewArtefact(r *Report, spaces string, force bool) (*Artefact, error) {
	if r.Missing != "" && !force {
		return nil, fmt.Errorf("%w: the report is provisional, as the run was stopped before %s",
			ErrTransfer, r.Missing)
	}
	if r.Against() == NotShown && !force {
		return nil, fmt.Errorf("%w: %s", ErrTransfer, r.Verdict())
	}
	verdict := Verdict("")
	if r.Answer.Tested {
		verdict = r.Against()
	}
	figures := func(e Entry) Figures { return Figures{e.Length, e.Fitness, e.Validation, e.Test} }
	a := &Artefact{
		Format: artefactFormat, Task: r.Task, Template: r.Template, Slots: slotsOf(r.Template), Pruned: r.Answer.Text,
		Mask: r.Answer.Mask, Spaces: spaces, Provenance: Provenance{
			Algorithm: r.Spec.Algorithm, Objective: r.Spec.Objective, Seed: r.Spec.Seed, Model: r.Model,
			Tokenizer: r.Tokenizer,
			Target:    r.Spec.Backend.Model, Verdict: verdict, Licence: r.Licence, Full: figures(r.Full),
			Result: figures(r.Answer),
		},
	}
	a.TemplateHash = a.templateHash()
	a.Sum = a.sum()
	return a, a.Check()
}

// LoadArtefact reads and checks a file.
func LoadArtefact(path string) (*Artefact, error) {
	src, err := textfile.Read(path, textfile.MaxData)
	if err != nil {
		return nil, fmt.Errorf("read artefact: %w", err)
	}
	a := &Artefact{}
	if err := json.Unmarshal(src, a); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrArtefact, path, err)
	}
	if err := a.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// Save writes the artefact as one file, whole or not at all.
func (a *Artefact) Save(path string) error { return writeJSON(path, a) }

func (a *Artefact) templateHash() string {
	return hashParts(append([]string{a.Template}, a.Slots...)...)
}

// sum hashes every field but the sum itself.
func (a *Artefact) sum() string {
	p, _ := json.Marshal(a.Provenance)
	return hashParts(fmt.Sprint(a.Format), a.Task, a.TemplateHash, a.Pruned, a.Mask.String(), a.Spaces, string(p))
}

// Check says why the artefact must not be used, or nil.
func (a *Artefact) Check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrArtefact, fmt.Sprintf(format, args...))
	}
	switch {
	case a.Format != artefactFormat:
		return wrong("format %d, this program reads %d", a.Format, artefactFormat)
	case a.Spaces != SpacesExact && a.Spaces != SpacesNormalised:
		return wrong("spaces %q is neither exact nor normalised", a.Spaces)
	case len(a.Template) > templateLimit || len(a.Pruned) > templateLimit || len(a.Slots) > columnLimit:
		return wrong("a prompt of more than %d bytes, or more than %d slots", templateLimit, columnLimit)
	case a.TemplateHash != a.templateHash():
		return wrong("the template does not have its hash")
	case a.Sum != a.sum():
		return wrong("it was changed after it was made")
	}
	_, err := newMatcher(a)
	return err
}

// An Edit puts Text in the place of the bytes from Start to End of a message.
type Edit struct {
	Start, End int
	Text       string
}

// Edits says how to replace the original prompt inside text by the pruned one: one edit for each
// part of the template between slots, in order. What fills the slots and what stands around the
// prompt is in none of them. When the original is not there, or could be read in more than one way,
// or the artefact fails its check, there are none and ok is false. The result depends on nothing
// but a and text. It is safe for concurrent use.
func (a *Artefact) Edits(text string) (edits []Edit, ok bool) {
	a.once.Do(func() {
		if a.Check() == nil {
			a.matcher, _ = newMatcher(a)
		}
	})
	if a.matcher == nil {
		return nil, false
	}
	return a.matcher.edits(text)
}

// Apply returns text with its Edits made.
func (a *Artefact) Apply(text string) (string, bool) {
	edits, ok := a.Edits(text)
	if !ok {
		return text, false
	}
	var out strings.Builder
	at := 0
	for _, e := range edits {
		out.WriteString(text[at:e.Start] + e.Text)
		at = e.End
	}
	return out.String() + text[at:], true
}

// A matcher finds the literal parts of a template, in order, and what stands in its slots between
// them.
type matcher struct {
	// probe is the longest word before the first slot. Most texts do not have it, and looking for
	// it costs next to nothing.
	probe    string
	literals []*regexp.Regexp // before, between and after the slots; nil for an empty one
	pruned   []string
}

// anchorLength is the least number of bytes, white space aside, that the demonstrations must have:
// less is no evidence that a message was made from the template.
const anchorLength = 16

func newMatcher(a *Artefact) (*matcher, error) {
	literals, names := cutAtSlots(a.Template, a.Slots)
	pruned, prunedNames := cutAtSlots(a.Pruned, a.Slots)
	if len(names) == 0 || strings.Join(names, " ") != strings.Join(prunedNames, " ") {
		return nil, fmt.Errorf("%w: template and pruned text do not have the same slots", ErrArtefact)
	}
	if len(strings.Join(strings.Fields(literals[0]), "")) < anchorLength {
		return nil, fmt.Errorf(
			"%w: there are no demonstrations before the first slot to know a message by", ErrArtefact)
	}
	m := &matcher{pruned: pruned, probe: probeOf(literals[0])}
	for i, l := range literals {
		if l == "" && i > 0 && i < len(literals)-1 {
			return nil, fmt.Errorf("%w: two slots stand side by side", ErrArtefact)
		}
		m.literals = append(m.literals, literalPattern(l, a.Spaces == SpacesNormalised))
	}
	return m, nil
}

// cutAtSlots returns the text before, between and after the slots, and the slots.
func cutAtSlots(text string, slots []string) (literals, names []string) {
	for {
		start, end := search.NextSlot(text, slots)
		literals = append(literals, text[:start])
		if start == end {
			return literals, names
		}
		names = append(names, text[start+1:end-1])
		text = text[end:]
	}
}

var space = regexp.MustCompile(`\s+`)

// literalPattern matches a literal, where normalised with any white space for its own. At the two
// ends one character stands for it: what more there is belongs to the text of a slot, or to what
// surrounds the prompt, and must not be lost.
func literalPattern(literal string, normalised bool) *regexp.Regexp {
	if literal == "" {
		return nil
	}
	if !normalised {
		return regexp.MustCompile(regexp.QuoteMeta(literal))
	}
	var pattern strings.Builder
	at := 0
	for _, run := range space.FindAllStringIndex(literal, -1) {
		pattern.WriteString(regexp.QuoteMeta(literal[at:run[0]]))
		pattern.WriteString(`\s`)
		if at = run[1]; run[0] > 0 && at < len(literal) {
			pattern.WriteString(`+`)
		}
	}
	return regexp.MustCompile(pattern.String() + regexp.QuoteMeta(literal[at:]))
}

func probeOf(text string) string {
	longest := ""
	for w := range strings.FieldsSeq(text) {
		if len(w) > len(longest) {
			longest = w
		}
	}
	return longest
}

// edits looks for each literal once: a literal that occurs twice in what is left could end its slot
// at either place.
func (m *matcher) edits(text string) ([]Edit, bool) {
	if !strings.Contains(text, m.probe) {
		return nil, false
	}
	at := 0
	out := make([]Edit, 0, len(m.literals))
	for i, l := range m.literals {
		start, end := len(text), len(text)
		if l != nil {
			all := l.FindAllStringIndex(text[at:], 2)
			if len(all) != 1 {
				return nil, false
			}
			start, end = at+all[0][0], at+all[0][1]
		}
		out = append(out, Edit{start, end, m.pruned[i]})
		at = end
	}
	return out, true
}
