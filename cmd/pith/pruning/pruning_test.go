package pruning

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/cmd/pith/cli"
	"pith/evolve"
	"pith/evolve/search"
)

// evolveMain runs `pith evolve` with args and returns its exit status and what it printed.
func evolveMain(t *testing.T, args ...string) (status int, out, errOut string) {
	t.Helper()
	cmd := Command()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var o, e bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		status = cli.ExitStatus(err)
		fmt.Fprint(&e, err)
	}
	return status, o.String(), e.String()
}

// moodEndpoint answers "good" when the question's line holds the word fine, unless the prompt says
// to be grumpy.
func moodEndpoint(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		word := "bad"
		if question := body.String(); strings.Contains(question, "fine") && !strings.Contains(question, "grumpy") {
			word = "good"
		}
		fmt.Fprintf(
			w, `{"choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":20,"completion_tokens":1}}`, word)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func evolveTask(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	rows := "text\tlabel\n"
	for i := range 12 {
		rows += fmt.Sprintf("a fine day %d\tgood\na dull day %d\tbad\n", i, i)
	}
	for name, text := range map[string]string{
		"task.yaml": "name: mood\ntemplate: \"You are a very grumpy judge of moods.\\nText: {text}\\nMood:\"\n" +
			"labels: [{name: good, verbalizer: ' good'}, {name: bad, verbalizer: ' bad'}]\n" +
			"data: {search: s.tsv, validation: s.tsv, test: s.tsv, licence: CC0-1.0}\n",
		"s.tsv": rows,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "task.yaml")
}

func TestEvolveFromTaskToArtefact(t *testing.T) {
	url, task := moodEndpoint(t), evolveTask(t)
	dir := filepath.Join(t.TempDir(), "run")
	status, _, errOut := evolveMain(
		t, "run", task, "--out", dir, "--endpoint", url, "--endpoint-model", "m", "--token-budget", "500",
	)
	if status != 1 || !strings.Contains(errOut, "budget spent") || !strings.Contains(errOut, "pith evolve resume") {
		t.Fatalf("over budget: status %d, %s", status, errOut)
	}
	if status, _, errOut := evolveMain(t, "resume", dir, "--token-budget", "500"); status != 1 ||
		!strings.Contains(errOut, "budget spent") {
		t.Errorf("resume on the same budget: status %d, %s", status, errOut)
	}
	status, out, errOut := evolveMain(t, "resume", dir, "--workers", "4")
	if status != 0 || !strings.Contains(out, "full prompt") || !strings.Contains(out, "random pruning") {
		t.Fatalf("resume: status %d, %s%s", status, out, errOut)
	}
	if status, again, _ := evolveMain(t, "show", dir); status != 0 || again != out {
		t.Errorf("show prints something else than the run: %d, %s", status, again)
	}
	file := filepath.Join(t.TempDir(), "mood.json")
	if status, _, errOut := evolveMain(t, "export", dir, "--out", file); status != 0 {
		t.Fatalf("export: %d, %s", status, errOut)
	}
	artefact, err := evolve.LoadArtefact(file)
	if err != nil {
		t.Fatal(err)
	}
	pruned, ok := artefact.Apply("You are a very grumpy judge of moods.\nText: a fine day\nMood:")
	if !ok || strings.Contains(pruned, "grumpy") || !strings.Contains(pruned, "a fine day") {
		t.Errorf("Apply = %q, %v", pruned, ok)
	}
}

func TestEvolveMistakes(t *testing.T) {
	task := evolveTask(t)
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	if err := os.WriteFile(broken, []byte("name: x\nlables: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	tests := []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"run"}, 2, "needs one task file"},
		{[]string{"run", task, "--algorithm", "annealing"}, 2, `"annealing"`},
		{[]string{"run", task, "--endpoint", "http://127.0.0.1:1/v1"}, 2, "--endpoint-model"},
		{
			[]string{"run", task, "--redis", "foo", "--endpoint-model", "m", "--out", t.TempDir()},
			2,
			"the Redis URL is not",
		},
		{[]string{"run", task, "--units", "letters"}, 2, "--units"},
		{[]string{"run", task, "--endpoint", "u", "--endpoint-model", "m"}, 2, "no base URL of an endpoint"},
		{[]string{
			"run", task, "--units", "tokens", "--endpoint", "http://127.0.0.1:1/v1", "--endpoint-model", "m",
		}, 2, "local model"},
		{[]string{"run", task, "--reference", "--algorithm", "guided"}, 2, "guided is not one of them"},
		{[]string{"run", task, "--reference", "--objective", "shortest"}, 2, "not for the shortest"},
		{[]string{"run", broken, "--out", filepath.Join(empty, "r")}, 1, "broken.yaml:2:1"},
		{[]string{"run", filepath.Join(empty, "none.yaml")}, 1, "none.yaml"},
		{[]string{"resume", empty}, 1, "not a run directory"},
		{[]string{"show", empty}, 1, "not a run directory"},
		{[]string{"export", empty}, 2, "--out"},
		{[]string{"export", empty, "--out", "x", "--spaces", "loose"}, 2, "--spaces"},
	}
	for _, tt := range tests {
		status, _, errOut := evolveMain(t, tt.args...)
		if status != tt.status || !strings.Contains(errOut, tt.want) {
			t.Errorf("evolve %v: status %d, %q, want %d and %q", tt.args, status, errOut, tt.status, tt.want)
		}
	}
	if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
		t.Errorf("a task that was refused left %v behind, %v", left, err)
	}
}

func TestShippedEvolveExamplesLoad(t *testing.T) {
	for _, name := range []string{"brackets", "oneliner"} {
		task, err := evolve.LoadTask(filepath.Join("..", "..", "..", "examples", "evolve", name, "task.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		for _, ex := range append(task.Validation, task.Test...) {
			held[fmt.Sprint(ex.Fields)] = true
		}
		if len(task.Search) < 16 || len(held) < 200 {
			t.Errorf("%s: %d search rows and %d distinct held-out rows, want 16 and 200", name,
				len(task.Search), len(held))
		}
		for _, ex := range task.Search {
			if held[fmt.Sprint(ex.Fields)] {
				t.Errorf("%s: %v is in two splits", name, ex.Fields)
			}
		}
	}
}

// A run that was stopped is not exported, and what is missing is said.
func TestExportOfAnUnfinishedRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "checkpoint.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "artefact.json")
	status, _, errOut := evolveMain(t, "export", dir, "--out", out)
	if status != 1 || !strings.Contains(errOut, "has no result yet") ||
		!strings.Contains(errOut, "pith evolve resume "+dir) {
		t.Errorf("status %d: %s", status, errOut)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("an artefact of a run without a result")
	}
}

// Progress shows how much there may be.
func TestProgressShowsATotal(t *testing.T) {
	for most, want := range map[int]string{40: "7 of at most 40 prompts", 0: "7 of at most 10000 prompts"} {
		var out bytes.Buffer
		progress := search.Progress{Generation: 1}
		progress.Stats.Prompts = 7
		newProgressView(&out, evolve.Spec{MaxPrompts: most}).show(evolve.Status{Phase: "search", Progress: progress})
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q does not say %s", out.String(), want)
		}
	}
	var out bytes.Buffer
	later := evolve.Status{Phase: "baselines", Progress: search.Progress{Generation: 3}, Done: 5, Most: 90, Asked: 70}
	newProgressView(&out, evolve.Spec{}).show(later)
	if !strings.Contains(out.String(), "baselines: 5 of at most 90 questions") {
		t.Errorf("%q does not say how far the baselines are", out.String())
	}
}
