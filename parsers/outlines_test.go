package parsers_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

// What decides an outline is the bytes and the language; who may know of it is the scope.
func TestKnownFilesAreNotParsedAgain(t *testing.T) {
	src := []byte(goFile)
	p := newPool(t, processes.Options{})
	a, b := processes.InScope(t.Context(), "a"), processes.InScope(t.Context(), "b")
	first, err := p.Parse(a, "a.go", src)
	if err != nil || first.Fallback != "" {
		t.Fatalf("fallback %q, error %v", first.Fallback, err)
	}
	for _, tt := range []struct {
		name  string
		parse func() (parsers.File, error)
		known bool
	}{
		{"the same", func() (parsers.File, error) { return p.Parse(a, "a.go", src) }, true},
		{"another path", func() (parsers.File, error) { return p.Parse(a, "b/c.go", src) }, true},
		{"by language", func() (parsers.File, error) { return p.ParseAs(a, "golang", src) }, true},
		{"another language", func() (parsers.File, error) { return p.ParseAs(a, "rust", src) }, false},
		{"another byte", func() (parsers.File, error) { return p.Parse(a, "a.go", []byte(goFile+"\n")) }, false},
		{"another scope", func() (parsers.File, error) { return p.Parse(b, "a.go", src) }, false},
		{"no scope", func() (parsers.File, error) { return p.Parse(t.Context(), "a.go", src) }, false},
		{"no scope, again", func() (parsers.File, error) { return p.Parse(t.Context(), "a.go", src) }, false},
		{"the other scope, again", func() (parsers.File, error) { return p.Parse(b, "a.go", src) }, true},
	} {
		before := p.Stats()
		got, err := tt.parse()
		if err != nil {
			t.Fatal(err)
		}
		if known := p.Stats().Known > before.Known; known != tt.known {
			t.Errorf("%s: known %v, want %v", tt.name, known, tt.known)
		}
		if tt.known && !reflect.DeepEqual(got, first) {
			t.Errorf("%s: %+v, want %+v", tt.name, got, first)
		}
	}
}

// All languages come back from memory as they were cut, in a worker or in this process.
func TestKnownOutlinesAreTheSame(t *testing.T) {
	paths, err := filepath.Glob("testdata/sample*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples (%v)", err)
	}
	for _, inProcess := range []bool{false, true} {
		p := newPool(t, processes.Options{InProcess: inProcess})
		ctx := processes.InScope(t.Context(), "a")
		grammars := int64(0)
		for _, path := range paths {
			src := readFile(t, path)
			want := string(readFile(t, filepath.Join("testdata/outline", filepath.Base(path)+".txt")))
			for range 2 {
				f, err := p.Parse(ctx, path, src)
				if err != nil {
					t.Fatal(err)
				}
				if got := outline(f, src); got != want {
					t.Errorf("in process %v: %s differs from its golden file", inProcess, path)
				}
				if f.SyntaxErrors >= 0 {
					grammars++
				}
			}
		}
		if known := p.Stats().Known; known == 0 || 2*known != grammars {
			t.Errorf("in process %v: %d of %d cuts by a grammar were known, want half", inProcess, known, grammars)
		}
	}
}

// Callers own what they get: whoever writes into it disturbs nobody, at the same time or later.
func TestCallersMayChangeOutlines(t *testing.T) {
	p := newPool(t, processes.Options{InProcess: true})
	ctx := processes.InScope(t.Context(), "a")
	src := []byte(goFile)
	want, err := p.Parse(ctx, "a.go", src)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				f, err := p.Parse(ctx, "a.go", src)
				if err != nil || !reflect.DeepEqual(f, want) {
					t.Errorf("%+v (%v), want %+v", f, err, want)
					return
				}
				for i := range f.Chunks {
					f.Chunks[i].Name = "changed"
					for k := range f.Chunks[i].Units {
						f.Chunks[i].Units[k] = parsers.Unit{}
					}
				}
			}
		})
	}
	wg.Wait()
	if n := p.Stats().Known; n != 8*20 {
		t.Errorf("%d of %d files were known", n, 8*20)
	}
}

func TestOutlinesStayWithinTheirBound(t *testing.T) {
	const limit = 4 << 10
	p := newPool(t, processes.Options{InProcess: true, KeptBytes: limit})
	ctx := processes.InScope(t.Context(), "a")
	file := func(i int) []byte { return fmt.Appendf(nil, "%s\nvar number%d int\n", goFile, i) }
	known := func(src []byte) bool {
		before := p.Stats().Known
		if _, err := p.Parse(ctx, "a.go", src); err != nil {
			t.Fatal(err)
		}
		if n := p.Stats().KeptBytes; n == 0 || n > limit {
			t.Fatalf("%d bytes of outlines, the bound is %d", n, limit)
		}
		return p.Stats().Known > before
	}
	for i := range 30 {
		known(file(i))
	}
	if !known(file(29)) || known(file(0)) {
		t.Error("want the last file known and the first forgotten")
	}
	large := []byte(strings.Repeat(goFile, 100))
	known(large)
	if known(large) {
		t.Error("an outline above the bound was kept")
	}
	if !known(file(29)) {
		t.Error("an outline above the bound pushed others out")
	}
	none := newPool(t, processes.Options{InProcess: true, KeptBytes: -1})
	for range 2 {
		if _, err := none.Parse(ctx, "a.go", []byte(goFile)); err != nil {
			t.Fatal(err)
		}
	}
	if s := none.Stats(); s.Known != 0 || s.KeptBytes != 0 {
		t.Errorf("kept although told not to: %+v", s)
	}
}

// A file that stopped a worker has no outline to remember, and is remembered as such for everybody.
func TestStoppedFilesAreKnownToAll(t *testing.T) {
	p := newPool(t, processes.Options{Workers: 1})
	for i, scope := range []string{"a", "a", "b"} {
		f, err := p.ParseAs(processes.InScope(t.Context(), scope), "ruby", hostile()["ruby heredoc identifier"].src)
		if err != nil {
			t.Fatal(err)
		}
		want := "parse process died"
		if i > 0 {
			want += " before"
		}
		if f.Fallback != want {
			t.Errorf("parse %d: fallback %q, want %q", i, f.Fallback, want)
		}
	}
	if s := p.Stats(); s.Known != 0 || s.Deaths != 1 {
		t.Errorf("%+v", s)
	}
}
