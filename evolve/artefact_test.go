package evolve

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/evolve/search"
)

const artefactTemplate = "Review: a fine film\nMood: good\n\n" +
	"Review: a dull hour\nMood: bad\n\nReview: {text}\nVerdict of {who}:"

func testReport() *Report {
	return &Report{
		Task: "mood", Template: artefactTemplate, Comparisons: []Comparison{{With: "full prompt", Verdict: NoWorse}},
		Licence: "CC0-1.0",
		Full:    Entry{Candidate: search.Candidate{Length: 30, Fitness: 1}, Validation: .8, Test: .75, Tested: true},
		Answer: Entry{
			Candidate: search.Candidate{
				Text:   "fine good dull bad {text}\nVerdict {who}",
				Length: 10,
				Mask:   search.Mask{true, false},
			},
			Test: .8,
		},
	}
}

func TestArtefactApply(t *testing.T) {
	fill := strings.NewReplacer("{text}", "so {who} cares", "{who}", "Ann")
	message := "Dear model,\n" + fill.Replace(artefactTemplate) + "\n"
	tests := []struct {
		name, spaces, text, want string
	}{
		{
			name:   "exact",
			spaces: SpacesExact,
			text:   message,
			want:   "Dear model,\nfine good dull bad so {who} cares\nVerdict Ann\n",
		},
		{name: "other spaces", spaces: SpacesExact, text: strings.ReplaceAll(message, "\n\n", "\n")},
		{
			name:   "other spaces, normalised",
			spaces: SpacesNormalised,
			text:   strings.ReplaceAll(message, "\n\n", " \n "),
			want:   "Dear model,\nfine good dull bad so {who} cares\nVerdict Ann\n",
		},
		{name: "another demonstration", spaces: SpacesNormalised, text: strings.Replace(message, "dull", "bad", 1)},
		{name: "end missing", spaces: SpacesExact, text: strings.Replace(message, "Verdict of", "Verdict by", 1)},
		{name: "twice", spaces: SpacesExact, text: message + message},
		{name: "nothing", spaces: SpacesExact, text: ""},
	}
	for _, tt := range tests {
		a, err := NewArtefact(testReport(), tt.spaces, false)
		if err != nil {
			t.Fatal(err)
		}
		want, used := tt.want, true
		if want == "" {
			want, used = tt.text, false
		}
		// The last slot's text runs to its literal; what follows stays.
		got, ok := a.Apply(tt.text)
		if got != want || ok != used {
			t.Errorf("%s: Apply = %q, %v, want %q, %v", tt.name, got, ok, want, used)
		}
	}
}

func TestArtefactSurvivesItsFile(t *testing.T) {
	a, err := NewArtefact(testReport(), SpacesExact, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mood.json")
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	if b, err := LoadArtefact(path); err != nil || b.Pruned != a.Pruned || b.Mask.String() != "10" {
		t.Errorf("LoadArtefact = %+v, %v", b, err)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"fine good", "foul good"}, {"a fine film", "a foul film"}, {
		`"format": 1`,
		`"format": 2`,
	}, {`"exact"`, `"loose"`}, {"0.75", "0.05"}} {
		if err := os.WriteFile(path, []byte(strings.Replace(string(src), change[0], change[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadArtefact(path); !errors.Is(err, ErrArtefact) {
			t.Errorf("with %q changed to %q: %v, want ErrArtefact", change[0], change[1], err)
		}
	}
	a.Pruned = "tampered {text} {who}"
	if got, ok := a.Apply(artefactTemplate); ok || got != artefactTemplate {
		t.Error("an artefact that fails its check was applied")
	}
}

func TestArtefactRefusals(t *testing.T) {
	lost := testReport()
	lost.Comparisons[0].Verdict = NotShown
	if _, err := NewArtefact(lost, SpacesExact, false); !errors.Is(err, ErrTransfer) {
		t.Errorf("a prompt that lost on test: %v, want ErrTransfer", err)
	}
	if _, err := NewArtefact(lost, SpacesExact, true); err != nil {
		t.Errorf("forced: %v", err)
	}
	provisional := testReport()
	provisional.Missing = "the baselines"
	if _, err := NewArtefact(provisional, SpacesExact, false); !errors.Is(err, ErrTransfer) {
		t.Errorf("a provisional report: %v, want ErrTransfer", err)
	}
	if a, err := NewArtefact(provisional, SpacesExact, true); err != nil || a.Provenance.Verdict != "" {
		t.Errorf("a provisional report, forced: %v, verdict %q, want none before a test", err, a.Provenance.Verdict)
	}
	short := testReport()
	short.Template, short.Answer.Text = "Hi {text}", "{text}"
	if _, err := NewArtefact(short, SpacesExact, false); !errors.Is(err, ErrArtefact) {
		t.Errorf("a template without demonstrations: %v, want ErrArtefact", err)
	}
	long := testReport()
	long.Template = strings.Repeat("a", 2<<20) + long.Template
	if _, err := NewArtefact(long, SpacesExact, true); !errors.Is(err, ErrArtefact) {
		t.Errorf("a template of 2 MiB: %v, want ErrArtefact", err)
	}
}

func FuzzArtefactApply(f *testing.F) {
	a, err := NewArtefact(testReport(), SpacesNormalised, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add("before", "a text", "Ann")
	f.Add("", "Verdict of", "")
	f.Fuzz(func(t *testing.T, before, text, who string) {
		message := before + search.Fill(artefactTemplate, map[string]string{"text": text, "who": who})
		got, ok := a.Apply(message)
		if !ok && got != message {
			t.Fatal("refused, but changed the text")
		}
		if ok && (!strings.HasPrefix(got, before) || !strings.HasSuffix(got, who)) {
			t.Fatalf("Apply lost what stands around or in the slots: %q", got)
		}
	})
}
