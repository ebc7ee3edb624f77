package e2e

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// doctor says what a remote scorer is, and what is wrong with one that fails.
func TestDoctorOfARemoteScorer(t *testing.T) {
	var broken atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			_, _ = w.Write([]byte(`{"data":[{"id":"code-lm"}]}`))
			return
		case broken.Load():
			http.Error(w, "out of memory", http.StatusInternalServerError)
			return
		}
		var in struct{ Prompt string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		// Log-probabilities of what stands before.
		seen, words, values := fnv.New32a(), []string{}, []any{}
		for i := range len(in.Prompt) {
			_, _ = seen.Write([]byte{in.Prompt[i]})
			words, values = append(words, in.Prompt[i:i+1]), append(values, -float64(seen.Sum32()%9000)/1000)
		}
		values[0] = nil
		logprobs := map[string]any{"tokens": words, "token_logprobs": values}
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"logprobs": logprobs}}})
	}))
	defer s.Close()
	config := filepath.Join(t.TempDir(), "pith.yaml")
	text := fmt.Sprintf("scorer:\n  url: %s\n  protocol: openai\n  model: code-lm\n  timeout: 3s\nserver:\n  upstream: %s\n", s.URL, s.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "doctor", "--config", config)
	if status != 0 || !strings.Contains(out, "ok   scorer    model code-lm, echo with logprobs") || strings.Contains(out, "runtime") {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
	broken.Store(true)
	if out, errOut, status = pith(t, "", "doctor", "--config", config); status != 1 || !strings.Contains(out, "FAIL scorer") {
		t.Errorf("with a broken scorer: status %d: %s%s", status, out, errOut)
	}
}
