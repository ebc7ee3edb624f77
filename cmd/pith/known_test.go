package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"pith/cache"
	"pith/cmd/pith/wiring"
	"pith/configs"
)

// knownFiles are about 20,000 tokens of code that people wrote: Go's own and Python's.
var knownFiles = []string{
	"net/http/transfer.go", "net/http/cookie.go", "requests/adapters.py",
}

// knownQuestions are asked in turn.
var knownQuestions = []string{
	"How does the server decide whether a body is chunked, and when is the connection closed?",
	"Why are cookies with an invalid domain dropped without an error?",
	"Where are proxies chosen and authenticated before a request is sent?",
	"How is a response decoded when the encoding is not known?",
	"What happens to the trailer if the body is cut short?",
	"Which limits hold for header values, and who strips quotes?",
	"How does a retry count redirects and timeouts?",
	"Is the content of a streamed answer read twice?",
}

// knownBody is a request of the plugin endpoint about the files.
func knownBody(b *testing.B, question string) []byte {
	b.Helper()
	type file struct {
		Path    string `json:"path"`
		Content string `json:"content"`
	}
	req := struct {
		Query string  `json:"query"`
		Rate  float64 `json:"rate"`
		Files []file  `json:"files"`
	}{Query: question, Rate: 0.2}
	for _, name := range knownFiles {
		from := filepath.Join(runtime.GOROOT(), "src") //nolint:staticcheck // the toolchain that runs this
		if filepath.Ext(name) == ".py" {
			from = "../../.deps/python"
		}
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			b.Fatal(err)
		}
		req.Files = append(req.Files, file{name, string(text)})
	}
	body, err := json.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	return body
}

// processorTime is what this process has spent.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkKnownCode asks the plugin endpoint about code of 20,000 tokens, in turn for a tenant
// that nothing is known of and for one that has asked other questions about it. Metrics are
// milliseconds: the medians of all of a request and of what is not parsing, and the mean of the
// processor time.
func BenchmarkKnownCode(b *testing.B) {
	cfg := configs.Default()
	cfg.Parsers.InProcess, cfg.Compress.Timeout = true, time.Minute
	e, err := wiring.NewEngine(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		b.Fatal(err)
	}
	store, err := wiring.NewStore(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := errors.Join(store.Close(), e.Close()); err != nil {
			b.Error(err)
		}
	})
	if err := e.WarmUp(b.Context(), 1); err != nil {
		b.Fatal(err)
	}
	parts := wiring.Parts{Engine: e, Stores: store, Keyer: cache.NewKeyer([]byte("secret"))}
	server, err := wiring.NewServer(cfg, parts, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	type times struct {
		total, unparsed []float64
		cpu             time.Duration
	}
	ask := func(n int, tenant string, to *times) {
		body := knownBody(b, fmt.Sprint(knownQuestions[n%len(knownQuestions)], " (", n, ")"))
		r := httptest.NewRequest(http.MethodPost, "/pith/v1/compress", bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+tenant)
		w := httptest.NewRecorder()
		runtime.GC() // what the one leaves is not collected on the account of the other
		start, before := time.Now(), processorTime(b)
		server.Handler().ServeHTTP(w, r)
		took := float64(time.Since(start)) / float64(time.Millisecond)
		to.cpu += processorTime(b) - before
		var res struct {
			Tokens  int                `json:"original_tokens"`
			Cache   string             `json:"cache"`
			Timings map[string]float64 `json:"timings_ms"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &res); err != nil || res.Cache != "miss" {
			b.Fatalf("status %d, %v: %.300s", w.Code, err, w.Body)
		}
		b.ReportMetric(float64(res.Tokens), "tokens")
		to.total = append(to.total, took)
		to.unparsed = append(to.unparsed, took-res.Timings["parse"])
	}
	var cold, known, first times
	ask(0, "known", &first)
	for n := 1; b.Loop(); n++ {
		ask(n, fmt.Sprint("new", n), &cold)
		ask(n, "known", &known)
	}
	median := func(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }
	b.ReportMetric(median(cold.total), "cold-p50-ms")
	b.ReportMetric(median(cold.unparsed), "cold-unparsed-p50-ms")
	b.ReportMetric(median(known.total), "known-p50-ms")
	b.ReportMetric(median(known.total)/median(cold.total), "known/cold")
	perRequest := func(t times) float64 { return t.cpu.Seconds() * 1000 / float64(len(t.total)) }
	b.ReportMetric(perRequest(cold), "cold-cpu-ms")
	b.ReportMetric(perRequest(known), "known-cpu-ms")
}
