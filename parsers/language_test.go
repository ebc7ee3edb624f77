package parsers_test

import (
	"go/build"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pith/parsers"
	"pith/parsers/processes"
)

func TestDetect(t *testing.T) {
	tests := []struct{ path, src, want string }{
		{path: "a.go", want: "go"},
		{path: "src/deep/App.tsx", want: "tsx"},
		{path: "x.ts", src: "const a: number = 1\n", want: "typescript"},
		{path: "x.jsx", want: "javascript"},
		{path: "x.mjs", want: "javascript"},
		{path: "x.py", want: "python"},
		{path: "README.md", want: "markdown"},
		{path: "a.h", src: "#include <stdio.h>\nint f(void);\n", want: "c"},
		{path: "a.h", src: "#include <vector>\nclass A {\n public:\n  std::vector<int> v;\n};\n", want: "cpp"},
		{path: "a.hpp", want: "cpp"},
		{path: "a.cs", src: "using System;\nnamespace A { }\n", want: "csharp"},
		{path: "a.rs", src: "fn main() {}\n", want: "rust"},
		{path: "Rakefile", want: "ruby"},
		{path: "Dockerfile", want: "dockerfile"},
		{path: "a.yml", want: "yaml"},
		{path: "a.php", src: "<?php\n", want: "php"},
		{path: "run", src: "#!/usr/bin/env bash\nset -e\n", want: "bash"},
		{path: "run", src: "#!/usr/bin/python3\n", want: "python"},
		{path: "unknown.zzz", src: "what is this\n", want: "text"},
		{src: "#!/bin/sh\necho\n", want: "bash"},
		{src: "", want: "text"},
	}
	for _, tt := range tests {
		if got := parsers.Detect(tt.path, []byte(tt.src)); got != tt.want {
			t.Errorf("Detect(%q, %q) = %q, want %q", tt.path, tt.src, got, tt.want)
		}
	}
}

// TestDetectWithoutPath tells the larger files of this package and of Go by their content only.
func TestDetectWithoutPath(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(build.Default.GOROOT, "src/net/http/server.go"): "go",
		"testdata/sample.py": "python", "testdata/sample.java": "java", "testdata/sample.rs": "rust",
		"testdata/sample.php": "php", "testdata/sample.c": "c",
	} {
		if got := parsers.Detect("", readFile(t, path)); got != want {
			t.Errorf("%s without its name is %q, want %q", filepath.Base(path), got, want)
		}
	}
}

func TestParseAs(t *testing.T) {
	p := newPool(t, processes.Options{InProcess: true})
	tests := []struct{ tag, want string }{
		{"py", "python"},
		{"ts", "typescript"},
		{"tsx", "tsx"},
		{"jsx", "javascript"},
		{"c++", "cpp"},
		{"C#", "csharp"},
		{"golang", "go"},
		{"sh", "bash"},
		{"shell", "bash"},
		{"zsh", "bash"},
		{"rb", "ruby"},
		{"kt", "kotlin"},
		{"rs", "rust"},
		{"yml", "yaml"},
		{"md", "markdown"},
		{"Java", "java"},
		{"no such language", "text"},
		{"console", "text"},
	}
	for _, tt := range tests {
		f, err := p.ParseAs(t.Context(), tt.tag, []byte("x\n"))
		if err != nil || f.Language != tt.want {
			t.Errorf("ParseAs(%q) took %q, want %q (%v)", tt.tag, f.Language, tt.want, err)
		}
	}
	if f, err := p.ParseAs(t.Context(), "", []byte("#!/usr/bin/env python\nimport os\n")); err != nil ||
		f.Language != "python" {
		t.Errorf("ParseAs without a tag took %q (%v)", f.Language, err)
	}
}

// TestEveryLanguageHasASample keeps the samples, and with them the goldens and the omission test,
// complete.
func TestEveryLanguageHasASample(t *testing.T) {
	var seen []string
	for _, path := range glob(t, "testdata/sample*") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, parsers.Detect(path, src))
	}
	for _, language := range parsers.Languages() {
		if !slices.Contains(seen, language) {
			t.Errorf("no sample of %s", language)
		}
	}
}

// TestNewSyntax: what languages gained of late is either known to their grammar, or costs no more
// than its statement.
func TestNewSyntax(t *testing.T) {
	p := newPool(t, processes.Options{})
	for _, tt := range []struct {
		language, src string
		known         bool
	}{
		{"php", "<?php\nclass A {\n    public string $x {\n        get => 1;\n        set(string $v) { $this->x = " +
			"$v; }\n    }\n}\n", true},
		{"php", "<?php\nclass A {\n    public private(set) int $x;\n}\n", true},
		{"rust", "fn f() {\n    let c = async |x| x;\n    one();\n    two();\n}\n", true},
		{"go", "package p\n\nfunc f() {\n\tfor i := range 10 {\n\t\tone(i)\n\t}\n}\n", true},
		{"go", "package p\n\nfunc f() {\n\tone()\n\ttwo()\n\tthree()\n\t_ = (*struct{ J }).method\n}\n", false},
		{"kotlin", "fun f() {\n    one()\n    two()\n    three()\n    for (i in 0..<10) print(i)\n}\n", false},
		{"typescript", "function f() {\n  one();\n  two();\n  three();\n}\ninterface I<in out T> " +
			"{\n  a: T;\n}\n", false},
		{"kotlin", "fun f(x: Any) {\n    one()\n    two()\n    three()\n    when (x) {\n" +
			"        is A if x.b -> four()\n" +
			"        else -> five()\n    }\n}\n", false},
		{"kotlin", "fun f() {\n    one()\n    two()\n    three()\n    val s = $$\"costs $5 or $$n\"\n}\n", true},
		{"kotlin", "fun f(a: A) {\n    log($$\"\"\"{\"price\": \"$9\", \"who\": \"$${a.name}\"}\"\"\")\n}\n", true},
		{"python", "def f(x):\n    one()\n    two()\n    three()\n    s = t\"hello {x}\"\n    return s\n", false},
		{"rust", "unsafe extern \"C\" {\n    safe fn f();\n}\n\nfn g() {\n    one();\n    two();\n}\n", false},
		{"php", "<?php\nfunction f($x) {\n    one();\n    two();\n    three();\n" +
			"    return $x |> strlen(...);\n}\n", false},
	} {
		f, err := p.ParseAs(t.Context(), tt.language, []byte(tt.src))
		if err != nil || f.Fallback != "" {
			t.Fatalf("%v, fallback %q", err, f.Fallback)
		}
		if known := f.SyntaxErrors == 0; known != tt.known {
			t.Errorf("%s: %d syntax errors in\n%s", tt.language, f.SyntaxErrors, tt.src)
		}
		units := 0
		for _, c := range f.Chunks {
			units += len(c.Units)
		}
		if !tt.known && units < 2 {
			t.Errorf("%s: %d units in\n%s", tt.language, units, tt.src)
		}
	}
}
