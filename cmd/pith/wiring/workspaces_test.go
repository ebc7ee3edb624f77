package wiring_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/index"
	"pith/parsers/processes"
	"pith/tokens"
)

// workspaces are those of an engine whose parsers are as o says.
func workspaces(t *testing.T, o processes.Options, log *slog.Logger) *wiring.Workspaces {
	t.Helper()
	pool, err := processes.NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	w := wiring.NewWorkspaces(&wiring.Engine{Pool: pool, Counters: tokens.New()}, configs.Default().Compress, log)
	t.Cleanup(w.Close)
	return w
}

// writeArea writes a file of one function.
func writeArea(t *testing.T, dir string) {
	t.Helper()
	text := []byte("def area(w, h):\n    return w * h\n")
	if err := os.WriteFile(filepath.Join(dir, "a.py"), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Who cannot wait for the first look at a workspace is told so, and who leaves does not end it for
// the others.
func TestWorkspaceThatIsNotReadySaysSo(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	writeArea(t, dir)
	log := slog.New(slog.DiscardHandler)
	never := workspaces(t, processes.Options{Command: []string{"sleep", "600"}, Timeout: time.Hour}, log)
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := never.Open(late, []string{dir}, nil); !errors.Is(err, index.ErrIndexing) {
		t.Errorf("asked while it is indexed: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := never.Open(gone, []string{dir}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("asked by who leaves: %v", err)
	}

	w := workspaces(t, processes.Options{InProcess: true}, log)
	if _, err := w.Open(gone, []string{dir}, nil); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("asked by who leaves: %v", err)
	}
	x, err := w.Open(t.Context(), []string{dir}, nil)
	if err != nil || x.Status().Files != 1 {
		t.Fatalf("asked by who waits: %v", err)
	}
	if same, err := w.Open(t.Context(), []string{dir}, nil); err != nil || same != x {
		t.Errorf("asked again: %v", err)
	}
}

// A workspace that cannot be indexed is tried again by the next who asks, and the log says why.
// That an index cannot be kept on disk costs no answer.
func TestWorkspaceThatFailsIsTriedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_CACHE_HOME", file)
	var said strings.Builder
	w := workspaces(t, processes.Options{InProcess: true}, slog.New(slog.NewTextHandler(&said, nil)))
	if _, err := w.Open(t.Context(), []string{dir}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	writeArea(t, dir)
	x, err := w.Open(t.Context(), []string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x.Find(t.Context(), index.Question{Question: "area"})
	if err != nil || !strings.Contains(c.Text, "w * h") {
		t.Errorf("%v\n%s", err, c.Text)
	}
	w.Close()
	for _, what := range []string{"could not be indexed", "could not be written"} {
		if !strings.Contains(said.String(), what) {
			t.Errorf("the log does not say %q: %s", what, said.String())
		}
	}
}
