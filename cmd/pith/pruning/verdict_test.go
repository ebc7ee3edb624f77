package pruning

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pith/evolve"
)

// judgeTask writes a task whose test split has as many rows as said, labelled right or the other
// way round.
func judgeTask(t *testing.T, testRows int, reversed bool) string {
	t.Helper()
	split := func(salt string, rows int, reversed bool) string {
		out := "text\tlabel\n"
		for i := range rows {
			label := []string{"good", "bad"}[i%2]
			text := fmt.Sprintf("%s %s %d", salt, map[string]string{"good": "fine", "bad": "dull"}[label], i)
			if reversed {
				label = map[string]string{"good": "bad", "bad": "good"}[label]
			}
			out += text + "\t" + label + "\n"
		}
		return out
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"task.yaml": "name: mood\n" +
			"template: \"Judge the mood of this short text now, grumpy one.\\nText: {text}\\nMood:\"\n" +
			"labels: [{name: good, verbalizer: ' good'}, {name: bad, verbalizer: ' bad'}]\n" +
			"data: {search: s.tsv, validation: v.tsv, test: t.tsv}\n",
		"s.tsv": split("a", 8, false), "v.tsv": split("the", 12, false), "t.tsv": split("one", testRows, reversed),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "task.yaml")
}

// judgeEndpoint answers right where understands says so of the prompt, else always "bad".
func judgeEndpoint(t *testing.T, understands func(prompt string) bool) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		word := "bad"
		if prompt := request.Messages[0].Content; strings.Contains(prompt, "fine") && understands(prompt) {
			word = "good"
		}
		fmt.Fprintf(
			w, `{"choices":[{"message":{"content":%q}}],"usage":{"prompt_tokens":20,"completion_tokens":1}}`, word)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func judged(t *testing.T, task, url string, more ...string) (*evolve.Report, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	args := append([]string{
		"run", task, "--out", dir, "--endpoint", url, "--endpoint-model", "m", "--max-prompts", "25",
	}, more...)
	status, out, errOut := evolveMain(t, args...)
	if status != 0 {
		t.Fatalf("evolve %v: status %d, %s", args, status, errOut)
	}
	r, err := evolve.ReadReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r, out
}

// What a report says of the answer is one of three things, and the full prompt can win.
func TestEvolveVerdicts(t *testing.T) {
	tests := []struct {
		name        string
		rows        int
		understands func(prompt string) bool
		want        evolve.Verdict
		says        string
	}{
		{
			"a word does harm", 24, func(p string) bool { return !strings.Contains(p, "grumpy") },
			evolve.Better, "does better",
		},
		{
			"no word matters, many rows", 400, func(string) bool { return true },
			evolve.NoWorse, "does no worse than the full",
		},
		{"no word matters, few rows", 24, func(string) bool { return true }, evolve.NotShown, "is not shown"},
		{
			"every word matters", 24,
			func(p string) bool {
				return strings.HasPrefix(p, "Judge the mood of this short text now, grumpy one.\nText: ") &&
					strings.HasSuffix(p, "\nMood:")
			},
			evolve.NotShown, "Keep the full prompt",
		},
	}
	for _, tt := range tests {
		r, out := judged(t, judgeTask(t, tt.rows, false), judgeEndpoint(t, tt.understands), "--baselines", "random")
		if r.Against() != tt.want || !strings.Contains(out, tt.says) {
			t.Errorf("%s: %s, want %s and %q in\n%s", tt.name, r.Against(), tt.want, tt.says, out)
		}
		if len(r.Comparisons) != 2 {
			t.Errorf("%s: compared with %v, want the full prompt and random pruning", tt.name, r.Comparisons)
		}
	}
}

// The test split reports and chooses nothing: with other rows and wrong labels in it everything but
// its own figures stays.
func TestEvolveTestRowsChooseNothing(t *testing.T) {
	url := judgeEndpoint(t, func(p string) bool { return len(p)%7 > 2 })
	for _, flags := range [][]string{nil, {"--objective", "shortest"}, {"--reference"}} {
		one, _ := judged(t, judgeTask(t, 30, false), url, flags...)
		other, _ := judged(t, judgeTask(t, 34, true), url, flags...)
		if one.Full.Test == other.Full.Test {
			t.Errorf("%v: %v on other test rows, too: nothing was tried", flags, one.Full.Test)
		}
		for i, e := range one.Entries() {
			o := other.Entries()[i]
			if e.Text != o.Text || e.Fitness != o.Fitness || e.Validation != o.Validation {
				t.Errorf("%v: with other test rows %s is %q (%v), not %q (%v)",
					flags, e.Name, o.Text, o.Validation, e.Text, e.Validation)
			}
		}
		if !slices.Equal(digests(one), digests(other)) || one.Stats != other.Stats {
			t.Errorf("%v: the search is another with other test rows", flags)
		}
	}
}

func digests(r *evolve.Report) (out []string) {
	for _, p := range r.Curve {
		out = append(out, p.Digest)
	}
	return out
}

// An endpoint that is not there ends a run at once, and what it leaves is begun anew.
func TestEvolveWithoutItsEndpoint(t *testing.T) {
	task, dir := judgeTask(t, 24, false), filepath.Join(t.TempDir(), "run")
	args := []string{"run", task, "--out", dir, "--endpoint-model", "m", "--max-prompts", "20", "--endpoint"}
	for range 2 {
		status, _, errOut := evolveMain(t, append(args, "http://127.0.0.1:1/v1")...)
		mustSay(t, errOut, "127.0.0.1:1", "was not reached", "is it running")
		if status != 1 || strings.Contains(errOut, "waiting") || strings.Contains(errOut, "evolve resume") {
			t.Errorf("status %d, %s; want an error at once and nothing to resume", status, errOut)
		}
	}
	url := judgeEndpoint(t, func(string) bool { return true })
	if status, _, errOut := evolveMain(t, append(args, url, "--reference")...); status != 0 {
		t.Fatalf("in the same directory: status %d, %s", status, errOut)
	}
	r, err := evolve.ReadReport(dir)
	if err != nil || r.Spec.Algorithm != "gga" {
		t.Errorf("report of %+v, %v; want the published procedure's own algorithm", r, err)
	}
	status, _, errOut := evolveMain(t, append(args, url)...)
	if status != 1 || !strings.Contains(errOut, "already in use") {
		t.Errorf("over a finished run: status %d, %s", status, errOut)
	}
}
