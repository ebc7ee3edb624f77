package parsers_test

import (
	"slices"
	"strings"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

// TestIndented: in data and code without a grammar a line that stays has the lines that it stands
// under.
func TestIndented(t *testing.T) {
	deep := func(key string) string {
		return key + ":\n" + strings.Repeat("  one:\n    a: 1\n    b: 2\n    c: 3\n    d: 4\n", 10)
	}
	p := newPool(t, processes.Options{})
	for _, tt := range []struct{ language, src, line, under string }{
		{"yaml", deep("first") + deep("second") + "    last: 1\n", "last: 1", "second: one:"},
		{
			"yaml", "steps:\n- name: build\n  run: make\n- name: test\n  env:\n    KEY: 1\n", "KEY: 1",
			"steps: - name: test env:",
		},
		{
			"yaml", "- name: web\n  image: x\n  ports:\n    - port: 80\n    - port: 81\n", "- port: 81",
			"- name: web ports:",
		},
		{"yaml", "kind: A\nx: 1\n---\nkind: B\nspec:\n  y: 2\n", "y: 2", "--- spec:"},
		{"yaml", "run: |\n  one\n  two\n  three\nafter: 1\n", "three", "run: | one two three"},
		{"yaml", "run:\n  |\n  one\n  two\n  three\nafter: 1\n", "three", "run: | one two three"},
		{"yaml", "run:\n  !!str >-\n  one\n  two\n  three\nafter: 1\n", "three", "run: !!str >- one two three"},
		{"yaml", "a:\n  steps:\n  # a comment\n  - name: x\n# another\n  - name: y\n", "- name: y", "a: steps:"},
		{
			"yaml", "x-a: &a\n  one: 1\n  two: 2\n" + deep("first") + deep("second") + "last:\n  <<: *a\n  z: 1\n",
			"z: 1", "x-a: &a last:",
		},
		{"yaml", "a:\n  x: &x\n    y: 1\n  z: *x\n  w: 2\n", "w: 2", "a: x: &x"},
		{"toml", "name = 1\n\n[tool.a]\nx = 1\n\n[tool.b]\ny = 2\n", "y = 2", "[tool.b]"},
		{"ini", "[a]\nx = 1\n[b]\ny = 2\n", "y = 2", "[b]"},
		{
			"json", "{\n  \"a\": {\n    \"x\": 1,\n    \"y\": 2\n  },\n  \"b\": [\n    3\n  ]\n}\n", "3",
			"{ \"b\": [ ] }",
		},
		{
			"lua", "function load(path)\n  if path then\n    read(path)\n  else\n    fail()\n  end\nend\n", "fail()",
			"function load(path) if path then else end end",
		},
		{
			"hcl", "resource \"a\" \"b\" {\n  tags = {\n    x = 1\n    y = 2\n  }\n}\n", "y = 2",
			"resource \"a\" \"b\" { tags = { } }",
		},
		{"xml", "<a>\n  <b>\n    <c/>\n    <d/>\n  </b>\n</a>\n", "<d/>", "<a> <b> </b> </a>"},
		{"makefile", "all: a \\\n  b \\\n  c\n\tone\n\ttwo\n", "two", "all: a \\ b \\ c"},
		{"makefile", "ifdef X\nA = 1\nelse\nB = 2\nendif\nC = 3\n", "B = 2", "ifdef X else endif"},
		{
			"makefile", "all: a\n\tone\nifeq (x,y)\n\ttwo\nelse\n\tthree\nendif\n", "three",
			"all: ifeq (x,y) else endif",
		},
		{"makefile", "define RUN\nx:\none\nendef\nA = 1\n", "one", "define RUN endef"},
		{"dockerfile", "FROM a\nRUN one && \\\n# why\n  two\nCMD x\n", "two", "RUN one && \\"},
		{"dockerfile", "FROM a\nRUN <<EOF\none\ntwo\nEOF\nCMD x\n", "two", "RUN <<EOF EOF"},
		{"toml", "a = \"\"\"\none\n[two]\n\"\"\"\nb = 1\n", "[two]", "a = \"\"\" one \"\"\""},
	} {
		f, err := p.ParseAs(t.Context(), tt.language, []byte(tt.src))
		if err != nil {
			t.Fatal(err)
		}
		checkTiling(t, f, []byte(tt.src))
		lines := strings.Split(tt.src, "\n")
		at := len(lines) - 1
		for strings.TrimSpace(lines[at]) != tt.line {
			at--
		}
		kept := heldBy(f, at)
		var text []string
		for line, l := range lines {
			if kept[line] && line != at {
				text = append(text, strings.TrimSpace(l))
			}
		}
		got := strings.Join(text, " ")
		for word := range strings.FieldsSeq(tt.under) {
			if word != tt.line && !strings.Contains(got, word) {
				t.Errorf("%s: %q stays with %q, without %q", tt.language, tt.line, got, word)
			}
		}
	}
}

// heldBy are the lines that stay when one does: the frames around it, in its chunk and in those
// around that.
func heldBy(f parsers.File, line int) map[int]bool {
	kept := map[int]bool{}
	add := func(start, end int, us []parsers.Unit) {
		for l := start; l < end; l++ {
			kept[l] = !slices.ContainsFunc(us, func(u parsers.Unit) bool { return u.Start <= l && l < u.End })
		}
	}
	i := slices.IndexFunc(f.Chunks, func(c parsers.Chunk) bool { return c.StartLine <= line && line < c.EndLine })
	us, start, end := f.Chunks[i].Units, f.Chunks[i].StartLine, f.Chunks[i].EndLine
	for {
		add(start, end, us)
		k := slices.IndexFunc(us, func(u parsers.Unit) bool { return u.Start <= line && line < u.End })
		if k < 0 {
			break
		}
		us, start, end = us[k].Units, us[k].Start, us[k].End
	}
	for up := f.Chunks[i].Parent; up >= 0; up = f.Chunks[up].Parent {
		add(f.Chunks[up].StartLine, f.Chunks[up].EndLine, f.Chunks[up].Units)
		for _, c := range f.Chunks {
			if c.Kind == parsers.KindEnd && c.Parent == up {
				add(c.StartLine, c.EndLine, nil)
			}
		}
	}
	return kept
}
