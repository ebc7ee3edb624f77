package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pith/configs"
)

// documents returns the texts that users and contributors read, by path below the root.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{
		"*.md", "docs/*.md", "docs/clients/*.md", "examples/*/*.md", "training/*.md", "configs/*.yaml",
		"deploy/*", "deploy/helm/pith/templates/NOTES.txt",
	} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if filepath.Base(path) == "CHANGELOG.md" { // which tells of what was
				continue
			}
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, _ := filepath.Rel(root, path)
			texts[name] = string(text)
		}
	}
	if len(texts) < 20 {
		t.Fatalf("found %d documents", len(texts))
	}
	return texts
}

// What the documents point to is there, and the variables that they name are read.
func TestDocumentsPointToWhatThereIs(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#\s]+)`)
	variables := regexp.MustCompile(`\bPITH_[A-Z_]+[A-Z]\b`)
	ofTests := []string{"PITH_JUDGE", "PITH_TRAINING_DATA"}
	targets := regexp.MustCompile("`make ([a-z-]+)")
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range documents(t) {
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") || !strings.HasSuffix(name, ".md") {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s: a link to %s: %v", name, m[1], err)
			}
		}
		var named []string
		for _, v := range variables.FindAllString(text, -1) {
			if !slices.Contains(ofTests, v) {
				named = append(named, v+"=x")
			}
		}
		if unknown := configs.Unknown(named); len(unknown) > 0 {
			t.Errorf("%s: %v", name, unknown)
		}
		for _, m := range targets.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(string(makefile), "\n"+m[1]+":") {
				t.Errorf("%s: there is no make %s", name, m[1])
			}
		}
	}
}

// The commands in the documents are commands, with flags that these have.
func TestDocumentsShowCommandsThatThereAre(t *testing.T) {
	help := map[string]string{}
	of := func(words ...string) string {
		key := strings.Join(words, " ")
		if _, ok := help[key]; !ok {
			out, _ := exec.CommandContext(t.Context(), binary, append(words, "--help")...).CombinedOutput()
			help[key] = string(out)
		}
		return help[key]
	}
	under := regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +\S`)
	isUnder := func(word, text string) bool {
		_, list, _ := strings.Cut(text, "Available Commands:")
		list, _, _ = strings.Cut(list, "\n\n")
		return slices.ContainsFunc(under.FindAllStringSubmatch(list, -1), func(m []string) bool { return m[1] == word })
	}
	shown := regexp.MustCompile("(?:^|[\\s`/(])pith ([a-z][^`|;#\n]*)")
	flag := regexp.MustCompile(`^--[a-z][a-z-]*`)
	commands, flags := 0, 0
	for name, text := range documents(t) {
		for _, m := range shown.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", " "), -1) {
			words := strings.Fields(m[1])
			if !isUnder(words[0], of()) { // prose about a Pith that does something
				continue
			}
			n, own := 1, of(words[0])
			if len(words) > 1 && isUnder(words[1], own) {
				n, own = 2, of(words[:2]...)
			}
			commands++
			for _, word := range words[n:] {
				if word == "--" {
					break
				}
				if f := flag.FindString(word); f != "" && f != "--help" {
					flags++
					if !strings.Contains(own, f+" ") {
						t.Errorf("%s: pith %s has no %s", name, strings.Join(words[:n], " "), f)
					}
				}
			}
		}
	}
	if commands < 50 || flags < 20 {
		t.Errorf("found %d commands with %d flags", commands, flags)
	}
}

// Each test that CONTRIBUTING.md names as the holder of a promise is there.
func TestPromisesHaveTheirTests(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| promise | tests |\n|---|---|\n")
	declared := regexp.MustCompile(`func (?:Test|Benchmark|(Fuzz))(\w+)\(`)
	packages := regexp.MustCompile("`([a-z0-9/]+)` ([A-Z][^;`]*)")
	seen := 0
	for row := range strings.Lines(table) {
		for _, m := range packages.FindAllStringSubmatch(named(row), -1) {
			names := map[string]bool{}
			paths, err := filepath.Glob(filepath.Join(root, m[1], "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				source, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range declared.FindAllStringSubmatch(string(source), -1) {
					names[d[1]+d[2]] = true
				}
			}
			for _, name := range regexp.MustCompile(`\b[A-Z]\w+\*?`).FindAllString(m[2], -1) {
				seen++
				start, pattern := strings.CutSuffix(name, "*")
				found := names[name]
				for have := range names {
					found = found || pattern && strings.HasPrefix(have, start)
				}
				if !found {
					t.Errorf("%s has no test %s", m[1], name)
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("found %d names of tests", seen)
	}
}

var (
	remark = regexp.MustCompile(`\([^)]*\)`)
	braces = regexp.MustCompile(`(\w+)\{([^}]*)\}`)
)

// named leaves the remarks of a list of tests out and writes its Fuzz{A,B} as FuzzA,FuzzB.
func named(list string) string {
	return braces.ReplaceAllStringFunc(remark.ReplaceAllString(list, ""), func(text string) string {
		m := braces.FindStringSubmatch(text)
		return m[1] + strings.ReplaceAll(m[2], ",", ","+m[1])
	})
}
