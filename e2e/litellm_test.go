package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

const gatewayKey = "sk-0123456789abcdef0123456789abcdef"

// startLiteLLM runs LiteLLM's proxy in front of upstream, with sidecar behind its headroom
// guardrail, and returns its base URL.
func startLiteLLM(t *testing.T, upstream, sidecar string) string {
	t.Helper()
	modules := filepath.Join(root, ".deps/python")
	if _, err := os.Stat(filepath.Join(modules, "litellm")); err != nil {
		t.Fatal("no LiteLLM; `make testdeps` fetches it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	l.Close()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`model_list:
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_base: %q, api_key: sk-upstream}
guardrails:
  - guardrail_name: pith
    litellm_params: {guardrail: headroom, mode: pre_call, default_on: true, api_base: %q, api_key: sk-sidecar}
general_settings: {master_key: %s}
litellm_settings: {telemetry: false}
`, upstream+"/v1", sidecar, gatewayKey)
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("python3", "-c", "from litellm import run_server; run_server()", "--config", file, "--host",
		"127.0.0.1", "--port", port)
	cmd.Dir = dir
	// The price list comes with the package: nothing is fetched.
	cmd.Env = append(os.Environ(), "PYTHONPATH="+modules, "LITELLM_LOCAL_MODEL_COST_MAP=True", "NO_PROXY=127.0.0.1")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	base := "http://127.0.0.1:" + port
	for range 600 {
		if res, err := http.Get(base + "/health/liveliness"); err == nil {
			res.Body.Close()
			return base
		}
		time.Sleep(200 * time.Millisecond)
	}
	text, _ := os.ReadFile(log.Name())
	t.Fatalf("LiteLLM did not listen within two minutes:\n%s", text)
	return ""
}

var markerHash = regexp.MustCompile(`lines (\d+)-(\d+) omitted hash=([0-9a-f]{24})`)

// A curious model asks for the first omitted lines that it sees before it answers.
type curious struct {
	mu     sync.Mutex
	bodies []string
}

func (m *curious) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if r.Method != http.MethodPost { // LiteLLM looks whether anybody is there
		return
	}
	m.mu.Lock()
	m.bodies = append(m.bodies, string(body))
	m.mu.Unlock()
	message, finish := fmt.Sprintf(`{"role":"assistant","content":%q}`, answer), "stop"
	asked := strings.Contains(string(body), `"tool_call_id"`)
	if hash := markerHash.FindSubmatch(body); hash != nil && !asked {
		message, finish = fmt.Sprintf(
			`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function",`+
				`"function":{"name":"headroom_retrieve","arguments":"{\"hash\":\"%s\"}"}}]}`, hash[3]), "tool_calls"
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(
		w,
		`{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":%s,`+
			`"finish_reason":%q}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, message, finish)
}

// LiteLLM has Pith shorten a conversation, offers the model its retrieval tool, has Pith resolve
// the model's call and hands the answer on. It sends a sidecar no assistant's turns and not the
// newest question, so the code stands in an older one.
func TestLiteLLMUsesPithAsSidecar(t *testing.T) {
	model := &curious{}
	up := httptest.NewServer(model)
	t.Cleanup(up.Close)
	p := serve(t, "http://127.0.0.1:1", "PITH_RETRIEVAL=true", "PITH_RATE=0.4", "PITH_CACHE_SECRET=0123456789abcdef")
	gateway := startLiteLLM(t, up.URL, p.URL)
	request, err := json.Marshal(map[string]any{"model": "gpt-4o", "messages": []map[string]string{
		{"role": "user", "content": prompt(t)},
		{"role": "assistant", "content": answer},
		{"role": "user", "content": "Are you sure?"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	res, body := post(t, gateway+"/v1/chat/completions", string(request), "Authorization", "Bearer "+gatewayKey)
	if res.StatusCode != http.StatusOK || gjson.Get(body, "choices.0.message.content").Str != answer {
		t.Fatalf("LiteLLM answered %d %s", res.StatusCode, body)
	}
	if len(model.bodies) != 2 {
		t.Fatalf("the model was asked %d times, want twice: the question and the lines it asked for", len(model.bodies))
	}
	sent, got := prompt(t), gjson.Get(model.bodies[0], "messages.0.content").Str
	_, code, _ := fence(t, sent)
	_, kept, _ := fence(t, got)
	if len(kept) > len(code)/2 || !strings.Contains(kept, needed) {
		t.Errorf("the model got %d bytes of %d", len(kept), len(code))
	}
	var first, last int
	if _, err := fmt.Sscanf(markerHash.FindString(got), "lines %d-%d", &first, &last); err != nil {
		t.Fatalf("no marker in %.500s", kept)
	}
	omitted := strings.Join(strings.SplitAfter(code, "\n")[first-1:last], "")
	if result := gjson.Get(model.bodies[1], "messages.@reverse.0.content").Str; result != omitted {
		t.Errorf("the model asked for lines %d-%d and got %q, want %q", first, last, result, omitted)
	}
}
