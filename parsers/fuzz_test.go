package parsers_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pith/parsers/processes"
)

// fuzzTiling seeds f with the samples of a language and checks that the chunks of whatever comes
// Tile it, and that the same bytes give the same chunks, cut again or remembered.
func fuzzTiling(f *testing.F, language, pattern string) {
	paths, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no samples match %s (%v)", pattern, err)
	}
	for _, path := range paths {
		src := readFile(f, path)
		f.Add(src)
		f.Add(src[:len(src)/2])
		f.Add(src[len(src)/3:])
	}
	p := newPool(f, processes.Options{InProcess: true, Workers: 1, Timeout: time.Second})
	f.Fuzz(func(t *testing.T, src []byte) {
		scoped := processes.InScope(t.Context(), "a")
		first, err := p.ParseAs(scoped, language, src)
		if err != nil {
			t.Fatal(err)
		}
		checkTiling(t, first, src)
		if strings.Contains(first.Fallback, "failed") {
			t.Fatalf("fallback: %s", first.Fallback)
		}
		if first.Fallback != "" {
			return
		}
		for what, ctx := range map[string]context.Context{"again": t.Context(), "remembered": scoped} {
			second, err := p.ParseAs(ctx, language, src)
			if err != nil {
				t.Fatal(err)
			}
			if second.Fallback == "" && outline(first, src) != outline(second, src) {
				t.Errorf("the same bytes, %s, differ:\n%s\n%s", what, outline(first, src), outline(second, src))
			}
		}
	})
}

func FuzzGo(f *testing.F)         { fuzzTiling(f, "go", "sample.go") }
func FuzzPython(f *testing.F)     { fuzzTiling(f, "python", "sample.py") }
func FuzzJavaScript(f *testing.F) { fuzzTiling(f, "javascript", "sample.js") }
func FuzzTypeScript(f *testing.F) { fuzzTiling(f, "typescript", "sample.ts") }
func FuzzTSX(f *testing.F)        { fuzzTiling(f, "tsx", "sample.tsx") }
func FuzzJava(f *testing.F)       { fuzzTiling(f, "java", "sample.java") }
func FuzzC(f *testing.F)          { fuzzTiling(f, "c", "sample.c") }
func FuzzCPP(f *testing.F)        { fuzzTiling(f, "cpp", "sample.cpp") }
func FuzzCSharp(f *testing.F)     { fuzzTiling(f, "csharp", "sample.cs") }
func FuzzRust(f *testing.F)       { fuzzTiling(f, "rust", "sample.rs") }
func FuzzRuby(f *testing.F)       { fuzzTiling(f, "ruby", "sample.rb") }
func FuzzPHP(f *testing.F)        { fuzzTiling(f, "php", "sample.php") }
func FuzzKotlin(f *testing.F)     { fuzzTiling(f, "kotlin", "sample.kt") }
func FuzzSwift(f *testing.F)      { fuzzTiling(f, "swift", "sample.swift") }
func FuzzScala(f *testing.F)      { fuzzTiling(f, "scala", "sample.scala") }
func FuzzBash(f *testing.F)       { fuzzTiling(f, "bash", "sample.sh") }
func FuzzMarkdown(f *testing.F)   { fuzzTiling(f, "markdown", "sample.md") }
func FuzzText(f *testing.F)       { fuzzTiling(f, "text", "sample.*") }
