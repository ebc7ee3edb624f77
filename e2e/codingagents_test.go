package e2e

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A codingAgent is a real coding agent's command line, run without a person against a scripted
// model.
type codingAgent struct {
	name string
	// programs is the folder of its program, for a run by name.
	programs string
	// steps are what the model plays in dir.
	steps func(dir string) []playStep
	// run is the command and its environment for a question to the API at base, again for a further
	// question in the same session.
	run func(base, home, dir, question string, again bool) (args, env []string)
	// sockets says that the agent speaks over WebSocket, refused that Pith lets it open none.
	sockets, refused bool
	// plain says that the agent has no tools: it shows files in the user's turn.
	plain bool
	// turned says that it is asked the second question first: it cuts long files in the middle.
	turned bool
}

// What the agents look at: files of this project, under other names; the one that is asked about as
// it once was.
var agentFiles = map[string]string{
	"store.go": "e2e/testdata/agents/store.txt", "relay.go": "proxy/body.go",
	"plan.go": "proxy/options.go",
}

const (
	firstQuestion  = "How does parseURL read the URL of the server, and which mistakes does it tell?"
	secondQuestion = "And what does withDefaults fill in?"
	// firstNeeded and secondNeeded are lines of the functions that answer the questions.
	firstNeeded  = "func parseURL(text string) (*redis.Options, error) {"
	secondNeeded = "func (o Options) withDefaults() (Options, error) {"
	finalWords   = "It reads it with the library."
	lastWords    = "Every field that is zero."
)

// agentFile is the text that an agent finds.
func agentFile(t *testing.T, from string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, from))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A session is what came of an agent's two questions.
type session struct {
	play  *play
	sent  *received // by the agent, before Pith
	said  string
	files map[string]string // when the session ended
	took  time.Duration
}

// runAgent has an agent answer two questions, through Pith where via says so.
func runAgent(t *testing.T, a codingAgent, dir string, via bool) session {
	t.Helper()
	for name, from := range agentFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(agentFile(t, from)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := newPlay(t, a.steps(dir), a.plain)
	base := p.URL
	s := session{play: p, sent: &p.received, files: map[string]string{}}
	if via {
		env := []string{"PITH_RANKER=words"}
		if a.refused {
			env = append(env, "PITH_WEBSOCKET=off")
		}
		w := newWitness(t, serve(t, p.URL, env...).URL, a.plain)
		base, s.sent = w.URL, &w.received
	}
	home := t.TempDir()
	questions := []string{firstQuestion, secondQuestion}
	if a.turned {
		slices.Reverse(questions)
	}
	for i, question := range questions {
		args, env := a.run(base, home, dir, question, i == 1)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(append(environ(), "HOME="+home, "NO_COLOR=1", "CI=1"), env...)
		var errs strings.Builder
		cmd.Stderr = &errs
		start := time.Now()
		out, err := cmd.Output()
		s.took += time.Since(start)
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%.2000s", a.name, err, out, errs.String())
		}
		s.said += string(out)
	}
	for name := range agentFiles {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		s.files[name] = string(text)
	}
	return s
}

// A real agent does through Pith what it does without: the same calls with the same results, the
// same words, the same files. What of the results reached the API is true of what Pith received,
// repeats in later requests, shows what was asked for, and is listed in a golden file.
//
// It returns what reached the API of each result, by its call.
func testCodingAgent(t *testing.T, a codingAgent) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work") // one place: paths are part of what the model sees
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	disk := map[string]string{}
	for name, from := range agentFiles {
		disk[name] = agentFile(t, from)
	}
	direct := runAgent(t, a, dir, false)
	via := runAgent(t, a, dir, true)
	t.Logf("%s: directly in %v, through Pith in %v", a.name, direct.took.Round(time.Second/10),
		via.took.Round(time.Second/10))
	for name, s := range map[string]session{"directly": direct, "through Pith": via} {
		if s.play.next != len(s.play.steps) {
			t.Errorf("%s: %d of %d steps were played", name, s.play.next, len(s.play.steps))
		}
		if !strings.Contains(s.said, finalWords) || !strings.Contains(s.said, lastWords) {
			t.Errorf("%s: the agent said %.2000s", name, s.said)
		}
		if len(s.play.rewritten) > 0 {
			t.Errorf("%s: older results came again with other bytes: %s", name, s.play.rewritten)
		}
		if want := a.sockets && (s.play == direct.play || !a.refused); want != (s.play.sockets > 0) {
			t.Errorf("%s: %d WebSockets were opened", name, s.play.sockets)
		}
	}
	for name, text := range direct.files {
		if via.files[name] != text {
			t.Errorf("%s is another file through Pith", name)
		}
	}
	if direct.files["store.go"] == disk["store.go"] {
		t.Error("the edit changed nothing")
	}
	edited := map[string]string{"edited": direct.files["store.go"]}
	maps.Copy(edited, disk)
	var golden strings.Builder
	needed, shown := firstNeeded, map[string]bool{}
	if a.turned {
		needed = secondNeeded
	}
	for i, s := range direct.play.steps {
		id := fmt.Sprintf("call_%02d", i+1)
		alone, called := direct.play.results[id]
		was, sent := via.sent.results[id]
		is, arrived := via.play.results[id]
		if called != sent || sent != arrived || s.tool != "" && !s.ends && !called {
			t.Errorf("%s: result directly %v, sent to Pith %v, through Pith %v", id, called, sent, arrived)
		}
		if !called {
			continue
		}
		compareRuns(t, id+" "+s.tool, alone, was, s.cuts)
		shortened := judgeResult(t, id+" "+s.tool, was, is, edited)
		if name := firstWhole(was, disk, shown); name != "" && !shortened && !a.plain {
			t.Errorf("%s shows all of %s for the first time and passes:\n%.600q ... %.300q", id, name, was,
				was[max(0, len(was)-300):])
		}
		decision := map[bool]string{true: "shortened", false: "whole"}[shortened]
		if s.cuts {
			decision = "shortened where the client shows all of a file for the first time"
		}
		name := cmp.Or(s.tool, fmt.Sprintf("request %d", i+1))
		fmt.Fprintf(&golden, "%s %s: %s\n", name, strings.ReplaceAll(s.args, dir, "DIR"), decision)
		if i == 0 && (!shortened || !strings.Contains(is, needed)) {
			t.Errorf("the first read is not shortened to what was asked for:\n%.3000s", is)
		}
	}
	checkGolden(t, "testdata/agents/"+a.name+".golden", golden.String())
	return via.play.results
}

