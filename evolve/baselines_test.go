package evolve

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/evolve/llm"
	"pith/evolve/search"
)

func TestBaselinesAreChecked(t *testing.T) {
	for _, b := range []Baselines{"", BaselinesNone, BaselinesRandom, BaselinesAll} {
		if err := b.Check(); err != nil {
			t.Errorf("%q: %v", b, err)
		}
	}
	if err := Baselines("some").Check(); !errors.Is(err, search.ErrOptions) ||
		!strings.Contains(err.Error(), `"some"`) {
		t.Errorf("Check = %v, want an error that names what was given", err)
	}
}

// runWith runs a search with the baselines given and returns its report and what was said before.
func runWith(t *testing.T, b Baselines) (report *Report, notes []string) {
	t.Helper()
	spec := runSpec(runTask(t), search.Guided)
	spec.MaxPrompts = 200
	d, err := CreateRun(filepath.Join(t.TempDir(), "run"), spec)
	if err != nil {
		t.Fatal(err)
	}
	task, err := LoadTask(d.Spec.Task)
	if err != nil {
		t.Fatal(err)
	}
	r := &Run{
		Dir: d, Task: task, Workers: 2, Tokenize: search.Words, TokenizerName: "words", Baselines: b,
		Backend: llm.Backend{ID: "word model", LM: wordLM{}},
		OnNote:  func(note string) { notes = append(notes, note) },
	}
	report, err = r.Do(t.Context())
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	return report, notes
}

// Each setting runs its baselines and no others, and only what is compared is tested.
func TestBaselinesOfARun(t *testing.T) {
	tests := []struct {
		baselines Baselines
		names     []string
		compared  []string
	}{
		{BaselinesNone, nil, []string{fullName}},
		{BaselinesRandom, []string{randomName}, []string{fullName, randomName}},
		{BaselinesAll, []string{randomName, perplexityName}, []string{fullName, randomName}},
		{"", []string{randomName, perplexityName}, []string{fullName, randomName}},
	}
	for _, tt := range tests {
		report, notes := runWith(t, tt.baselines)
		var names, compared []string
		for _, e := range report.Baselines {
			names = append(names, e.Name)
			if !e.Tested || len(e.rows) != 20 {
				t.Errorf("%q: %s was tested on %d rows, want 20", tt.baselines, e.Name, len(e.rows))
			}
		}
		for _, c := range report.Comparisons {
			compared = append(compared, c.With)
		}
		if !slices.Equal(names, tt.names) || !slices.Equal(compared, tt.compared) {
			t.Errorf("%q: baselines %q, compared with %q, want %q and %q", tt.baselines, names, compared,
				tt.names, tt.compared)
		}
		said := slices.ContainsFunc(notes, func(n string) bool {
			return strings.Contains(n, randomName) && strings.Contains(n, "--baselines none leaves it out")
		})
		if said != (len(tt.names) > 0) {
			t.Errorf("%q: what random pruning costs was said: %v; notes %q", tt.baselines, said, notes)
		}
	}
}

// A baseline drops as many units as the answer did: else length would decide, not the choice.
func TestBaselinesAreAsLongAsTheAnswer(t *testing.T) {
	report, _ := runWith(t, BaselinesAll)
	want := report.Answer.Mask.Kept()
	if want == len(report.Answer.Mask) {
		t.Fatal("the answer is the full prompt")
	}
	masks := map[string]bool{report.Answer.Mask.String(): true}
	for _, e := range report.Baselines {
		if e.Mask.Kept() != want {
			t.Errorf("%s keeps %d units, the answer %d", e.Name, e.Mask.Kept(), want)
		}
		masks[e.Mask.String()] = true
		slot := slices.IndexFunc(report.Pieces, func(p string) bool { return p == "{text}" })
		if slot < 0 || !e.Mask[slot] {
			t.Errorf("%s dropped the slot", e.Name)
		}
	}
	if len(masks) != 3 {
		t.Errorf("answer and baselines have %d different masks, want 3", len(masks))
	}
}

// The baseline by perplexity keeps the units that surprise the model most, behind what stands
// before them in the full prompt.
func TestPerplexityKeepsWhatSurprises(t *testing.T) {
	report, _ := runWith(t, BaselinesAll)
	at := slices.IndexFunc(report.Baselines, func(e Entry) bool { return e.Name == perplexityName })
	if at < 0 {
		t.Fatal("no baseline by perplexity")
	}
	mask := report.Baselines[at].Mask
	surprise, before := map[bool][]float64{}, ""
	for i, piece := range report.Pieces {
		if piece != "{text}" { // which stays
			logs, err := wordLM{}.LogProbs(t.Context(), []llm.Query{{Prompt: before, Continuation: piece}})
			if err != nil {
				t.Fatal(err)
			}
			surprise[mask[i]] = append(surprise[mask[i]], -logs[0])
		}
		before += piece
	}
	if len(surprise[false]) == 0 || slices.Max(surprise[false]) > slices.Min(surprise[true]) {
		t.Errorf("dropped %v, kept %v", surprise[false], surprise[true])
	}
}

// The same run has the same baselines.
func TestBaselinesRepeat(t *testing.T) {
	one, _ := runWith(t, BaselinesRandom)
	two, _ := runWith(t, BaselinesRandom)
	if one.Baselines[0].Text != two.Baselines[0].Text || one.Baselines[0].Test != two.Baselines[0].Test {
		t.Error("random pruning of the same seed differs from run to run")
	}
}

func TestKeptUnits(t *testing.T) {
	template, err := search.NewTemplate("a b c d {x}", []string{"x"}, search.Words)
	if err != nil {
		t.Fatal(err)
	}
	open := template.Prunable()
	all := search.FullMask(len(template.Units))
	tests := []struct {
		name string
		c    search.Candidate
		want int
	}{
		{"all", search.Candidate{Mask: all}, len(open)},
		{"two dropped", search.Candidate{Mask: all.Flip(open[0], open[1])}, len(open) - 2},
		{"cut anew: by its share of the text", search.Candidate{Text: template.Text()}, len(open)},
		{"cut anew: half", search.Candidate{Text: template.Text()[:len(template.Text())/2]}, len(open) * 5 / 11},
		{"cut anew: nothing left", search.Candidate{}, 0},
	}
	for _, tt := range tests {
		if got := keptUnits(template, tt.c); got != tt.want {
			t.Errorf("%s: %d units, want %d", tt.name, got, tt.want)
		}
	}
}
