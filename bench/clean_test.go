package bench_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/bench"
	"pith/compress"
)

// recorded is a text with the fingerprints that training/fingerprints.py makes of it.
func recorded(t *testing.T) (text string, marks []string) {
	t.Helper()
	raw, err := os.ReadFile("testdata/fingerprints.json")
	if err != nil {
		t.Fatal(err)
	}
	var content struct {
		Text  string
		Marks []string
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		t.Fatal(err)
	}
	return content.Text, content.Marks
}

// corpusOf writes a corpus of three packages, a repository and the fingerprints marks.
func corpusOf(t *testing.T, marks []string) bench.Corpus {
	t.Helper()
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("corpus_manifest.json", `{"packages": [
		{"kind": "go", "name": "github.com/gin-gonic/gin", "held_out": false},
		{"kind": "maven", "name": "org.apache.commons:commons-lang3", "held_out": false},
		{"kind": "go-std", "name": "std/fmt", "held_out": false},
		{"kind": "go", "name": "github.com/pion/ice/v4", "held_out": true}]}`)
	write("repositories.txt", "Chart.js\n")
	write("questions.json", `[{"package": "pypi huey@3.5.4", "lang": "python", "files": ["huey/api.py"],
		"questions": [{"ask": "Is a task lost?", "words": "other", "needed": ["huey/api.py Huey.execute"]}]}]`)
	bits := make([]byte, 1<<13)
	for _, m := range marks {
		var start, step uint64
		if _, err := fmt.Sscanf(m[:16]+" "+m[16:32], "%x %x", &start, &step); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(6) {
			place := (start + i*(step|1)) % uint64(len(bits)*8)
			bits[place/8] |= 1 << (place % 8)
		}
	}
	write("fingerprints.bin", "PITHFP1\n"+string(bits))
	corpus, err := bench.ReadCorpus(dir)
	if err != nil {
		t.Fatal(err)
	}
	return corpus
}

func caseOf(repo, text string) bench.Case {
	return bench.Case{Repo: repo, Files: []compress.File{{Path: "a.go", Content: text}}}
}

func TestCleanByName(t *testing.T) {
	corpus := corpusOf(t, nil)
	for repo, trained := range map[string]bool{
		"gin": true, "huey": true, "pypi huey@1.0": true, "commons-lang": true, "chart.js": true,
		"go github.com/gin-gonic/gin@v1.2.0":         true,
		"maven org.apache.commons:commons-lang3@3.1": true,
		"npm chart.js@4.0.0":                         true,
		"fmt":                                        false, "ice": false, "ginkgo": false,
		"go github.com/pion/ice/v4@v4.0.0": false,
		"npm gin@1.0.0":                    false,
	} {
		if got := corpus.Check([]bench.Case{caseOf(repo, "")})[0]; got.Trained() != trained {
			t.Errorf("%s: trained on %t (%q), want %t", repo, got.Trained(), got.Name, trained)
		}
	}
}

func TestCleanByContent(t *testing.T) {
	text, marks := recorded(t)
	corpus := corpusOf(t, marks)
	foreign := strings.ReplaceAll(text, "total", "sum")
	report := corpus.Report(
		[]bench.Case{caseOf("copy", text), caseOf("own", foreign), caseOf("mixed", foreign), caseOf("mixed", text)})
	if got := report.Trained(); !slices.Equal(got, []string{"copy", "mixed"}) {
		t.Errorf("trained on %v, want copy and mixed", got)
	}
	if s := report.Repositories[0]; s.Runs != len(marks) || s.Shared != len(marks) {
		t.Errorf("%d of %d runs shared, want all %d, as the recipe makes them", s.Shared, s.Runs, len(marks))
	}
	if s := report.Repositories[2]; s.Shared != 0 || s.Runs == 0 {
		t.Errorf("%d of %d runs of a stranger shared", s.Shared, s.Runs)
	}
}

// The questions of this project are about packages that its models did not see.
func TestOwnQuestionsAreClean(t *testing.T) {
	sets, err := bench.ReadQuestions("questions/questions.json")
	if err != nil {
		t.Fatal(err)
	}
	corpus, err := bench.ReadCorpus("../training")
	if err != nil {
		t.Fatal(err)
	}
	questions, other := 0, 0
	packages, languages := make(map[string]bool), make(map[string]bool)
	for _, s := range sets {
		packages[s.Package], languages[s.Language] = true, true
		if got := corpus.Check([]bench.Case{caseOf(s.Package, "")})[0]; got.Trained() {
			t.Errorf("%s is part of the training corpus, as %s", s.Package, got.Name)
		}
		for _, q := range s.Questions {
			questions++
			if q.Words == "other" {
				other++
			}
		}
	}
	if questions < 64 || 2*other < questions || len(packages) < 8 || len(languages) < 6 {
		t.Errorf("%d questions, %d in other words, of %d packages in %d languages", questions, other,
			len(packages), len(languages))
	}
}

// A package that lies in the cache is not fetched again.
func TestQuestionsOfACachedPackage(t *testing.T) {
	cache := t.TempDir()
	folder := filepath.Join(cache, "go", "example.com__ledger@v1.0.0")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ledger.go"),
		[]byte(ledger+strings.Replace(ledger[strings.Index(ledger, "func largest"):], "0", "1", 1)),
		0o644); err != nil {
		t.Fatal(err)
	}
	ask := func(needed string) ([]bench.Case, error) {
		return bench.QuestionCases(t.Context(), []bench.QuestionSet{{
			Package: "go example.com/ledger@v1.0.0", Language: "go", Files: []string{"ledger.go"},
			Questions: []bench.Question{
				{Ask: "how much is it all together?", Words: "other", Needed: []string{needed}},
			},
		}}, cache, newPool(t))
	}
	cases, err := ask("ledger.go sum")
	if err != nil {
		t.Fatal(err)
	}
	want := bench.Function{Path: "ledger.go", Name: "sum", Start: 6, End: 12}
	if c := cases[0]; len(cases) != 1 || c.Needed[0] != want || c.Named || c.Repo != "go example.com/ledger@v1.0.0" {
		t.Errorf("%+v, want %+v, not named", c, want)
	}
	if _, err := ask("ledger.go largest"); err == nil || !strings.Contains(err.Error(), "add @line, such as @14") {
		t.Errorf("two functions of one name: %v", err)
	}
	if cases, err := ask("ledger.go largest@24"); err != nil || cases[0].Needed[0].Start != 22 {
		t.Errorf("%+v, %v; want the second", cases, err)
	}
	for needed, want := range map[string]string{
		"ledger.go nobody": "no such function",
		"ledger.go sum@x":  "line behind the @",
	} {
		if _, err := ask(needed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", needed, err, want)
		}
	}
}

func TestQuestionsThatAreWrong(t *testing.T) {
	for content, want := range map[string]string{
		`[]`:                                    "no questions",
		`[{"package": "go x", "files": ["a"]}]`: "registry name@version",
		`[{"package": "go --exec=x@v1", "files": ["a"]}]`:                                     "registry name@version",
		`[{"package": "go ../../x@v1", "files": ["a"]}]`:                                      "registry name@version",
		`[{"package": "npm x@1.0.0"}]`:                                                        "no files",
		`[{"package": "npm x@1.0.0", "files": ["a"], "questions": [{"ask": "what is it?"}]}]`: "wants a question",
		`{`: "unexpected end",
	} {
		file := filepath.Join(t.TempDir(), "q.json")
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := bench.ReadQuestions(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}
