package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A person asks why a function was dropped: of a file, and of a request that a running Pith keeps.
func TestExplainSaysWhyAFunctionIsDropped(t *testing.T) {
	code := source(t, sourceFile)
	path := filepath.Join(t.TempDir(), "client.go")
	if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "explain", "-q", question, "--rate", "0.2", path)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errOut)
	}
	checkTable(t, out)
	same, _, _ := pith(t, "", "compress", "-q", question, "--rate", "0.2", "--format", "explain", path)
	if same != out {
		t.Error("compress --format explain says something else")
	}

	u := newUpstream(t)
	p := serve(t, u.URL, "PITH_DASHBOARD_KEEP=3", "PITH_RATE=0.2")
	body, err := json.Marshal(map[string]any{"model": "gpt-4o", "messages": []map[string]string{
		{"role": "user", "content": question + "\n```go\n" + code + "```\n"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	id := res.Header.Get("X-Pith-Request-Id")
	out, errOut, status = pith(t, "", "explain", "--server", p.URL, "--id", id)
	if status != 0 || !strings.Contains(out, "request "+id) || !strings.Contains(out, question) {
		t.Fatalf("status %d: %s%s", status, out, errOut)
	}
	checkTable(t, out[strings.Index(out, "RANK"):])
	if _, errOut, status = pith(
		t,
		"",
		"explain",
		"--server",
		p.URL,
		"--id",
		"unknown",
	); status != 1 ||
		!strings.Contains(errOut, "dashboard.keep") {
		t.Errorf("an id that is not kept: status %d, %s", status, errOut)
	}
}

func checkTable(t *testing.T, table string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(table), "\n")
	if len(lines) < 20 || !strings.HasPrefix(lines[0], "RANK") {
		t.Fatalf("no table:\n%s", table)
	}
	needed, dropped := "", ""
	for _, line := range lines[1:] {
		if strings.Contains(line, "function Client.makeHeadersCopier ") {
			needed = line
		}
		if strings.Contains(line, " omitted ") {
			dropped = line
		}
	}
	if !strings.Contains(needed, "kept") || !strings.Contains(needed, "among the best: ") {
		t.Errorf("the needed function: %q", needed)
	}
	if !strings.Contains(dropped, "no room: ") && !strings.Contains(dropped, "ranks behind") {
		t.Errorf("the last that is dropped: %q", dropped)
	}
}
