package perplexity

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestOnlyPinnedLibrariesAreLoadedFromDeps(t *testing.T) {
	dir := filepath.Join(t.TempDir(), fetched)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	tampered := filepath.Join(dir, libraryName())
	own := filepath.Join(t.TempDir(), libraryName())
	for _, path := range []string{tampered, own} {
		if err := os.WriteFile(path, []byte("some bytes"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var cause *RuntimeError
	if err := checkPinned(tampered); !errors.As(err, &cause) || !errors.Is(err, ErrChecksum) || cause.Path != tampered {
		t.Errorf("a library with other bytes gave %v", err)
	}
	if err := checkPinned(own); err != nil {
		t.Errorf("a library of the user's own gave %v", err)
	}
	if path := loadedLibrary(); path == "" {
		t.Error("no library is loaded")
	} else if err := checkPinned(path); err != nil {
		t.Errorf("the library in use: %v", err)
	}
}
