package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// evolveTask writes a small classification task and returns its path.
func evolveTask(t *testing.T) string {
	t.Helper()
	split := func(from, n int) string {
		rows := "code\tlabel\n"
		for i := from; i < from+n; i++ {
			rows += fmt.Sprintf("func f%d(a int) error {\tgo\ndef f%d(a, b=%d):\tpython\n", i, i, i)
		}
		return rows
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"task.yaml": "name: small\n" +
			"template: \"Which language?\\nCode: func open(name string) error {\\nLanguage: go\\nCode: def " +
			"open(name):\\nLanguage: python\\nCode: {code}\\nLanguage:\"\n" +
			"labels: [{name: go, verbalizer: ' go'}, {name: python, verbalizer: ' python'}]\n" +
			"data: {search: s.tsv, validation: v.tsv, test: t.tsv, licence: CC0-1.0}\n",
		"s.tsv": split(0, 4), "v.tsv": split(10, 4), "t.tsv": split(20, 4),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "task.yaml")
}

// start runs the binary in the background and kills it when the test ends.
func start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = environ()
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill(cmd)
		if t.Failed() {
			t.Logf("pith %s:\n%s", strings.Join(args, " "), log.String())
		}
	})
	return cmd
}

// kill ends a process outright.
func kill(cmd *exec.Cmd) {
	if cmd.ProcessState == nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
}

func evolveResult(t *testing.T, dir string) []byte {
	t.Helper()
	out, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// grown waits until the run in dir has asked for some more outcomes, and says whether it is still
// going on.
func grown(dir string, by int64) bool {
	size := func() int64 {
		info, err := os.Stat(filepath.Join(dir, "answers"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	for from := size(); size() < from+by; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "result.json")); err == nil {
			return false
		}
	}
	return true
}

// A run is the same on this machine alone and on three workers, of which some are killed, and the
// run itself as well.
func TestEvolveOnWorkersThatAreKilled(t *testing.T) {
	task := evolveTask(t)
	alone, shared := filepath.Join(t.TempDir(), "alone"), filepath.Join(t.TempDir(), "shared")
	run := func(dir string) []string {
		return []string{"evolve", "run", task, "--out", dir, "--algorithm", "gga", "--max-prompts", "101"}
	}
	if _, errOut, status := pith(t, "", run(alone)...); status != 0 {
		t.Fatalf("a run alone: status %d\n%s", status, errOut)
	}
	redis, _ := startRedis(t)
	worker := func() *exec.Cmd { return start(t, "evolve", "worker", "--redis", redis) }
	workers := []*exec.Cmd{worker(), worker(), worker()}
	flags := []string{"--redis", redis, "--patience", "700ms"}
	leader := start(t, append(run(shared), flags...)...)

	rng := rand.New(rand.NewPCG(1, 2))
	for round := 0; round < 4 && grown(shared, 4500); round++ {
		i := rng.IntN(len(workers))
		kill(workers[i])
		if round == 1 {
			kill(leader)
			leader = start(t, append([]string{"evolve", "resume", shared}, flags...)...)
		}
		workers[i] = worker()
	}
	if err := leader.Wait(); err != nil {
		t.Fatalf("the shared run: %v", err)
	}
	if !bytes.Equal(evolveResult(t, shared), evolveResult(t, alone)) {
		t.Error("the run on workers that were killed ended differently")
	}
}

// Without workers a run waits and says so; an interrupt ends it so that it can go on. A worker with
// another model is refused.
func TestEvolveWithoutTheRightWorker(t *testing.T) {
	redis, _ := startRedis(t)
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(binary, "evolve", "run", evolveTask(t), "--out", dir, "--redis", redis, "--patience", "1s")
	cmd.Env = environ()
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kill(cmd) })
	said := ""
	for buf := make([]byte, 4096); !strings.Contains(said, "no worker serves the model"); {
		n, err := stderr.Read(buf)
		if said += string(buf[:n]); err != nil {
			t.Fatalf("the run ended: %s", said)
		}
	}
	_, errOut, status := pith(t, "", "evolve", "worker", "--redis", redis, "--endpoint", "http://127.0.0.1:1/v1",
		"--endpoint-model", "m")
	if status != 1 || !strings.Contains(errOut, "another model") {
		t.Errorf("a worker with another model: status %d, %s", status, errOut)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	_, _ = rest.ReadFrom(stderr)
	if err := cmd.Wait(); err == nil || !strings.Contains(rest.String(), "pith evolve resume") {
		t.Errorf("an interrupted run: %v, %s", err, rest.String())
	}
}

// Workers with endpoints of their own serve one run; the budget is the run's, and what an endpoint
// refuses reaches the user.
func TestEvolveOnWorkersWithEndpoints(t *testing.T) {
	redis, _ := startRedis(t)
	endpoint := func(answer func(w http.ResponseWriter)) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			answer(w)
		}))
		t.Cleanup(s.Close)
		return s.URL + "/v1"
	}
	good := func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"choices":[{"message":{"content":"go"}}],"usage":{"prompt_tokens":50,"completion_tokens":1}}`)
	}
	for range 2 {
		start(t, "evolve", "worker", "--redis", redis, "--endpoint", endpoint(good), "--endpoint-model", "m",
			"--concurrency", "4")
	}
	task, dir := evolveTask(t), filepath.Join(t.TempDir(), "run")
	_, errOut, status := pith(t, "", "evolve", "run", task, "--out", dir, "--redis", redis, "--endpoint-model", "m",
		"--max-prompts", "40", "--token-budget", "2000")
	if status != 1 || !strings.Contains(errOut, "budget spent") {
		t.Errorf("over budget: status %d, %s", status, errOut)
	}
	if out, errOut, status := pith(t, "", "evolve", "resume", dir, "--redis", redis); status != 0 ||
		!strings.Contains(out, "full prompt") {
		t.Errorf("resume: status %d, %s", status, errOut)
	}
	refusing := endpoint(func(w http.ResponseWriter) { http.Error(w, "no such model here", http.StatusNotFound) })
	start(t, "evolve", "worker", "--redis", redis, "--endpoint", refusing, "--endpoint-model", "gone")
	_, errOut, status = pith(t, "", "evolve", "run", task, "--out", dir+"2", "--redis", redis,
		"--endpoint-model", "gone")
	if status != 1 || !strings.Contains(errOut, "no such model here") {
		t.Errorf("an endpoint that refuses: status %d, %s", status, errOut)
	}
}
