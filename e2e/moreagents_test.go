//go:build agents

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Over a WebSocket Codex saves what it saves over HTTP: the same bytes reach the API.
func TestCodingAgentCodexOverHTTP(t *testing.T) {
	http, socket := testCodingAgent(t, codex(false)), testCodingAgent(t, codex(true))
	for id, text := range http {
		if was, is := unstable.ReplaceAllString(text, ""), unstable.ReplaceAllString(socket[id], ""); was != is {
			t.Errorf("%s: over HTTP the API got\n%s\nover a WebSocket\n%s", id, was, is)
		}
	}
}

// opencode plays in opencode, which is told of the API in a file of the folder that it works in.
var opencode = codingAgent{
	name: "opencode",
	steps: func(dir string) []playStep {
		at := func(name string) string { return filepath.Join(dir, name) }
		read := func(name string) playStep { return playStep{tool: "read", args: jsonOf(object{"filePath": at(name)})} }
		return []playStep{
			read("store.go"),
			{tool: "read", args: jsonOf(object{"filePath": at("store.go"), "offset": 80, "limit": 20})},
			// Its shell stands elsewhere where the folder is no repository.
			{tool: "bash", args: jsonOf(object{"command": "grep -n parseURL " + at("*.go"), "description": "Search"})},
			{tool: "bash", args: jsonOf(object{"command": "cat " + at("relay.go"), "description": "Look"})},
			{
				tool: "edit",
				args: jsonOf(
					object{"filePath": at("store.go"), "oldString": "package cache", "newString": "package store"}),
			},
			read("store.go"),
			{says: finalWords},
			read("plan.go"),
			{says: lastWords},
		}
	},
	run: func(base, home, dir, question string, again bool) (args, env []string) {
		config := jsonOf(object{
			"provider": object{"scripted": object{
				"npm": "@ai-sdk/openai-compatible", "options": object{"baseURL": base + "/v1", "apiKey": "K"},
				"models": object{"m": object{"name": "m", "limit": object{"context": 200000, "output": 8000}}},
			}},
			"permission": "allow", "autoupdate": false, "share": "disabled",
		})
		args = []string{bin("opencode", "opencode"), "run", "--model", "scripted/m"}
		if again {
			args = append(args, "--continue")
		}
		return append(args, question),
			[]string{"OPENCODE_CONFIG_CONTENT=" + config, "XDG_DATA_HOME=" + home, "XDG_CONFIG_HOME=" + home}
	},
}

func TestCodingAgentOpencode(t *testing.T) { testCodingAgent(t, opencode) }