// bin is the path of an agent's program. AGENTS names another folder than that of the pinned
// versions.
func bin(agent, name string) string {
	return filepath.Join(root, cmp.Or(os.Getenv("AGENTS"), ".deps/agents"), agent, "node_modules", ".bin", name)
}

// codex plays in Codex: every look at a file is a shell command, an edit is a patch.
func codex(sockets bool) codingAgent {
	return codingAgent{
		name: "codex", sockets: sockets,
		steps: func(string) []playStep {
			shell := func(command string) playStep {
				return playStep{tool: "exec_command", args: jsonOf(object{"cmd": command})}
			}
			return []playStep{
				shell("cat store.go"), shell("sed -n 80,100p store.go"), shell("grep -n parseURL store.go relay.go"),
				shell("cat relay.go"),
				shell("sed -i 's/^package cache$/package store/' store.go"),
				shell("cat store.go"),
				{says: finalWords},
				shell("cat plan.go"),
				{says: lastWords},
			}
		},
		run: func(base, home, dir, question string, again bool) (args, env []string) {
			provider := fmt.Sprintf(
				`model_providers.scripted={name="scripted",base_url="%s/v1",wire_api="responses",`+
					`env_key="SCRIPTED_KEY",supports_websockets=%t,request_max_retries=0,stream_max_retries=0}`,
				base, sockets)
			args = []string{bin("codex", "codex"), "exec"}
			if again {
				args = append(args, "resume", "--last")
			}
			return append(args, "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox",
					"-c", provider, "-c", `model_provider="scripted"`, "-c", "tool_output_token_limit=20000", "-m",
					"gpt-5.1", question),
				[]string{"SCRIPTED_KEY=K", "CODEX_HOME=" + home}
		},
	}
}

func TestCodingAgentCodexOverWebSocket(t *testing.T) { testCodingAgent(t, codex(true)) }

// Codex goes on over HTTP where its WebSocket is answered 426.
func TestCodingAgentCodexSentToHTTP(t *testing.T) {
	a := codex(true)
	a.refused = true
	testCodingAgent(t, a)
}

// claude plays in Claude Code.
var claude = codingAgent{
	name: "claude-code",
	steps: func(dir string) []playStep {
		at := func(name string) string { return filepath.Join(dir, name) }
		read := func(name string) playStep {
			return playStep{tool: "Read", args: jsonOf(object{"file_path": at(name)})}
		}
		return []playStep{
			read("store.go"),
			{tool: "Read", args: jsonOf(object{"file_path": at("store.go"), "offset": 80, "limit": 20})},
			{tool: "Bash", args: `{"command":"grep -n parseURL *.go","description":"Search"}`},
			{tool: "Bash", args: `{"command":"cat relay.go","description":"Look"}`},
			{
				tool: "Edit",
				args: jsonOf(
					object{"file_path": at("store.go"), "old_string": "package cache", "new_string": "package store"}),
			},
			read("store.go"),
			{says: finalWords},
			read("plan.go"),
			{says: lastWords},
		}
	},
	run: func(base, home, dir, question string, again bool) (args, env []string) {
		args = []string{
			bin("claude", "claude"), "-p", question, "--allowedTools", "Read,Edit,Bash,Grep", "--model",
			"claude-sonnet-4-5",
		}
		if again {
			args = append(args, "--continue")
		}
		return args, []string{
			"ANTHROPIC_BASE_URL=" + base, "ANTHROPIC_API_KEY=K", "CLAUDE_CONFIG_DIR=" + home,
			"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1", "DISABLE_AUTOUPDATER=1", "IS_SANDBOX=1",
		}
	},
}

func TestCodingAgentClaudeCode(t *testing.T) { testCodingAgent(t, claude) }
