//go:build scorers

package remote_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"pith/bench/served"
)

// The same conversation leaves two replicas with the embedded model, and one whose scorer is a
// Triton with the same weights, as the same bytes, turn by turn.
func TestScorersOfOthersGiveTheSameBytes(t *testing.T) {
	var sent []string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		sent = append(sent, string(body)) // one request after the other
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"ok"}}]}`)
	}))
	defer up.Close()
	server, requests := run(t, triton, ready), conversation(t)
	for _, ranker := range []string{"hybrid", "ami"} {
		t.Run(ranker, func(t *testing.T) {
			var first []string
			for name, env := range map[string][]string{
				"one replica": nil,
				"another":     nil,
				"Triton":      {"PITH_SCORER_URL=" + server, "PITH_SCORER_MODEL=pith-code-lm", "PITH_SCORER_TIMEOUT=1m"},
			} {
				sent = nil
				converse(t, requests, append(env, "PITH_UPSTREAM="+up.URL, "PITH_LISTEN=127.0.0.1:0", "PITH_RANKER="+ranker,
					"PITH_DEADLINE=0", "PITH_TIMEOUT=10m"))
				if first == nil {
					first = slices.Clone(sent)
				}
				if len(sent) != len(requests) {
					t.Fatalf("%s: %d requests came, want %d", name, len(sent), len(requests))
				}
				for i, body := range sent {
					if body != first[i] {
						t.Errorf("%s, turn %d: other bytes than before:\n%s\nnot\n%s", name, i+1, body, first[i])
					}
				}
			}
			t.Logf("%d bytes in %d turns", len(strings.Join(first, "")), len(first))
		})
	}
}

// conversation is the requests of three turns, each with a file.
func conversation(t *testing.T) (requests [][]byte) {
	t.Helper()
	var messages []map[string]string
	for _, turn := range []struct{ file, question string }{
		{"door.go", "When is a server that failed asked again?"},
		{"place.go", "How is a token placed that spells a part of a character?"},
		{"kserve.go", "How are rows of several lengths filled up?"},
	} {
		code, err := os.ReadFile(turn.file)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, map[string]string{
			"role": "user", "content": fmt.Sprintf("%s\n\n```go\n%s```\n", turn.question, code),
		})
		body, err := json.Marshal(map[string]any{"model": "gpt-4o", "messages": messages})
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, body)
		messages = append(messages, map[string]string{"role": "assistant", "content": "ok"})
	}
	return requests
}

// converse sends requests through a `pith serve`.
func converse(t *testing.T, requests [][]byte, env []string) {
	t.Helper()
	p, err := served.Start(t.Context(), "../../bin/pith", []string{"serve"}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	for i, body := range requests {
		res, err := http.Post(p.URL+"/v1/chat/completions", "application/json", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if done := res.Header.Get("X-Pith-Decision"); !strings.HasPrefix(done, "compressed") {
			t.Errorf("turn %d: %s, want it compressed", i+1, done)
		}
	}
}
