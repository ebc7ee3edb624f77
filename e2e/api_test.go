package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// compressRequest is a body of POST /pith/v1/compress for one file.
func compressRequest(t *testing.T, path, content, query string) string {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"files": []map[string]string{{"path": path, "content": content}}, "query": query, "rate": 0.2,
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestPluginEndpointAnswersWithTheReport(t *testing.T) {
	p := serve(t, newUpstream(t).URL)
	res, body := post(t, p.URL+"/pith/v1/compress", compressRequest(t, sourceFile, source(t, sourceFile), question))
	var r compressReport
	if err := json.Unmarshal([]byte(body), &r); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v: %.300s", res.StatusCode, err, body)
	}
	if r.CompressedTokens > r.Budget || r.Ratio < 5 || !strings.Contains(r.Text, needed) || len(r.Chunks) == 0 {
		t.Errorf("%d tokens of budget %d, ratio %.1f, %d chunks", r.CompressedTokens, r.Budget, r.Ratio, len(r.Chunks))
	}
	res, body = post(t, p.URL+"/pith/v1/compress", `{"files":[{"path":"a.go","content":"package a"}],"rate":7}`)
	if res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "rate") {
		t.Errorf("a bad request: status %d: %s", res.StatusCode, body)
	}
}

// Each of these aborts a process that parses it in its own memory.
func TestFilesThatKillParsersDoNotKillTheProxy(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	heredoc := "x = <<" + strings.Repeat("A", 300) + "\n" + strings.Repeat("text\n", 10)
	for name, text := range map[string]string{
		"heredoc.rb": heredoc + strings.Repeat("A", 300) + "\n", "quotes.md": strings.Repeat(">", 300) + "\n",
		"nested.c": strings.Repeat("(", 200_000) + strings.Repeat(")", 200_000),
		"types.cs": strings.Repeat("a<\n", 25_000),
		"zeros.sh": strings.Repeat("\x00", 50_000),
	} {
		text += strings.Repeat("puts 1\n\nvalue = 2\n", 400)
		res, body := post(t, p.URL+"/pith/v1/compress", compressRequest(t, name, text, "value"))
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusBadRequest &&
			res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d: %.200s", name, res.StatusCode, body)
		}
		if got := res.Header.Get("X-Pith-Decision"); name == "heredoc.rb" && got != "compressed; reason=cut-by-lines" {
			t.Errorf("%s: decision %q", name, got)
		}
		if name == "heredoc.rb" {
			path := filepath.Join(t.TempDir(), name)
			write(t, filepath.Dir(path), map[string]string{name: text})
			if _, errOut, status := pith(t, "", "compress", "--rate", "0.5", path); status != 0 ||
				!strings.Contains(errOut, path+": cut by its lines, not by the grammar of ruby: ") {
				t.Errorf("%s: status %d, said %q", name, status, errOut)
			}
		}
	}
	if got, err := ask(t.Context(), p.URL+"/v1", prompt(t)); err != nil || got != answer {
		t.Fatalf("after the hostile files: %q, %v", got, err)
	}
	_, got := send(t, p, up)
	checkCompressed(t, chatBody(t), got)
}

// TestOwnModelFolder serves with a model of another architecture and tokenizer family, in Hugging
// Face layout.
func TestOwnModelFolder(t *testing.T) {
	dir := filepath.Join(root, "perplexity/testdata/tiny-qwen2")
	path := filepath.Join(t.TempDir(), "client.go")
	if err := os.WriteFile(path, []byte(source(t, sourceFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "compress", "--model-dir", dir, "--ranker", "ami", "-q", question, "--rate",
		"0.3", "--format", "json", path)
	var r compressReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, errOut)
	}
	if r.Ranker != "ami" || r.CompressedTokens > r.Budget {
		t.Errorf("ranker %q, %d tokens of %d", r.Ranker, r.CompressedTokens, r.Budget)
	}
	if out, errOut, status := pith(t, "", "model", "verify", dir); status != 0 || strings.Count(out, ": ok") != 2 {
		t.Errorf("model verify: status %d: %s%s", status, out, errOut)
	}
}

func TestExampleRequestIsCompressed(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	body, err := os.ReadFile(filepath.Join(root, "examples/ask-about-server.json"))
	if err != nil {
		t.Fatal(err)
	}
	res, got := post(t, p.URL+"/v1/chat/completions", string(body), "X-Pith-Mode", "preview", "X-Pith-Rate", "0.3")
	if res.StatusCode != http.StatusOK || len(got) > len(body)*6/10 || !strings.Contains(got, "Drain") {
		t.Errorf("status %d, %d of %d bytes, decision %q", res.StatusCode, len(got), len(body),
			res.Header.Get("X-Pith-Decision"))
	}
}
