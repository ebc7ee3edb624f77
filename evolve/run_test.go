package evolve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pith/evolve/llm"
	"pith/evolve/search"
)

// wordLM is a small model: a continuation is the more probable the more of the prompt's words speak
// for it, each with a weight that only the pair decides. It answers slowly when asked to.
type wordLM struct{ delay time.Duration }

func (m wordLM) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	time.Sleep(m.delay)
	out := make([]float64, len(queries))
	for i, q := range queries {
		sum := 0.0
		for w := range strings.FieldsSeq(q.Prompt) {
			h := fnv.New32a()
			h.Write([]byte(w + "|" + q.Continuation))
			sum += float64(h.Sum32()%1000)/1000 - .5
			if strings.TrimSpace(q.Continuation) == w {
				sum += .5
			}
		}
		out[i] = -math.Log(1 + math.Exp(-sum))
	}
	return out, ctx.Err()
}

// runTask writes a task with a few dozen units and rows.
func runTask(t *testing.T) string {
	t.Helper()
	var demos strings.Builder
	rows := map[string]string{"good": "fine grand sunny", "bad": "dull grim rainy"}
	for _, label := range []string{"good", "bad", "good", "bad"} {
		fmt.Fprintf(&demos, `Text: what a %s day it was\nMood: %s\n\n`, strings.Fields(rows[label])[0], label)
	}
	split := func(n int, salt string) string {
		s := "text\tlabel\n"
		for i := range n {
			label := []string{"good", "bad"}[i%2]
			s += fmt.Sprintf("%s %s number %d\t%s\n", salt, strings.Fields(rows[label])[i%3], i, label)
		}
		return s
	}
	task := strings.Replace(
		moodTask,
		`"Text: fine\nMood: good\nText: {text}\nMood:"`,
		`"`+demos.String()+`Text: {text}\nMood:"`,
		1,
	)
	task = strings.NewReplacer("v.csv", "v.tsv", "t.jsonl", "t.tsv").Replace(task)
	return taskDir(
		t,
		map[string]string{
			"task.yaml": task, "s.tsv": split(16, "a"), "v.tsv": split(20, "the"),
			"t.tsv": split(20, "one"),
		},
	)
}

// childEnv makes this test binary one run that its parent kills.
const childEnv = "PITH_EVOLVE_TEST_RUN"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		task, dir, _ := strings.Cut(spec, "\n")
		d, err := CreateRun(dir, runSpec(task, search.GGA))
		if err == nil {
			_, err = doRun(context.Background(), d, 2, wordLM{delay: time.Millisecond})
		}
		fmt.Fprintln(os.Stderr, "the run ended before it was killed:", err)
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func runSpec(task string, a search.Algorithm) Spec {
	return Spec{Task: task, Algorithm: a, Objective: search.Best, Seed: 7, MaxPrompts: 600, Units: "words"}
}

func doRun(ctx context.Context, d *RunDir, workers int, lm llm.LM) (*Report, error) {
	task, err := LoadTask(d.Spec.Task)
	if err != nil {
		return nil, err
	}
	r := &Run{
		Dir: d, Task: task, Workers: workers, Tokenize: search.Words, TokenizerName: "words",
		Backend: llm.Backend{ID: "word model", LM: lm},
	}
	var over error // of a phase that asked more than it said beforehand
	r.OnStatus = func(s Status) {
		if s.Phase != "search" && (s.Most == 0 || s.Done > s.Most) {
			over = fmt.Errorf("%s: %d of at most %d questions", s.Phase, s.Done, s.Most)
		}
	}
	report, err := r.Do(ctx)
	return report, errors.Join(err, over, d.Close())
}

func mustRun(t *testing.T, dir string, spec Spec, workers int) []byte {
	t.Helper()
	d, err := CreateRun(dir, spec)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doRun(t.Context(), d, workers, wordLM{}); err != nil {
		t.Fatal(err)
	}
	return readResult(t, dir)
}

