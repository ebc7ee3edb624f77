package index_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/compress"
	"pith/index"
	"pith/parsers"
)

// The bounds are those of source: what else lies beside it does not count. What is beyond them, or
// cannot be read, is said with every answer (of the latter e2e InstalledTreeWorksElsewhere knows).
func TestIsBounded(t *testing.T) {
	dir := shop(t)
	for i := range 5 {
		write(t, dir, fmt.Sprintf("a/picture%d.png", i), "\x89PNG\x00")
	}
	write(t, dir, "shop/huge.py", strings.Repeat("x = 1\n", 200_000))
	ask := func(o index.Options) index.Context {
		c, err := open(t, o).Find(t.Context(), index.Question{Question: "order refund colour"})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	o := options(t, dir)
	o.MaxFiles = 3
	if x := open(t, o); x.Status().Files != 3 || x.Status().LeftOut != 1 {
		t.Errorf("%+v", x.Status())
	}
	if c := ask(o); c.Reason != index.LessIndexed || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "1 left out") {
		t.Errorf("%q %q", c.Reason, c.Notes)
	}
	o.MaxFiles = 2
	if c := ask(o); c.Indexed != 2 || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "2 left out") {
		t.Errorf("%d files, %q", c.Indexed, c.Notes)
	}
	if err := os.Remove(filepath.Join(dir, "shop/huge.py")); err != nil {
		t.Fatal(err)
	}
	if c := ask(options(t, dir)); c.Reason != "" || c.Notes != nil {
		t.Errorf("all of it: %q %q", c.Reason, c.Notes)
	}
}

// Whatever makes an answer less than was asked for is said with it.
func TestAnswersSayInWhatTheyAreLess(t *testing.T) {
	dir := shop(t)
	o := options(t, dir)
	o.Parse = slowFor{o.Parse, "ledger.py"}
	o.Folder = t.TempDir()
	x := open(t, o)
	ask := func(paths ...string) index.Context {
		c, err := x.Find(t.Context(), index.Question{Question: "refund order", Budget: 60, Paths: paths})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := ask("shop/refund.py", "shop/missing.py"); c.Reason != index.LessIndexed || len(c.Notes) != 1 ||
		!strings.Contains(c.Notes[0], "shop/missing.py is no source file") {
		t.Errorf("a path that leads nowhere: %q %q", c.Reason, c.Notes)
	}
	c := ask()
	if c.Reason != compress.LessCut || !slices.Contains(c.Notes,
		"shop/ledger.py: cut by its lines, not by the grammar of python: parse ran out of time") {
		t.Errorf("a late grammar: %q %q", c.Reason, c.Notes)
	}
	if a, ok := x.Explain("", c.ID); !ok || a.Reason != c.Reason || !slices.Equal(a.Blocks[0].Notes, c.Notes) {
		t.Errorf("explained: %+v", a)
	}
	if err := os.Remove(filepath.Join(dir, "shop/refund.py")); err != nil {
		t.Fatal(err)
	}
	c, err := x.Read(t.Context(), index.Question{Question: "refund", Paths: []string{"shop"}})
	if err != nil || !slices.Contains(c.Notes, "shop/refund.py: it cannot be read any more") {
		t.Errorf("a file that is gone: %v %q", err, c.Notes)
	}
	// Another time the grammar may be in time.
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	again := options(t, dir)
	again.Folder = o.Folder
	if s := open(t, again).Status(); s.Loaded != 2 {
		t.Errorf("known from disk: %+v", s)
	}
}

// slowFor is a Splitter whose grammar is late for one file.
type slowFor struct {
	compress.Splitter
	name string
}

func (s slowFor) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	f, err := s.Splitter.Parse(ctx, path, src)
	if filepath.Base(path) == s.name {
		f.CutByLines("parse ran out of time", parsers.NewLines(src))
		f.Late = true
	}
	return f, err
}

// A folder is read whole or refused with what to do: what a call may ask for has bounds.
func TestReadsAreBounded(t *testing.T) {
	dir := t.TempDir()
	for i := range 501 {
		write(t, dir, fmt.Sprintf("many/f%d.py", i), fmt.Sprintf("def f%d():\n    return %d\n", i, i))
	}
	for i := range 3 {
		write(
			t, dir, fmt.Sprintf("large/f%d.py", i),
			strings.Repeat("# nothing to be seen here, go on reading\n", 20000))
	}
	write(t, dir, "small/refund.py", refund)
	x := open(t, options(t, dir))
	for _, tt := range []struct {
		paths []string
		says  string // of the error; empty where there is none
	}{
		{[]string{"."}, "505 files"},
		{[]string{"many"}, "501 files"},
		{[]string{"large", "large/f1.py"}, "3 files of 2402 KiB"},
		{[]string{"many/f1.py", "small"}, ""},
	} {
		_, err := x.Read(t.Context(), index.Question{Question: "refund_order", Paths: tt.paths})
		if tt.says == "" && err != nil {
			t.Errorf("Read %q: %v", tt.paths, err)
		}
		if tt.says == "" {
			continue
		}
		if !errors.Is(err, compress.ErrRequest) || !strings.Contains(err.Error(), tt.says) ||
			!strings.Contains(err.Error(), "name fewer, or ask find_context") {
			t.Errorf("Read %q: %v, want ErrRequest with %q and what to do", tt.paths, err, tt.says)
		}
	}
}
