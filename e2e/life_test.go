package e2e

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLifeOfARequestIsAsWritten holds ARCHITECTURE.md to the source: each function that the life of
// a request names exists, and those that proxy/life.go calls itself are called there.
func TestLifeOfARequestIsAsWritten(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, life, _ := strings.Cut(string(text), "## The life of a request\n")
	life, _, _ = strings.Cut(life, "\n## ")
	names := regexp.MustCompile("`([a-z]+)\\.([A-Za-z.]+)`")
	called := callsOf(t, filepath.Join(root, "proxy", "life.go"))
	functions := map[string]map[string]bool{}
	steps := 0
	for _, step := range regexp.MustCompile(`(?m)^\d+\. `).Split(life, -1)[1:] {
		steps++
		list := names.FindAllStringSubmatch(step, -1)
		if len(list) == 0 {
			t.Errorf("step %d names no function: %.60s", steps, step)
			continue
		}
		for i, m := range list {
			if strings.HasSuffix(m[0], ".go`") {
				continue
			}
			if functions[m[1]] == nil {
				functions[m[1]] = declarationsOf(t, filepath.Join(root, m[1]))
			}
			if !functions[m[1]][m[2]] {
				t.Errorf("step %d names %s.%s, which does not exist", steps, m[1], m[2])
			}
			last := m[2][strings.LastIndexByte(m[2], '.')+1:]
			if i == 0 && m[1] == "proxy" && !called[last] {
				t.Errorf("step %d: proxy/life.go does not mention %s", steps, last)
			}
		}
	}
	if steps < 10 {
		t.Errorf("found %d steps", steps)
	}
}

// declarationsOf lists the types, functions (F) and methods (T.M) of the package in a folder.
func declarationsOf(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				out[receiverOf(d)+d.Name.Name] = true
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if typ, ok := spec.(*ast.TypeSpec); ok {
						out[typ.Name.Name] = true
					}
				}
			}
		}
	}
	return out
}

// receiverOf is "T." for a method of T or *T, and "" for a function.
func receiverOf(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	typ := d.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name + "."
	}
	return ""
}

// callsOf lists the names of the functions and methods that a file declares or mentions.
func callsOf(t *testing.T, name string) map[string]bool {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			out[id.Name] = true
		}
		return true
	})
	return out
}
