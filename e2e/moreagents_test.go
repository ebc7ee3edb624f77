//go:build agents

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestCodingAgentCodexOverHTTP(t *testing.T) { testCodingAgent(t, codex(false)) }

// opencode plays in opencode, which is told of the API in a file of the folder that it works in.
var opencode = codingAgent{
	name: "opencode",
	steps: func(dir string) []playStep {
		at := func(name string) string { return filepath.Join(dir, name) }
		read := func(name string) playStep { return playStep{tool: "read", args: jsonOf(object{"filePath": at(name)})} }
		return []playStep{
			read("store.go"),
			{tool: "read", args: jsonOf(object{"filePath": at("store.go"), "offset": 80, "limit": 20})},
			{tool: "bash", args: `{"command":"grep -n parseURL *.go","description":"Search"}`},
			{tool: "bash", args: `{"command":"cat relay.go","description":"Look"}`},
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
			{tool: "run_shell_command", args: `{"command":"grep -n parseURL *.go","is_background":false}`},
			{tool: "run_shell_command", args: `{"command":"cat relay.go","is_background":false}`},
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
