//go:build agents

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

func TestCodingAgentWrappedQwenCode(t *testing.T) {
	a := codingAgent{name: "qwen", programs: filepath.Dir(bin("qwen", "qwen")), steps: reads("read_file", "file_path")}
	testWrap(t, a, nil, func(url, _ string) []string {
		return []string{"OPENAI_BASE_URL=" + url + "/v1", "OPENAI_API_KEY=K", "OPENAI_MODEL=m"}
	}, "--auth-type", "openai", "--approval-mode", "yolo", "-m", "m", "-p", firstQuestion)
}

// opencode has no variable for its address: a flag of Pith's says where its requests go.
func TestCodingAgentWrappedOpencode(t *testing.T) {
	a := codingAgent{
		name: "opencode", programs: filepath.Dir(bin("opencode", "opencode")), steps: reads("read", "filePath"),
	}
	testWrap(t, a, []string{"--upstream", "URL"}, func(_, home string) []string {
		config := filepath.Join(home, "opencode", "opencode.json")
		if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(config, []byte(`{"permission":"allow","autoupdate":false}`), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"ANTHROPIC_API_KEY=K", "OPENAI_API_KEY=K"}
	}, "run", "--model", "anthropic/claude-sonnet-4-5", firstQuestion)
}

func TestCodingAgentWrappedAider(t *testing.T) {
	message := filepath.Join(t.TempDir(), "message.txt")
	text := firstQuestion + "\n\nstore.go\n```go\n" + agentFile(t, agentFiles["store.go"]) + "```\n"
	if err := os.WriteFile(message, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	a := codingAgent{
		name: "aider", programs: filepath.Dir(program("aider", "aider")), plain: true,
		steps: func(string) []playStep { return []playStep{{says: finalWords}} },
	}
	testWrap(t, a, nil, func(url, _ string) []string {
		return []string{"OPENAI_API_BASE=" + url + "/v1", "OPENAI_API_KEY=K", "LITELLM_LOCAL_MODEL_COST_MAP=True"}
	}, "--model", "openai/gpt-4o", "--message-file", message, "--no-git", "--yes-always", "--no-show-model-warnings",
		"--no-check-update", "--analytics-disable", "--map-tokens", "0", "--no-detect-urls", "--no-fancy-input",
		"--no-pretty")
}
