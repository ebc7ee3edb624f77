package e2e

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// The bounds within which one can read a file, a package and a comment.
const (
	longestFile    = 350
	largestPackage = 4000 // lines of code, without tests, comments and blank lines
	widestComment  = 100
)

// TestHouseStaysReadable holds the Go files to their bounds: lines of a file, code of a package,
// columns of a comment.
func TestHouseStaysReadable(t *testing.T) {
	code := map[string]int{}
	for _, name := range goFiles(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n > longestFile {
			t.Errorf("%s has %d lines, more than %d", name, n, longestFile)
		}
		lines := codeLines(t, name, text)
		if !strings.HasSuffix(name, "_test.go") {
			code[filepath.Dir(name)] += lines
		}
	}
	for dir, n := range code {
		if n > largestPackage {
			t.Errorf("%s has %d lines of code, more than %d", dir, n, largestPackage)
		}
	}
	if len(code) < 40 {
		t.Errorf("found %d packages", len(code))
	}
}

// codeLines counts the lines of a file with code on them, and looks at its comments.
func codeLines(t *testing.T, name string, text []byte) int {
	t.Helper()
	var s scanner.Scanner
	file := token.NewFileSet().AddFile(name, -1, len(text))
	s.Init(file, text, nil, scanner.ScanComments)
	lines := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return len(lines)
		}
		at := file.Position(pos)
		switch {
		case tok == token.COMMENT && at.Column == 1+indent(text, file.Offset(pos)) &&
			!strings.HasPrefix(literal, "//go:") && !strings.HasPrefix(literal, "//nolint"):
			for i, line := range strings.Split(literal, "\n") {
				width := utf8.RuneCountInString(line)
				if i == 0 {
					width += 4 * (at.Column - 1) // of tabs
				}
				if width > widestComment {
					t.Errorf("%s:%d: a comment %d columns wide, more than %d", name, at.Line+i, width, widestComment)
				}
			}
		case tok != token.COMMENT && (tok != token.SEMICOLON || literal != "\n"):
			for i := range 1 + strings.Count(literal, "\n") {
				lines[at.Line+i] = true
			}
		}
	}
}

// indent is the number of tabs before offset where nothing else stands on its line, else -1.
func indent(text []byte, offset int) int {
	line := text[bytes.LastIndexByte(text[:offset], '\n')+1 : offset]
	if len(bytes.Trim(line, "\t")) > 0 {
		return -1
	}
	return len(line)
}

// TestNoTypeIsHidden holds that no variable, parameter or result has the name of a type of its
// package.
func TestNoTypeIsHidden(t *testing.T) {
	files := token.NewFileSet()
	packages := map[string][]*ast.File{}
	for _, name := range goFiles(t) {
		file, err := parser.ParseFile(files, filepath.Join(root, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		key := filepath.Dir(name) + " " + file.Name.Name
		packages[key] = append(packages[key], file)
	}
	for key, list := range packages {
		tests := strings.HasSuffix(key, "_test")
		types := map[string]bool{}
		for _, file := range list {
			for _, d := range file.Decls {
				if d, ok := d.(*ast.GenDecl); ok && d.Tok == token.TYPE {
					for _, spec := range d.Specs {
						types[spec.(*ast.TypeSpec).Name.Name] = true
					}
				}
			}
		}
		if tests && len(types) == 0 {
			continue
		}
		for _, file := range list {
			ast.Inspect(file, func(n ast.Node) bool {
				for _, id := range namesBy(n) {
					if types[id.Name] {
						t.Errorf("%s: %s hides the type of that name", files.Position(id.Pos()), id.Name)
					}
				}
				return true
			})
		}
	}
}

// namesBy are the variables that a node of the syntax names.
func namesBy(n ast.Node) (list []*ast.Ident) {
	add := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if id, ok := e.(*ast.Ident); ok {
				list = append(list, id)
			}
		}
	}
	fields := func(f *ast.FieldList) {
		if f != nil {
			for _, field := range f.List {
				list = append(list, field.Names...)
			}
		}
	}
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			add(n.Lhs...)
		}
	case *ast.RangeStmt:
		if n.Tok == token.DEFINE {
			add(n.Key, n.Value)
		}
	case *ast.ValueSpec:
		list = n.Names
	case *ast.FuncType:
		fields(n.Params)
		fields(n.Results)
	case *ast.FuncDecl:
		fields(n.Recv)
	}
	return list
}

// goFiles lists the Go files of the project, without those that tests only read.
func goFiles(t *testing.T) (list []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (name[0] == '.' || name == "testdata" || name == "node_modules"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go"):
			name, err = filepath.Rel(root, path)
			list = append(list, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// served begins the packages whose work is done for requests.
var served = []string{
	"accounting", "cache", "compress", "dialects", "embedding", "gateway", "index", "internal", "mcp",
	"parsers", "perplexity", "proxy", "retrieval", "tokens",
}

// TestPanicsElsewhereAreCaught holds that what serves begins no goroutine in a file that guards
// against no panic: nobody recovers there, and one ends the process. Those listed call nothing of a
// request's.
func TestPanicsElsewhereAreCaught(t *testing.T) {
	plain := []string{"parsers/processes/limits_linux.go", "proxy/site.go"}
	seen := 0
	for _, name := range goFiles(t) {
		dir, _, _ := strings.Cut(name, "/")
		if !slices.Contains(served, dir) || strings.HasSuffix(name, "_test.go") ||
			strings.Contains(name, "testdata/") || strings.HasPrefix(name, "internal/panics/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		begins := bytes.Contains(text, []byte("golang.org/x/sync/errgroup"))
		ast.Inspect(file, func(n ast.Node) bool {
			_, is := n.(*ast.GoStmt)
			begins = begins || is
			if call, is := n.(*ast.CallExpr); is {
				method, is := call.Fun.(*ast.SelectorExpr)
				begins = begins || is && method.Sel.Name == "Go"
			}
			return true
		})
		if !begins {
			continue
		}
		seen++
		if !bytes.Contains(text, []byte("panics.")) && !slices.Contains(plain, name) {
			t.Errorf("%s begins a goroutine and guards against no panic: see internal/panics", name)
		}
	}
	if seen < 10 {
		t.Errorf("%d files begin goroutines", seen)
	}
}
