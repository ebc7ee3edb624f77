package perplexity

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"unicode/utf8"
)

// GoldenFile is the name, in a model's folder, of the scores that whoever has the model's weights
// has to give.
const GoldenFile = "golden.json"

// GoldenTolerance is how far a loss may be from the golden one, in nats.
const GoldenTolerance = 1e-3

// Golden are texts with the losses that a model gives them.
type Golden struct {
	// Model is the checksum of the graph that gave them.
	Model     string           `json:"model"`
	Sequences []GoldenSequence `json:"sequences"`
}

// A GoldenSequence is one text. Offsets and NLLs go together; those of Given come first.
type GoldenSequence struct {
	Given     string    `json:"given,omitempty"`
	Text      string    `json:"text"`
	WantGiven bool      `json:"want_given,omitempty"`
	OfGiven   int       `json:"of_given"`
	Offsets   []int     `json:"offsets"`
	NLL       []float64 `json:"nll"`
}

// ReadGolden reads the golden scores of a model's folder.
func ReadGolden(fsys fs.FS) (Golden, error) {
	data, err := fs.ReadFile(fsys, GoldenFile)
	if err != nil {
		return Golden{}, fmt.Errorf("read golden scores (`pith model export-triton` writes them): %w", err)
	}
	var g Golden
	if err := json.Unmarshal(data, &g); err != nil {
		return Golden{}, fmt.Errorf("%s: %w", GoldenFile, err)
	}
	if len(g.Sequences) == 0 {
		return Golden{}, fmt.Errorf("%s: no sequences", GoldenFile)
	}
	return g, nil
}

// Golden scores the sample texts.
func (m *Model) Golden(ctx context.Context) (Golden, error) {
	scored, err := m.Score(ctx, sampleTexts)
	if err != nil {
		return Golden{}, err
	}
	g := Golden{Model: m.card.SHA256}
	for i, s := range sampleTexts {
		one := GoldenSequence{Given: s.Given, Text: s.Text, WantGiven: s.WantGiven, OfGiven: len(scored[i].Given)}
		for _, l := range append(scored[i].Given, scored[i].Text...) {
			one.Offsets = append(one.Offsets, l.Offset)
			one.NLL = append(one.NLL, math.Round(l.NLL*1e6)/1e6)
		}
		g.Sequences = append(g.Sequences, one)
	}
	return g, nil
}

// Texts are what to score.
func (g Golden) Texts() []Sequence {
	seqs := make([]Sequence, len(g.Sequences))
	for i, s := range g.Sequences {
		seqs[i] = Sequence{Given: s.Given, Text: s.Text, WantGiven: s.WantGiven}
	}
	return seqs
}

// Compare returns the largest difference in nats between the golden scores and others of the same
// texts. Losses of other tokens are an error, and so is a difference above GoldenTolerance.
func (g Golden) Compare(scored []Losses) (worst float64, err error) {
	if len(scored) != len(g.Sequences) {
		return math.Inf(1), fmt.Errorf("%d results for %d golden texts", len(scored), len(g.Sequences))
	}
	for i, want := range g.Sequences {
		got := append(append([]Loss{}, scored[i].Given...), scored[i].Text...)
		if len(got) != len(want.NLL) || len(scored[i].Given) != want.OfGiven || len(want.Offsets) != len(want.NLL) {
			return math.Inf(1), fmt.Errorf("golden text %d has %d losses, want %d", i+1, len(got), len(want.NLL))
		}
		for k, l := range got {
			text := want.Text
			if k < want.OfGiven {
				text = want.Given
			}
			if !oneCharacter(text, l.Offset, want.Offsets[k]) {
				return math.Inf(1), fmt.Errorf("loss %d of golden text %d is of byte %d, want %d", k+1, i+1, l.Offset, want.Offsets[k])
			}
			if d := math.Abs(l.NLL - want.NLL[k]); !(d <= worst) { // NaN is kept
				worst = d
			}
		}
	}
	if !(worst <= GoldenTolerance) {
		return worst, fmt.Errorf("a loss is %.3g nats from the golden one, above %g: these are other weights", worst, GoldenTolerance)
	}
	return worst, nil
}

// oneCharacter tells whether two offsets are the same, or nothing of ASCII lies between them: who
// spells tokens as text cannot say where a part of a character stands.
func oneCharacter(text string, a, b int) bool {
	a, b = min(a, b), max(a, b)
	if a < 0 || b > len(text) {
		return false
	}
	for ; a < b; a++ {
		if text[a] < utf8.RuneSelf {
			return false
		}
	}
	return true
}