func readResult(t *testing.T, dir string) []byte {
	t.Helper()
	out, err := os.ReadFile(filepath.Join(dir, resultFile))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRunIsTheSameOnAnyNumberOfWorkers(t *testing.T) {
	task := runTask(t)
	for name, change := range map[string]func(*Spec){
		"guided": func(s *Spec) { s.Algorithm = search.Guided },
		"guided, the whole front": func(s *Spec) {
			s.Algorithm, s.Objective = search.Guided, search.Front
			s.MinLength = 5
		},
		"guided, shortest, racing": func(s *Spec) {
			s.Algorithm, s.Objective = search.Guided, search.Shortest
			s.Racing = true
		},
		"ssga":                      func(s *Spec) { s.Algorithm = search.SSGA },
		"gga, classes, with halves": func(s *Spec) { s.Halving = true },
	} {
		spec := runSpec(task, search.GGA)
		change(&spec)
		one := mustRun(t, filepath.Join(t.TempDir(), "one"), spec, 1)
		for _, workers := range []int{2, 8} {
			if got := mustRun(t, filepath.Join(t.TempDir(), "many"), spec, workers); !bytes.Equal(got, one) {
				t.Errorf("%s on %d workers gives another result than on one", name, workers)
			}
		}
	}
}

func TestRunSurvivesKill(t *testing.T) {
	task := runTask(t)
	whole := mustRun(t, filepath.Join(t.TempDir(), "whole"), runSpec(task, search.GGA), 1)
	dir := filepath.Join(t.TempDir(), "killed")
	killAt(t, task, dir, 40<<10)
	d, err := OpenRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := d.Answers().Len()
	if before == 0 || len(d.saved.Generations) == 0 {
		t.Fatalf("the killed run left %d outcomes and %d generations", before, len(d.saved.Generations))
	}
	if _, err := doRun(t.Context(), d, 8, wordLM{}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readResult(t, dir), whole) {
		t.Error("the run that was killed and resumed ended differently")
	}
}

// killAt starts a run in another process and kills it outright once its log has the given size.
func killAt(t *testing.T, task, dir string, size int64) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), childEnv+"="+task+"\n"+dir)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		info, err := os.Stat(filepath.Join(dir, answersFile))
		if err == nil && info.Size() >= size {
			break
		}
		time.Sleep(2 * time.Millisecond)
		if t.Context().Err() != nil {
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := child.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Fatalf("the run was not killed: %v", err)
	}
}

func TestResumeRefusesAnotherTask(t *testing.T) {
	task := runTask(t)
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir, runSpec(task, search.Guided), 1)
	if _, err := CreateRun(dir, runSpec(task, search.Guided)); !errors.Is(err, ErrRunExists) {
		t.Errorf("CreateRun on a used directory: %v, want ErrRunExists", err)
	}
	src, err := os.ReadFile(task)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(task, bytes.Replace(src, []byte("Mood:"), []byte("Feel:"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := OpenRun(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := doRun(t.Context(), d, 1, wordLM{}); !errors.Is(err, ErrDiverged) {
		t.Errorf("resume with a changed template: %v, want ErrDiverged", err)
	}
	if _, err := OpenRun(t.TempDir()); !errors.Is(err, ErrNoRun) {
		t.Errorf("OpenRun of an empty folder: %v, want ErrNoRun", err)
	}
}

func TestRunReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, dir, runSpec(runTask(t), search.Guided), 2)
	r, err := ReadReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Baselines) != 2 || r.Full.Length <= r.Answer.Length || len(r.Front) < 2 || len(r.Curve) == 0 {
		t.Errorf("report %+v", r)
	}
	random := r.Baselines[0]
	if random.Length != r.Answer.Length || r.Baselines[1].Length != r.Answer.Length {
		t.Errorf(
			"baselines of length %d and %d beside an answer of %d", random.Length, r.Baselines[1].Length,
			r.Answer.Length,
		)
	}
	if len(r.Comparisons) != 2 || r.Comparisons[0].With != "full prompt" || r.Comparisons[1].With != "random pruning" {
		t.Errorf("comparisons %+v", r.Comparisons)
	}
	if d := r.Comparisons[0].Difference; math.Abs(d-(r.Answer.Test-r.Full.Test)) > 1e-9 {
		t.Errorf("difference %v of %v and %v", d, r.Answer.Test, r.Full.Test)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "<polyline"); n != 2 || strings.Contains(string(page), "NaN") {
		t.Errorf("report.html has %d curves, want 2, and no NaN", n)
	}
	if !strings.Contains(string(page), "<del>") || !strings.Contains(string(page), "95 % confidence") {
		t.Error("report.html lacks what went or the intervals")
	}
}

func TestJudgeAsksNothingTwice(t *testing.T) {
	task, err := LoadTask(runTask(t))
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJudge(task, llm.Backend{ID: "m", LM: wordLM{}}, NewAnswerLog(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := j.On(task.Search)
	first, err := e.Evaluate(t.Context(), []search.Trial{{Text: "{text}", To: 8}, {Text: "{text}", From: 8, To: 16}})
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Evaluate(t.Context(), []search.Trial{{Text: "{text}", To: 16}})
	if err != nil {
		t.Fatal(err)
	}
	if asked, log := j.Asked(); asked != 16 || log != 16 {
		t.Errorf("asked %d, remembered %d, want 16 and 16", asked, log)
	}
	if fmt.Sprint(append(first[0], first[1]...)) != fmt.Sprint(again[0]) {
		t.Error("what was remembered differs from what was asked")
	}
}

func TestBackendMustFitTheTask(t *testing.T) {
	task := &Task{Scorer: ScorerSpec{Type: "exact"}}
	if _, err := NewJudge(task, llm.Backend{LM: wordLM{}}, NewAnswerLog(), nil); !errors.Is(err, llm.ErrBackend) {
		t.Errorf("a scoring model for a writing task: %v, want ErrBackend", err)
	}
	task.Scorer.Type = likelihood
	if _, err := NewJudge(task, llm.Backend{}, NewAnswerLog(), nil); !errors.Is(err, llm.ErrBackend) {
		t.Errorf("likelihood without a model: %v, want ErrBackend", err)
	}
}
