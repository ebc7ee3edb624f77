package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pith/cache"
	"pith/cmd/pith/wiring"
	"pith/configs"
)

// scrape returns the metrics that start with prefix.
func scrape(t *testing.T, admin http.Handler, prefix string) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	admin.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	found := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		var name string
		var value float64
		if n, err := fmt.Sscan(line, &name, &value); n == 2 && err == nil && strings.HasPrefix(name, prefix) {
			found[name] = value
		}
	}
	return found
}

// What is kept of one tenant's code saves that tenant time and no other: else one could time
// whether another has it.
func TestTenantsDoNotShareWhatIsKept(t *testing.T) {
	cfg := configs.Default()
	cfg.Compress.Speed, cfg.Compress.Ranker = "exact", "ami"
	cfg.Compress.Deadline, cfg.Compress.Timeout = 0, time.Minute
	cfg.Parsers.InProcess = true
	e, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), nil)
	if err = errors.Join(err, e.ModelErr); err != nil {
		t.Fatal(err)
	}
	store, err := wiring.NewStore(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), e.Close()); err != nil {
			t.Error(err)
		}
	})
	parts := wiring.Parts{Engine: e, Stores: store, Keyer: cache.NewKeyer([]byte("secret"))}
	server, err := wiring.NewServer(cfg, parts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	code := strings.Repeat(`func f() int {\n\tx := 1\n\tx += 2\n\treturn x\n}\n\n`, 30)
	ask := func(key, query string) map[string]float64 {
		body := fmt.Sprintf(`{"query": %q, "rate": 0.3, "files": [{"path": "a.go", "content": "package a\n\n%s"}]}`,
			query, code)
		r := httptest.NewRequest(http.MethodPost, "/pith/v1/compress", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		server.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"ranker":"ami"`) {
			t.Fatalf("status %d: %.300s", w.Code, w.Body)
		}
		return scrape(t, server.AdminHandler(), "pith_model_")
	}
	parses := func() int64 { return e.Pool.Stats().Parses }
	first := ask("a", "what does f return?")
	ofFirst := parses()
	for _, name := range []string{
		"pith_model_tokens_total", "pith_model_runs_total", "pith_model_state_misses_total",
		"pith_model_state_bytes",
	} {
		if first[name] <= 0 {
			t.Errorf("%s is %v after a request", name, first[name])
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes", "pith_build_info"} {
		if found := scrape(t, server.AdminHandler(), name); len(found) != 1 {
			t.Errorf("series of %s: %v", name, found)
		}
	}
	second := ask("b", "what does f return?")
	if n := parses() - ofFirst; n != ofFirst {
		t.Errorf("%d parses for one tenant and %d for a second with the same request", ofFirst, n)
	}
	for _, name := range []string{
		"pith_model_tokens_total", "pith_model_state_hits_total",
		"pith_model_state_misses_total", "pith_model_loss_hits_total",
	} {
		if second[name] != 2*first[name] {
			t.Errorf("%s is %v after one tenant and %v after a second with the same request", name,
				first[name], second[name])
		}
	}
	third := ask("a", "where is x added to?")
	if n := parses() - 2*ofFirst; n >= ofFirst {
		t.Errorf("%d parses at the first question and %d at another about the same file", ofFirst, n)
	}
	if third["pith_model_state_misses_total"] != second["pith_model_state_misses_total"] ||
		third["pith_model_state_hits_total"] <= second["pith_model_state_hits_total"] {
		t.Errorf("the first tenant's second question: %v, before it %v", third, second)
	}
	for _, name := range []string{"pith_model_runs_queued", "pith_model_runs_active", "pith_model_tokens_in_flight"} {
		if v, ok := third[name]; !ok || v != 0 {
			t.Errorf("%s is %v, %v at rest", name, v, ok)
		}
	}
}

// What the first requests would wait for has started when the server has warmed up.
func TestWarmUp(t *testing.T) {
	cfg := configs.Default()
	cfg.Parsers.InProcess, cfg.Compress.Deadline, cfg.Compress.Ranker = true, 0, "hybrid"
	e, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), nil)
	if err = errors.Join(err, e.ModelErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := e.WarmUp(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if p, m := e.Pool.Stats(), e.Model.Stats(); p.Parses < 2 || p.Fallbacks > 0 || m.Runs == 0 {
		t.Errorf("parsers %+v, model %+v: want two files parsed and the model run", p, m)
	}
}

// Who stops the server while it starts is told that it stops, and not that something failed.
func TestStoppingWhileStartingIsNoFailure(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	if err := serveOn(ctx, listener, configSource{cfg: configs.Default()}, log); err != nil {
		t.Errorf("serveOn: %v", err)
	}
	if text := out.String(); strings.Contains(text, "WARN") || strings.Count(text, "shutting down") != 1 ||
		!strings.HasSuffix(text, "msg=stopped\n") {
		t.Errorf("the log:\n%s", text)
	}
}

// A Redis that does not answer holds nothing up, and the log says so when the server starts.
func TestStartWithoutRedisSaysSo(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := gone.Addr().String()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err = errors.Join(err, gone.Close()); err != nil {
		t.Fatal(err)
	}
	cfg := configs.Default()
	cfg.Parsers.InProcess = true
	cfg.Cache.RedisURL = configs.Secret("redis://:hunter2@" + address)
	cfg.Cache.Secret = configs.Secret(strings.Repeat("s", 32))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := stopAt{word: "msg=serving", stop: stop}
	if err := serveOn(ctx, listener, configSource{cfg: cfg}, slog.New(slog.NewTextHandler(&out, nil))); err != nil {
		t.Errorf("serveOn: %v", err)
	}
	text := out.text.String()
	if !strings.Contains(text, `level=WARN msg="Redis does not answer`) || !strings.Contains(text, address) ||
		!strings.Contains(text, "msg=serving") || strings.Contains(text, "hunter2") {
		t.Errorf("the log:\n%s", text)
	}
}

// A stopAt keeps a log and calls stop at the line with a word. A slog handler writes one line at a
// time.
type stopAt struct {
	word string
	stop func()
	text strings.Builder
}

func (s *stopAt) Write(line []byte) (int, error) {
	if strings.Contains(string(line), s.word) {
		s.stop()
	}
	return s.text.Write(line)
}