// qwen plays in Qwen Code.
var qwen = codingAgent{
	name: "qwen-code",
	steps: func(dir string) []playStep {
		at := func(name string) string { return filepath.Join(dir, name) }
		read := func(name string) playStep {
			return playStep{tool: "read_file", args: jsonOf(object{"file_path": at(name)})}
		}
		return []playStep{
			read("store.go"),
			{tool: "read_file", args: jsonOf(object{"file_path": at("store.go"), "offset": 80, "limit": 20})},
			// Its terminal may end before all that was printed is read from it.
			{tool: "run_shell_command", args: `{"command":"grep -n parseURL *.go","is_background":false}`, cuts: true},
			{tool: "run_shell_command", args: `{"command":"cat relay.go","is_background":false}`, cuts: true},
			{
				tool: "edit",
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
		args = []string{bin("qwen", "qwen"), "--auth-type", "openai", "--approval-mode", "yolo", "-m", "m"}
		if again {
			args = append(args, "--continue")
		}
		return append(args, "-p", question),
			[]string{"OPENAI_BASE_URL=" + base + "/v1", "OPENAI_API_KEY=K", "OPENAI_MODEL=m"}
	},
}

func TestCodingAgentQwenCode(t *testing.T) { testCodingAgent(t, qwen) }

// continueCLI plays in Continue's command line, which is told of the API in a file.
var continueCLI = codingAgent{
	name: "continue",
	steps: func(dir string) []playStep {
		at := func(name string) string { return filepath.Join(dir, name) }
		read := func(name string) playStep { return playStep{tool: "Read", args: jsonOf(object{"filepath": at(name)})} }
		return []playStep{
			read("store.go"),
			{tool: "Bash", args: `{"command":"sed -n 80,100p store.go"}`},
			{tool: "Bash", args: `{"command":"grep -n parseURL store.go relay.go"}`},
			{tool: "Bash", args: `{"command":"cat relay.go"}`},
			{tool: "MultiEdit", args: jsonOf(object{
				"file_path": at("store.go"),
				"edits":     []object{{"old_string": "package cache", "new_string": "package store"}},
			})},
			read("store.go"),
			{says: finalWords},
			read("plan.go"),
			{says: lastWords},
		}
	},
	run: func(base, home, _, question string, again bool) (args, env []string) {
		config := filepath.Join(home, "config.yaml")
		text := fmt.Sprintf("name: scripted\nversion: 0.0.1\nschema: v1\nmodels:\n  - name: m\n    provider: openai\n"+
			"    model: gpt-4o\n    apiBase: %s/v1\n    apiKey: K\n    roles: [chat]\n", base)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			panic(err)
		}
		args = []string{bin("continue", "cn"), "-p", question, "--config", config, "--auto"}
		if again {
			args = append(args, "--resume")
		}
		return args, []string{"CONTINUE_GLOBAL_DIR=" + home, "CONTINUE_TELEMETRY_ENABLED=0"}
	},
}

func TestCodingAgentContinue(t *testing.T) { testCodingAgent(t, continueCLI) }

// program is the path of a program of an agent from PyPI.
func program(agent, name string) string {
	return filepath.Join(root, cmp.Or(os.Getenv("AGENTS"), ".deps/agents"), agent, "bin", name)
}

// mini plays in mini-swe-agent, which has one tool, a shell, gives each result as JSON, without its
// middle where it is long, and ends with a command: a second question is another conversation.
var mini = codingAgent{
	name: "mini-swe-agent", turned: true,
	steps: func(string) []playStep {
		shell := func(command string) playStep {
			return playStep{tool: "bash", args: jsonOf(object{"command": command})}
		}
		end := func(words string) playStep {
			s := shell("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT; echo '" + words + "'")
			s.ends = true
			return s
		}
		return []playStep{
			shell("cat plan.go"), shell("nl -ba store.go | sed -n '80,100p'"),
			shell("grep -n parseURL store.go relay.go"), shell("cat relay.go"),
			shell("sed -i 's/^package cache$/package store/' store.go"), shell("cat store.go"),
			end(finalWords),
			shell("cat store.go"), shell("cat relay.go"),
			end(lastWords),
		}
	},
	run: func(base, home, _, question string, _ bool) (args, env []string) {
		args = []string{
			program("mini", "mini"), "-m", "openai/m", "-t", question, "-y", "--exit-immediately",
			"-o", filepath.Join(home, "run.json"),
		}
		return args, []string{
			"OPENAI_API_BASE=" + base + "/v1", "OPENAI_API_KEY=K", "MSWEA_CONFIGURED=true",
			"MSWEA_GLOBAL_CONFIG_DIR=" + home, "MSWEA_COST_TRACKING=ignore_errors",
			"LITELLM_LOCAL_MODEL_COST_MAP=True",
		}
	},
}

func TestCodingAgentMiniSWEAgent(t *testing.T) { testCodingAgent(t, mini) }

// aider plays in Aider, which has no tools: files stand in the user's turns. Those that the model
// is to edit, and those to read beside them, pass; what the user pastes into a question is
// shortened.
var aider = codingAgent{
	name: "aider", plain: true,
	steps: func(string) []playStep {
		return []playStep{
			{says: finalWords + "\n\nstore.go\n```go\n<<<<<<< SEARCH\npackage cache\n=======\npackage store\n" +
				">>>>>>> REPLACE\n```\n"},
			{says: lastWords},
		}
	},
	run: func(base, home, dir, question string, again bool) (args, env []string) {
		pasted := map[bool]string{false: "relay.go", true: "plan.go"}[again]
		text, err := os.ReadFile(filepath.Join(dir, pasted))
		if err != nil {
			panic(err)
		}
		message := filepath.Join(home, "message.txt")
		if err := os.WriteFile(message, []byte(question+"\n\n"+pasted+"\n```go\n"+string(text)+"```\n"),
			0o600); err != nil {
			panic(err)
		}
		args = []string{
			program("aider", "aider"), "--model", "openai/gpt-4o", "--message-file", message, "--file", "store.go",
			"--read", "plan.go", "--edit-format", "diff", "--no-git", "--yes-always", "--no-show-model-warnings",
			"--no-check-update", "--analytics-disable", "--map-tokens", "0", "--no-auto-lint", "--no-detect-urls",
			"--no-suggest-shell-commands", "--no-fancy-input", "--no-pretty", "--max-chat-history-tokens", "100000",
			"--chat-history-file", filepath.Join(home, "chat.md"), "--input-history-file", filepath.Join(home, "input"),
		}
		if again {
			args = append(args, "--restore-chat-history")
		}
		return args, []string{
			"OPENAI_API_BASE=" + base + "/v1", "OPENAI_API_KEY=K", "LITELLM_LOCAL_MODEL_COST_MAP=True",
		}
	},
}

func TestCodingAgentAider(t *testing.T) { testCodingAgent(t, aider) }
