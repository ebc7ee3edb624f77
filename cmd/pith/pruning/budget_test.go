package pruning

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pith/evolve"
)

// A budget that ends after the choice leaves a provisional report: it is shown, export takes it
// when forced, and a resume without baselines finishes for nothing.
func TestEvolveBudgetEndsAfterTheChoice(t *testing.T) {
	url, task := moodEndpoint(t), evolveTask(t)
	args := func(dir string, more ...string) []string {
		return append([]string{
			"run", task, "--out", dir, "--endpoint", url, "--endpoint-model", "m", "--max-prompts", "20",
			"--price-in", "2", "--price-out", "10",
		}, more...)
	}
	whole, dir := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "run")
	if status, _, errOut := evolveMain(t, args(whole, "--baselines", "none")...); status != 0 {
		t.Fatalf("a run without baselines: %d, %s", status, errOut)
	}
	r, err := evolve.ReadReport(whole)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Baselines) != 0 || r.Spending.Money == 0 {
		t.Errorf("baselines %v, spending %+v", r.Baselines, r.Spending)
	}
	budget := fmt.Sprint(r.Spending.Total() + 300)
	status, _, errOut := evolveMain(t, args(dir, "--token-budget", budget)...)
	mustSay(t, errOut, "budget spent", "provisional report", "pith evolve resume "+dir, "random pruning asks up to",
		"test rows stand in the search split")
	if status != 1 {
		t.Errorf("over budget: status %d", status)
	}
	_, shown, _ := evolveMain(t, "show", dir)
	mustSay(t, shown, "Provisional: the run was stopped before the baselines", "tokens read")
	file := filepath.Join(t.TempDir(), "mood.json")
	status, _, errOut = evolveMain(t, "export", dir, "--out", file)
	mustSay(t, errOut, "provisional", "--force")
	if status != 1 {
		t.Errorf("export of a provisional report: status %d", status)
	}
	if status, _, errOut := evolveMain(t, "export", dir, "--out", file, "--force"); status != 0 {
		t.Errorf("export --force: %d, %s", status, errOut)
	}
	status, out, errOut := evolveMain(t, "resume", dir, "--token-budget", budget, "--baselines", "none")
	if status != 0 || strings.Contains(out, "random pruning") || strings.Contains(out, "Provisional") {
		t.Errorf("resume without baselines: %d, %s%s", status, out, errOut)
	}
	end, err := evolve.ReadReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	if end.Spending.Total() > r.Spending.Total()+300 {
		t.Errorf("spent %+v on a budget of %s", end.Spending, budget)
	}
}

func mustSay(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

// Whatever ends a run after its first paid answer, the error says how to go on; before that there
// is nothing to go on with.
func TestEvolveErrorsSayHowToGoOn(t *testing.T) {
	for _, after := range []int64{0, 7} {
		var n atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) > after {
				http.Error(w, "the model is gone", http.StatusNotFound)
				return
			}
			fmt.Fprint(
				w, `{"choices":[{"message":{"content":"good"}}],"usage":{"prompt_tokens":20,"completion_tokens":1}}`)
		}))
		dir := filepath.Join(t.TempDir(), "run")
		status, _, errOut := evolveMain(t, "run", evolveTask(t), "--out", dir, "--endpoint", s.URL,
			"--endpoint-model", "m",
			"--concurrency", "1")
		s.Close()
		mustSay(t, errOut, "the model is gone")
		if hint := strings.Contains(errOut, "pith evolve resume "+dir); status != 1 || hint != (after > 0) {
			t.Errorf("failing after %d answers: status %d, %s", after, status, errOut)
		}
		if after == 0 {
			continue
		}
		_, shown, _ := evolveMain(t, "show", dir)
		mustSay(t, shown, "not finished", "tokens")
		_, _, errOut = evolveMain(t, "export", dir, "--out", dir+".json")
		mustSay(t, errOut, "the run is not finished", "pith evolve resume "+dir)
	}
}
