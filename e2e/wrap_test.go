package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wrapIn runs `pith wrap` in dir, with programs of bin first in PATH.
func wrapIn(t *testing.T, dir, programs string, env []string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"wrap"}, args...)...)
	cmd.Dir = dir
	// The library is found from a checkout, which dir is not.
	cmd.Env = append(append(environ(), "PATH="+programs+":"+os.Getenv("PATH"), "PITH_RANKER=words"), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// testWrap holds that a real agent runs through `pith wrap` with nothing set but its key, that what
// it shows is shortened, and that what was saved stands at the end.
func testWrap(t *testing.T, a codingAgent, flags []string, env func(url, home string) []string, args ...string) *play {
	t.Helper()
	dir, home := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "store.go"), []byte(agentFile(t, agentFiles["store.go"])),
		0o600); err != nil {
		t.Fatal(err)
	}
	p := newPlay(t, a.steps(dir), a.plain)
	env2 := append(env(p.URL, home), "HOME="+home, "NO_COLOR=1", "CI=1", "XDG_DATA_HOME="+home, "XDG_CONFIG_HOME="+home)
	for i, f := range flags {
		flags[i] = strings.ReplaceAll(f, "URL", p.URL)
	}
	for i, arg := range args {
		args[i] = strings.ReplaceAll(arg, "DIR", dir)
	}
	stdout, stderr, status := wrapIn(t, dir, a.programs, env2, append(append(flags, a.name, "--"), args...)...)
	if status != 0 || !strings.Contains(stdout, finalWords) {
		t.Errorf("status %d, said %q\n%.3000s", status, stdout, stderr)
	}
	if !strings.Contains(p.results["call_01"], "omitted") {
		t.Errorf("the API got %.300q", p.results["call_01"])
	}
	if !regexp.MustCompile(`pith: \d+ requests?, \d+ of them with code made shorter\n`).MatchString(stderr) ||
		!strings.Contains(stderr, "% saved") {
		t.Errorf("the end of the run says:\n%.3000s", stderr)
	}
	return p
}

// reads are the steps of a model that reads store.go with a tool and answers.
func reads(tool, key string) func(dir string) []playStep {
	return func(dir string) []playStep {
		return []playStep{{tool: tool, args: jsonOf(object{key: filepath.Join(dir, "store.go")})}, {says: finalWords}}
	}
}

func TestWrapCodex(t *testing.T) {
	a := codingAgent{name: "codex", programs: filepath.Dir(bin("codex", "codex")), steps: func(string) []playStep {
		return []playStep{{tool: "exec_command", args: `{"cmd":"cat store.go"}`}, {says: finalWords}}
	}}
	p := testWrap(t, a, nil, func(url, home string) []string {
		return []string{"OPENAI_BASE_URL=" + url + "/v1", "OPENAI_API_KEY=K", "CODEX_HOME=" + home}
	}, "exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", "-c",
		"tool_output_token_limit=20000", "-m", "gpt-5.1", firstQuestion)
	if p.sockets == 0 {
		t.Error("no WebSocket was opened")
	}
}

func TestWrapClaudeCode(t *testing.T) {
	a := codingAgent{name: "claude", programs: filepath.Dir(bin("claude", "claude")), steps: reads("Read", "file_path")}
	testWrap(t, a, nil, func(url, home string) []string {
		return []string{
			"ANTHROPIC_BASE_URL=" + url, "ANTHROPIC_API_KEY=K", "CLAUDE_CONFIG_DIR=" + home,
			"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "IS_SANDBOX=1",
		}
	}, "-p", firstQuestion, "--allowedTools", "Read", "--model", "claude-sonnet-4-5")
}

// The client's exit status is the run's, a signal to Pith reaches it, and each client is told of
// the address.
func TestWrapPassesOn(t *testing.T) {
	programs := t.TempDir()
	write := func(name, script string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(programs, name), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			//nolint:gosec // a program
			t.Fatal(err)
		}
	}
	write("claude", `echo "$ANTHROPIC_BASE_URL $1"; exit 7`)
	stdout, stderr, status := wrapIn(t, programs, programs, nil, "claude", "--", "--flag")
	if !regexp.MustCompile(`^http://127\.0\.0\.1:\d+ --flag\n$`).MatchString(stdout) || status != 7 {
		t.Errorf("claude: status %d, printed %q\n%s", status, stdout, stderr)
	}
	if !strings.Contains(stderr, "no request to a model came through Pith") {
		t.Errorf("the end of the run says %q", stderr)
	}
	write("qwen", `trap 'echo stopped; exit 3' TERM; kill -TERM $PPID; while :; do sleep 0.1; done`)
	if stdout, stderr, status = wrapIn(t, programs, programs, nil, "qwen"); stdout != "stopped\n" || status != 3 {
		t.Errorf("qwen: status %d, printed %q\n%s", status, stdout, stderr)
	}
	write("opencode", `echo "$OPENCODE_CONFIG_CONTENT"`)
	stdout, _, _ = wrapIn(t, programs, programs, nil, "opencode")
	if strings.Count(stdout, `{"options":{"baseURL":"http://127.0.0.1:`) != 2 {
		t.Errorf("opencode is told %q", stdout)
	}
	write("aider", `echo "$OPENAI_API_BASE $ANTHROPIC_API_BASE"; kill -KILL $$`)
	stdout, _, status = wrapIn(t, programs, programs, nil, "aider")
	if strings.Count(stdout, "http://127.0.0.1:") != 2 || status != 137 {
		t.Errorf("aider: status %d, told %q", status, stdout)
	}
	for _, args := range [][]string{{}, {"vim"}} {
		if _, stderr, status = wrapIn(t, programs, programs, nil, args...); status != 2 ||
			!strings.Contains(stderr, "aider, claude, codex, opencode, qwen") {
			t.Errorf("wrap %q: status %d, %q", args, status, stderr)
		}
	}
}
