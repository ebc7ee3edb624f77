package perplexity_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pith/perplexity"
)

func TestFindLibrary(t *testing.T) {
	found, err := perplexity.FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PITH_ONNXRUNTIME", filepath.Dir(found))
	if got, err := perplexity.FindLibrary(""); err != nil || got != found {
		t.Errorf("with the folder in the environment: %q, %v, want %q", got, err, found)
	}
	if got, err := perplexity.FindLibrary(found); err != nil || got != found {
		t.Errorf("with a hint: %q, %v, want %q", got, err, found)
	}
	missing := filepath.Join(t.TempDir(), "libonnxruntime.so")
	t.Setenv("PITH_ONNXRUNTIME", missing)
	_, err = perplexity.FindLibrary("")
	var cause *perplexity.RuntimeError
	if !errors.As(err, &cause) || cause.Path != missing || cause.Remedy == "" || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing library gave %v", err)
	}
}

func TestSetupAgain(t *testing.T) {
	if err := perplexity.Setup(""); err != nil {
		t.Errorf("second Setup: %v", err)
	}
	t.Setenv("PITH_ONNXRUNTIME", filepath.Join(t.TempDir(), "gone"))
	if err := perplexity.Setup(""); err != nil {
		t.Errorf("Setup with a library loaded and another named in the environment: %v", err)
	}
	other := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(other, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	var cause *perplexity.RuntimeError
	if err := perplexity.Setup(other); !errors.As(err, &cause) {
		t.Errorf("Setup with a second library gave %v", err)
	}
}
