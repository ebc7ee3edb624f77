package compress

import (
	"errors"
	"go/build"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/parsers"
)

// localFiles are files in every grammar and, for their number, Go's own sources.
func localFiles(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{
		filepath.Join("..", "parsers", "testdata", "sample.*"), filepath.Join("testdata", "*.*"), "*.go",
		filepath.Join(build.Default.GOROOT, "src", "net", "http", "*.go"),
		filepath.Join(build.Default.GOROOT, "src", "strconv", "*.go"),
	} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, files...)
	}
	return slices.DeleteFunc(list, func(path string) bool { return strings.HasSuffix(path, ".golden") })
}

// No kept line of a function uses a local name whose only declarations in that function were cut.
func TestKeptLinesKeepTheirDeclarations(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter, o.Ranker = splitter, rankWords })
	functions, cut, languages := 0, 0, map[string]bool{}
	for _, path := range localFiles(t) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := splitter.Parse(t.Context(), path, content)
		if err != nil || file.SyntaxErrors != 0 {
			continue
		}
		for _, c := range file.Chunks {
			if c.Kind != parsers.KindFunction || c.EndLine-c.StartLine < 8 {
				continue
			}
			alone := File{Path: path, Language: file.Language, Content: dedent(string(content[c.Start:c.End]))}
			if again, err := splitter.ParseAs(t.Context(), file.Language, []byte(alone.Content)); err != nil ||
				again.SyntaxErrors != 0 {
				continue
			}
			if functions++; functions > 1400 {
				break
			}
			languages[file.Language] = true
			for _, rate := range []float64{0.4} {
				req := Request{
					Files: []File{alone}, Query: "where is the result returned, and when is it an error?",
					Rate: rate,
				}
				res, err := e.Compress(t.Context(), req)
				if errors.Is(err, ErrBudget) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				cut += keptDeclarations(t, splitter, alone, res)
			}
		}
	}
	if functions < 1000 || cut < 500 || len(languages) < 10 {
		t.Errorf("%d functions, %d of them cut inside, in %d languages: too few to tell", functions,
			cut, len(languages))
	}
}

// keptDeclarations looks at each function of a result and returns how many are cut inside.
func keptDeclarations(t *testing.T, splitter Splitter, f File, res Result) (cut int) {
	t.Helper()
	file, err := splitter.ParseAs(t.Context(), f.Language, []byte(f.Content))
	if err != nil {
		t.Fatal(err)
	}
	kept := map[int]bool{}
	for _, c := range res.Chunks {
		for _, run := range c.KeptLines {
			for line := run[0]; line <= run[1]; line++ {
				kept[line-1] = true
			}
		}
		if c.Decision == Pruned {
			cut++
		}
	}
	for _, c := range file.Chunks {
		declared, seen := map[string]bool{}, map[string]bool{}
		for _, l := range c.Names.Locals {
			if l.Declares && l.Name != "_" {
				declared[l.Name] = true
				seen[l.Name] = seen[l.Name] || kept[l.Line]
			}
		}
		for _, l := range c.Names.Locals {
			if !l.Declares && kept[l.Line] && declared[l.Name] && !seen[l.Name] {
				t.Errorf("%s, line %d: %q is used and nowhere declared any more in\n%s", f.Path,
					l.Line+1, l.Name, res.Text)
				return cut
			}
		}
	}
	return cut
}

// dedent takes the indentation of a text's first line off all its lines, so that a method is a
// file.
func dedent(text string) string {
	var out strings.Builder
	first := indent(text)
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimPrefix(line, first))
	}
	return out.String()
}
