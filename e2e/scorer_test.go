package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pith/internal/echoscorer"
)

// doctor says what a remote scorer is, and what is wrong with one that fails.
func TestDoctorOfARemoteScorer(t *testing.T) {
	var broken atomic.Bool
	scorer := echoscorer.Handler("code-lm", 0)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && broken.Load() {
			http.Error(w, "out of memory", http.StatusInternalServerError)
			return
		}
		scorer.ServeHTTP(w, r)
	}))
	defer s.Close()
	config := filepath.Join(t.TempDir(), "pith.yaml")
	text := fmt.Sprintf("scorer:\n  url: %s\n  protocol: openai\n  model: code-lm\n  timeout: 3s\nserver:\n  "+
		"upstream: %s\n", s.URL, s.URL)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "doctor", "--config", config)
	if status != 0 || !strings.Contains(out, "ok   scorer    model code-lm, echo with logprobs") ||
		strings.Contains(out, "runtime") {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
	broken.Store(true)
	if out, errOut, status = pith(t, "", "doctor", "--config", config); status != 1 || !strings.Contains(out,
		"FAIL scorer") {
		t.Errorf("with a broken scorer: status %d: %s%s", status, out, errOut)
	}
}
