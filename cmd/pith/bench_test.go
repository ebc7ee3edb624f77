package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pith/cmd/pith/cli"
)

const benchCase = `{"repo":"ledger","lang":"go","commit":"1","query":"sums are wrong by one","named":false,` +
	`"files":[{"path":"ledger.go","content":"package ledger\n\nfunc sum(list []int) int {\n\ttotal := 1\n\tfor _, n ` +
	`:= range list {\n\t\ttotal += n\n\t}\n\treturn total\n}\n"}],` +
	`"needed":[{"path":"ledger.go","name":"sum","start":3,"end":9}],"changed":{"ledger.go":[4]}}` + "\n"

// pith runs the command and returns what it printed.
func pith(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out, progress strings.Builder
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&progress)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestBenchHistoryOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases.jsonl")
	if err := os.WriteFile(file, []byte(benchCase), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := pith(t, "bench", "history", file, "--rankers", "bm25,words", "--stages", "coarse,fine", "--ratios", "1",
		"--format", "json")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Settings []string
		Groups   []struct {
			Rows []struct{ Mean map[string]float64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(report.Settings, ", "); got != "bm25 coarse, bm25 fine, words coarse, words fine" {
		t.Errorf("settings %s", got)
	}
	if got := report.Groups[0].Rows[0].Mean; got["lines"] != 1 || got["ratio"] != 1 {
		t.Errorf("everything fits, but %v", got)
	}
	if out, err = pith(t, "bench", "history", file, "--rankers", "bm25", "--ratios", "1", "--format",
		"html"); err != nil || !strings.Contains(out, "<svg") {
		t.Errorf("no page: %v, %.100s", err, out)
	}
}

func TestBenchHistoryOfACloneSavesItsCases(t *testing.T) {
	dir, saved := t.TempDir(), filepath.Join(t.TempDir(), "cases.jsonl.gz")
	git := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(
			"git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.com"},
				args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "add.py"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text := ""
	for i := range 12 {
		text += "def add" + string(rune('a'+i)) + "(x, step):\n    y = x + step\n    y += 1\n    return y\n\n\n"
	}
	git("init", "-q")
	write(text)
	git("add", "-A")
	git("commit", "-q", "-m", "all the functions there are")
	write(strings.Replace(text, "y += 1", "y += 2", 1))
	git("commit", "-q", "-a", "-m", "the first one is off by one")
	if _, err := pith(t, "bench", "history", "--repo", dir, "--rankers", "head", "--ratios", "2", "--save",
		saved); err != nil {
		t.Fatal(err)
	}
	out, err := pith(t, "bench", "history", saved, "--rankers", "head", "--ratios", "2")
	if err != nil || !strings.Contains(out, "1 cases of 1 repositories") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestBenchMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases.jsonl")
	if err := os.WriteFile(file, []byte(benchCase), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		args string
		want string
	}{
		{"history", "name a clone"},
		{"history " + file + "x", "no such file"},
		{"history " + file + " --ratios 0.5", "must be at least 1"},
		{"history " + file + " --format xml", "want one of text, json, html"},
		{"history " + file + " --repos other", "no case is of"},
		{"history " + file + " --limit -1", "must not be negative"},
		{"history " + file + " --rankers nobody", "none of auto, ami"},
		{"history --repo " + filepath.Dir(file), "not a git repository"},
		{"history " + file + " --clean", "--clean"},
		{"questions " + file + "x", "no such file"},
		{"clean " + file, "--training"},
		{"field " + file + " --rivals nobody", "there are headroom"},
		{"field " + file + " --rivals aider", "bench/field/install aider"},
	} {
		_, err := pith(t, append([]string{"bench"}, strings.Fields(row.args)...)...)
		if err == nil || !strings.Contains(err.Error(), row.want) || cli.ExitStatus(err) != 2 {
			t.Errorf("%s: %v, want a usage error with %q", row.args, err, row.want)
		}
	}
}

// The command says who was trained on and fails.
func TestBenchCleanFails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cases.jsonl")
	if err := os.WriteFile(file, []byte(benchCase+strings.Replace(benchCase, `"ledger"`, `"gin"`, 1)),
		0o644); err != nil {
		t.Fatal(err)
	}
	out, err := pith(t, "bench", "clean", file, "--training", "../../training")
	if err == nil || !strings.Contains(err.Error(), "corpus: gin") || !strings.Contains(out, "ledger") ||
		!strings.Contains(out, "trained on, as package gin") {
		t.Errorf("%v: %s", err, out)
	}
}
