package evolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/evolve/search"
)

func TestFolderFinds(t *testing.T) {
	dir := t.TempDir()
	save := func(name, target, tokenizer string) {
		r := testReport()
		r.Task, r.Tokenizer = name, tokenizer
		r.Spec.Backend.Model = target
		a, err := NewArtefact(r, SpacesExact, false)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Save(filepath.Join(dir, name+".json")); err != nil {
			t.Fatal(err)
		}
	}
	save("by words", "gpt-x", search.TokenizerWords)
	save("by tokens", "gpt-y", search.TokenizerOf("gpt-y"))
	save("foreign tokens", "gpt-z", search.TokenizerOf("another"))
	message := search.Fill(artefactTemplate, map[string]string{"text": "so", "who": "Ann"})
	tests := []struct {
		model, text, want, any string // any is what is found where artefacts may serve any model
	}{
		{"gpt-x", message, "by words", "by tokens"},
		{"gpt-y", message, "by tokens", "by tokens"},
		{"gpt-z", message, "", "by tokens"},
		{"gpt-q", message, "", "by tokens"},
		{"", message, "", "by tokens"},
		{"gpt-x", strings.ToUpper(message), "", ""},
		{"gpt-x", "", "", ""},
	}
	for _, anyModel := range []bool{false, true} {
		folder, err := OpenFolder(
			dir, FolderOptions{AnyModel: anyModel, Count: func(_, text string) int { return len(text) }},
		)
		if err != nil || folder.Len() != 3 {
			t.Fatalf("OpenFolder = %v, %v", folder, err)
		}
		for _, tt := range tests {
			want := tt.want
			if anyModel {
				want = tt.any
			}
			found, ok := folder.Find(tt.model, tt.text)
			if found.Task != want || ok != (want != "") {
				t.Errorf("Find(%q, %.10q) with any model %v = %q, want %q", tt.model, tt.text,
					anyModel, found.Task, want)
			}
			if ok && (found.Original <= found.Pruned || found.Pruned == 0) {
				t.Errorf("counted %d and %d", found.Original, found.Pruned)
			}
		}
	}
}

// A file that must not be used keeps nobody else from their prompts, now or at the next reading.
func TestFolderReload(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenFolder(filepath.Join(dir, "missing"), FolderOptions{}); err == nil {
		t.Fatal("a folder that is not there was opened")
	}
	folder, err := OpenFolder(dir, FolderOptions{AnyModel: true})
	if err != nil || folder.Len() != 0 {
		t.Fatalf("an empty folder: %v", err)
	}
	strict, err := OpenFolder(dir, FolderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := testReport()
	r.Tokenizer = search.TokenizerWords
	a, err := NewArtefact(r, SpacesExact, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Save(filepath.Join(dir, "mood.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := folder.Reload(); err == nil || !strings.Contains(err.Error(), "broken.json") {
		t.Errorf("Reload with a broken file: %v, want its name", err)
	}
	if _, ok := folder.Find("m", search.Fill(artefactTemplate, map[string]string{"text": "so", "who": "Ann"})); !ok ||
		folder.Len() != 1 {
		t.Error("the sound file is not used")
	}
	// It was measured on a local model: whoever does not allow it for others hears why it is of no
	// use.
	if err := strict.Reload(); err == nil || !strings.Contains(err.Error(), "mood.json") || strict.Len() != 0 {
		t.Errorf("Reload of a local model's prompt: %v, %d in use", err, strict.Len())
	}
}
