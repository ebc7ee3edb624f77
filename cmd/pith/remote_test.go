package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"pith/internal/echoscorer"
)

// scorerServer counts what a scorer is asked, and fails on demand.
func scorerServer(t *testing.T) (url string, asked *atomic.Int64, broken *atomic.Bool) {
	t.Helper()
	asked, broken = &atomic.Int64{}, &atomic.Bool{}
	scorer := echoscorer.Handler("code-lm", 0)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			asked.Add(1)
			if broken.Load() {
				http.Error(w, "out of memory", http.StatusInternalServerError)
				return
			}
		}
		scorer.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked, broken
}

func useScorer(t *testing.T, url string) {
	t.Setenv("PITH_SCORER_URL", url)
	t.Setenv("PITH_SCORER_PROTOCOL", "openai")
	t.Setenv("PITH_SCORER_MODEL", "code-lm")
	t.Setenv("PITH_SCORER_TIMEOUT", "1m")
	t.Setenv("PITH_DEADLINE", "0")
	t.Setenv("PITH_TIMEOUT", "5m")
}

// ranked compresses this package's wiring with a ranker that needs a model.
func ranked(t *testing.T) (text, report string) {
	t.Helper()
	out, status := command(t.Context(), "compress", "--ranker", "ami", "--rate", "0.3", "-q",
		"Where is the store opened?", "--format", "json", "serve.go")
	if status != 0 {
		t.Fatalf("status %d: %s", status, out)
	}
	var res struct {
		Text, Ranker, Device string
		Reason               string `json:"ranker_reason"`
	}
	if err := json.Unmarshal([]byte(out[strings.IndexByte(out, '{'):]), &res); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return res.Text, res.Ranker + " on " + res.Device + ": " + res.Reason
}

// A remote scorer ranks in the place of the model; while it fails the words rank as they do without
// any model, and there is no third text.
func TestRemoteScorer(t *testing.T) {
	url, asked, broken := scorerServer(t)
	useScorer(t, url)
	good, report := ranked(t)
	if again, _ := ranked(t); report != "ami on remote: " || asked.Load() == 0 || again != good {
		t.Fatalf("%s, %d requests, the same again: %t", report, asked.Load(), again == good)
	}
	broken.Store(true)
	failed, report := ranked(t)
	if !strings.HasPrefix(report, "words on : the model failed") {
		t.Errorf("with a broken scorer: %s", report)
	}
	useScorer(t, "http://127.0.0.1:1")
	gone, report := ranked(t)
	if gone != failed || !strings.Contains(report, "left alone") {
		t.Errorf("without a scorer: %s, the text of the broken one: %t", report, gone == failed)
	}
}

// A server that is no scorer, and a folder that lacks what a scorer needs, end the command with
// what to do.
func TestWhatIsNoScorer(t *testing.T) {
	url, _, _ := scorerServer(t)
	useScorer(t, url)
	t.Setenv("PITH_SCORER_MODEL", "other")
	out, status := command(t.Context(), "compress", "--rate", "0.3", "serve.go")
	if !strings.Contains(out, `no model "other"`) || !strings.Contains(out, "PITH_SCORER_URL") || status == 0 {
		t.Errorf("a server without the model, status %d: %s", status, out)
	}
	t.Setenv("PITH_SCORER_PROTOCOL", "kserve")
	t.Setenv("PITH_MODEL_DIR", t.TempDir())
	out, status = command(t.Context(), "compress", "--rate", "0.3", "serve.go")
	if !strings.Contains(out, "export-triton") || status == 0 {
		t.Errorf("a folder without golden scores, status %d: %s", status, out)
	}
}

// export-triton writes a repository whose client folder a proxy takes.
func TestModelExportTriton(t *testing.T) {
	out := filepath.Join(t.TempDir(), "models")
	said, status := command(t.Context(), "model", "export-triton", "--out", out, "--name", "code")
	if status != 0 || !strings.Contains(said, "nats from the model's") {
		t.Fatalf("status %d: %s", status, said)
	}
	for _, name := range []string{
		"config.pbtxt", "1/model.onnx", "pith/golden.json", "pith/tokenizer.json",
		"pith/pith.json",
	} {
		if _, err := os.Stat(filepath.Join(out, "code", name)); err != nil {
			t.Error(err)
		}
	}
	if said, status = command(t.Context(), "model", "export-triton", "--out", out); status == 0 ||
		!strings.Contains(said, "there already") {
		t.Errorf("a second time: status %d: %s", status, said)
	}
	if said, status = command(t.Context(), "model", "export-triton", tinyExport, "--out",
		out+"2"); status == 0 || !strings.Contains(said, "model prepare") {
		t.Errorf("an unprepared export: status %d: %s", status, said)
	}
}
