package parsers_test

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

// The links of a chain of calls can be left out one by one, in every language that has such chains,
// and what is left is code.
func TestChainsAreCutAtTheirLinks(t *testing.T) {
	p := newPool(t, processes.Options{InProcess: true})
	for path, text := range map[string]string{
		"a.java":  "class A {\n    B f() {\n        return new B()\nLINKS            .end();\n    }\n}\n",
		"a.cs":    "class A\n{\n    B F()\n    {\n        return new B()\nLINKS            .End();\n    }\n}\n",
		"a.kt":    "fun f(): B {\n    return B()\nLINKS        .end()\n}\n",
		"a.ts":    "export function f(): B {\n  return b\nLINKS    .end();\n}\n",
		"a.js":    "export const q = b\nLINKS  .end();\n",
		"a.rs":    "fn f() -> B {\n    B::new()\nLINKS        .end()\n}\n",
		"a.py":    "def f():\n    return (\n        B()\nLINKS        .end()\n    )\n",
		"a.swift": "func f() -> B {\n    return B()\nLINKS        .end()\n}\n",
		"a.scala": "object A {\n  def f(): B =\n    B()\nLINKS      .end()\n}\n",
		"a.rb":    "def f\n  B.new\nLINKS    .end\nend\n",
		"a.php":   "<?php\nfunction f() {\n    return $b\nLINKS        ->end();\n}\n",
		"a.go":    "package a\n\nfunc f() B {\n\treturn newB().\nLINKS\t\tEnd()\n}\n",
	} {
		link := "        .with(1)\n"
		switch filepath.Ext(path) {
		case ".go":
			link = "\t\tWith(1).\n"
		case ".php":
			link = "        ->with(1)\n"
		}
		text = strings.ReplaceAll(text, "LINKS", strings.Repeat(link, 8))
		f, err := p.Parse(t.Context(), path, []byte(text))
		if err != nil || f.SyntaxErrors != 0 {
			t.Fatalf("%s: %d errors, %v", path, f.SyntaxErrors, err)
		}
		checkTiling(t, f, []byte(text))
		if n := countLinks(f, strings.Split(text, "\n"), strings.TrimSpace(link)); n < 7 {
			t.Errorf("%s: %d of 8 links can go: %+v", path, n, f.Chunks)
		}
		for round := range uint64(8) {
			rest := omit(f, []byte(text), rand.New(rand.NewPCG(round, 1)), 0.4)
			if again, err := p.ParseAs(t.Context(), f.Language, rest); err != nil || again.SyntaxErrors != 0 {
				t.Errorf("%s: %d errors, %v:\n%s", path, again.SyntaxErrors, err, rest)
			}
		}
	}
}

// countLinks counts the units that are one link.
func countLinks(f parsers.File, lines []string, link string) (n int) {
	var walk func([]parsers.Unit)
	walk = func(us []parsers.Unit) {
		for _, u := range us {
			if u.End == u.Start+1 && strings.TrimSpace(lines[u.Start]) == link {
				n++
			}
			walk(u.Units)
		}
	}
	for _, ch := range f.Chunks {
		walk(ch.Units)
	}
	return n
}
