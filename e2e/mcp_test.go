package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/tidwall/gjson"
)

// sources copies the files of one of the project's folders to where an agent works.
func sources(t *testing.T, folder string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "work")
	if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A bearer is a transport that shows a key.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func openMCP(t *testing.T, p *proxy, key string) (*sdk.ClientSession, error) {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	return client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: p.URL + "/mcp", HTTPClient: &http.Client{Transport: bearer(key)}, MaxRetries: -1,
	}, nil)
}

// callMCP calls a tool and returns what a model reads and what a program reads.
func callMCP(t *testing.T, s *sdk.ClientSession, tool string, args object) (said string, structured gjson.Result) {
	t.Helper()
	res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	for _, c := range res.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			said += text.Text
		}
	}
	data, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	return said, gjson.ParseBytes(data)
}

const contextQuestion = "When is a one-time key used up?"

// The tools at /mcp stand behind the same keys as all else, and what one key's client found, and
// what was kept for it, is not another's.
func TestMCPStandsBehindTheKeys(t *testing.T) {
	alice, aliceEntry := newKey(t, "alice", "")
	bob, bobEntry := newKey(t, "bob", "")
	config := filepath.Join(t.TempDir(), "pith.yaml")
	writeConfig(t, config, "keys:\n"+aliceEntry+bobEntry+"workspace: {root: "+sources(t, "dashboard")+
		"}\nretrieval: {enabled: true}\ncache: {secret: e2e-secret-of-enough-length-0123456789}\n")
	p := serveArgs(t, []string{"--config", config})

	if _, err := openMCP(t, p, "pith-wrong"); err == nil || !strings.Contains(err.Error(), "Unauthorized") {
		t.Errorf("a wrong key: %v", err)
	}
	var sessions []*sdk.ClientSession
	for _, key := range []string{alice, bob} {
		s, err := openMCP(t, p, key)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, s)
	}
	said, found := callMCP(t, sessions[0], "find_context", object{"question": contextQuestion, "budget": 1500})
	if !strings.Contains(said, "func (s *sessions) redeem(") {
		t.Fatalf("find_context: %s", said)
	}
	id := found.Get("id").Str
	body := jsonOf(object{
		"files": []object{{"path": "client.go", "content": source(t, sourceFile)}}, "query": question, "rate": 0.2,
	})
	res, short := post(t, p.URL+"/pith/v1/compress", body, "Authorization", "Bearer "+alice)
	hash := gjson.Get(short, "files.0.hashes.0").Str
	if res.StatusCode != http.StatusOK || hash == "" {
		t.Fatalf("compress: %d %.300s", res.StatusCode, short)
	}
	for _, tt := range []struct {
		who        int
		tool, want string
		args       object
	}{
		{0, "explain", "RANK", object{}},
		{1, "explain", "no such result", object{}},
		{1, "explain", "no such result", object{"id": id}},
		{0, "expand", "import (", object{"hash": hash, "lines": "1-20"}},
		{1, "expand", "no such hash", object{"hash": hash, "lines": "1-20"}},
		{1, "find_context", "redeem", object{"question": contextQuestion}},
	} {
		if said, _ := callMCP(t, sessions[tt.who], tt.tool, tt.args); !strings.Contains(said, tt.want) {
			t.Errorf("client %d: %s %v: no %q in %.300s", tt.who, tt.tool, tt.args, tt.want, said)
		}
	}
	for key, want := range map[string]int{alice: http.StatusOK, bob: http.StatusNotFound, "": http.StatusUnauthorized} {
		if got := statusOf(t, p.URL+"/pith/v1/explain/"+id, key); got != want {
			t.Errorf("explaining alice's context: %d, want %d", got, want)
		}
	}
	for _, s := range sessions {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if status, log := p.terminate(t); status != 0 || strings.Contains(log, contextQuestion) {
		t.Errorf("status %d, log:\n%s", status, log)
	}
}

func statusOf(t *testing.T, url, key string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// A real agent asks for context through `pith mcp`, and then why it got what it got.
func TestCodingAgentFindsContextOverMCP(t *testing.T) {
	dir := sources(t, "dashboard")
	p := newPlay(t, []playStep{
		{tool: "mcp__pith__find_context", args: jsonOf(object{"question": contextQuestion, "budget": 1500})},
		{tool: "mcp__pith__explain", args: "{}"},
		{tool: "mcp__pith__expand", args: jsonOf(object{"path": "dashboard/session.go", "symbol": "redeem"})},
		{says: finalWords},
	}, false)
	home := t.TempDir()
	args, env := claude.run(p.URL, home, dir, contextQuestion, false)
	args = append(args, "--mcp-config", jsonOf(object{"mcpServers": object{
		"pith": object{"command": binary, "args": []string{"mcp"}},
	}}), "--strict-mcp-config", "--allowedTools", "mcp__pith")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(append(environ(), "HOME="+home, "XDG_CACHE_HOME="+home, "NO_COLOR=1", "CI=1"), env...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), finalWords) {
		t.Fatalf("%v\n%s\n%.2000s", err, out, errs.String())
	}
	for call, want := range map[string]string{
		"call_01": "func (s *sessions) redeem(", "call_02": "among the best: ", "call_03": "func (s *sessions) redeem(",
	} {
		// What the model sees, be it the words or the structured result, is paid for with each
		// request.
		if n := len(p.results[call]); n > 12_000 {
			t.Errorf("%s: %d bytes", call, n)
		}
		if !strings.Contains(p.results[call], want) {
			t.Errorf("%s: no %q in %.500s", call, want, p.results[call])
		}
	}
}
