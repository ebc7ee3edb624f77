package parsers_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// TestOutline compares the chunks and units of each sample with its golden file.
func TestOutline(t *testing.T) {
	p := newPool(t, processes.Options{})
	paths, err := filepath.Glob("testdata/sample*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples (%v)", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src := readFile(t, path)
			f, err := p.Parse(t.Context(), path, src)
			if err != nil {
				t.Fatal(err)
			}
			checkTiling(t, f, src)
			golden(t, filepath.Join("testdata", "outline", filepath.Base(path)+".txt"), outline(f, src))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := string(readFile(t, path)); got != want {
		t.Errorf("differs from %s (-update writes it):\n%s", path, got)
	}
}

// Outline shows a file as its lines with, before each, the chunk that begins there and how deep in
// units the line is.
func outline(f parsers.File, src []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "language %s, %d syntax errors, fallback %q, comment %q %q\n",
		f.Language, f.SyntaxErrors, f.Fallback, f.CommentPrefix, f.CommentSuffix)
	lines := strings.SplitAfter(string(src), "\n")
	for i, ch := range f.Chunks {
		fmt.Fprintf(&b, "== %d %s %q parent %d", i, ch.Kind, ch.Name, ch.Parent)
		if ch.SignatureEnd > ch.SignatureStart {
			fmt.Fprintf(&b, " signature %d-%d", ch.SignatureStart+1, ch.SignatureEnd)
		}
		if ch.NeedsChild {
			b.WriteString(" needs child")
		}
		if ch.DocEnd > ch.DocStart {
			fmt.Fprintf(&b, " doc %d-%d", ch.DocStart+1, ch.DocEnd)
		}
		b.WriteString("\n")
		names(&b, ch.Names)
		marks := make([]string, ch.EndLine-ch.StartLine)
		mark(marks, ch.Units, ch.StartLine, 0)
		for k, m := range marks {
			fmt.Fprintf(&b, "%4d %-10s|%s", ch.StartLine+k+1, m, strings.TrimRight(lines[ch.StartLine+k], "\r\n"))
			b.WriteString("\n")
		}
	}
	return b.String()
}

// names shows what a chunk says about names, a line for each use; locals by line, those declared
// there before the colon.
func names(b *strings.Builder, n parsers.Names) {
	for _, list := range []struct {
		use   string
		names []string
	}{{"defines", n.Defines}, {"calls", n.Calls}, {"types", n.Types}, {"refers", n.Refers}} {
		if len(list.names) > 0 {
			fmt.Fprintf(b, "   %s %s\n", list.use, strings.Join(list.names, " "))
		}
	}
	for i := 0; i < len(n.Locals); {
		var declared, used []string
		line := n.Locals[i].Line
		for ; i < len(n.Locals) && n.Locals[i].Line == line; i++ {
			if n.Locals[i].Declares {
				declared = append(declared, n.Locals[i].Name)
			} else {
				used = append(used, n.Locals[i].Name)
			}
		}
		fmt.Fprintf(b, "   %d: %s: %s\n", line+1, strings.Join(declared, " "), strings.Join(used, " "))
	}
}

// mark puts a sign on each line for each unit that holds it: + on a unit's first line, : on the
// others, # in comments.
func mark(marks []string, us []parsers.Unit, base, depth int) {
	for _, u := range us {
		for line := u.Start; line < u.End; line++ {
			sign := ":"
			switch {
			case u.Comment:
				sign = "#"
			case line == u.Start:
				sign = "+"
			}
			marks[line-base] += sign
		}
		mark(marks, u.Units, base, depth+1)
	}
}
