package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pith/configs"
	"pith/evolve"
	"pith/evolve/search"
)

// The folder is followed while it is in use: artefacts come and go without a restart.
func TestPromptsFollowTheirFolder(t *testing.T) {
	dir := t.TempDir()
	prune, watcher, err := openPrompts(t.Context(), configs.Prompts{Dir: dir, AnyModel: true},
		slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close()
	message := "Word: sun\nOpposite: moon\n\nWord: hot\nOpposite:"
	if _, ok := prune("m", message); ok {
		t.Fatal("an empty folder pruned a prompt")
	}
	a, err := evolve.NewArtefact(&evolve.Report{
		Task: "opposites", Template: "Word: sun\nOpposite: moon\n\nWord: {word}\nOpposite:",
		Comparisons: []evolve.Comparison{{With: "full prompt", Verdict: evolve.Better}},
		Tokenizer:   search.TokenizerWords,
		Answer:      evolve.Entry{Candidate: search.Candidate{Text: "sun moon\n{word}:"}},
	}, evolve.SpacesExact, false)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "opposites.json")
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	wait := func(want bool) {
		t.Helper()
		t.Logf("waits until pruning is %v", want) // the test's own time limit ends it
		for ; ; time.Sleep(20 * time.Millisecond) {
			if found, ok := prune("m", message); ok == want &&
				(!ok || found.Compressed > 0 && found.Compressed < found.Original) {
				return
			}
		}
	}
	wait(true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wait(false)
}

func TestPromptsFolderMustBeThere(t *testing.T) {
	_, _, err := openPrompts(t.Context(), configs.Prompts{Dir: filepath.Join(t.TempDir(), "missing")},
		slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("a folder that is not there was accepted")
	}
}
