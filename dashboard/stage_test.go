package dashboard_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pith/compress"
	"pith/dashboard"
	"pith/explain"
	"pith/parsers/processes"
	"pith/tokens"
)

// A stage is a dashboard on a server of its own with something to show.
type stage struct {
	*dashboard.Dashboard
	registry *prometheus.Registry
	requests *explain.RequestLog
	server   *httptest.Server
	parts    []dashboard.Part
}

func newStage(t *testing.T, keep int) *stage {
	t.Helper()
	s := &stage{registry: prometheus.NewRegistry()}
	s.requests = explain.NewRequestLog(keep, newEngine(t).Compress)
	s.Dashboard = dashboard.New(dashboard.Options{
		Gatherer:   s.registry,
		RequestLog: s.requests,
		Token:      "a token of this test",
		Version:    "v0.0.0-test",
		Every:      200 * time.Millisecond,
		Parts:      func(context.Context) []dashboard.Part { return s.parts },
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	s.server = httptest.NewServer(s.Handler())
	t.Cleanup(func() { cancel(); <-done; s.server.CloseClientConnections(); s.server.Close() })
	return s
}

// newServer serves h and returns its address.
func newServer(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

// newEngine is the real one, in this process.
func newEngine(t *testing.T) *compress.Engine {
	t.Helper()
	pool, err := processes.NewPool(processes.Options{InProcess: true, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	engine, err := compress.New(compress.Options{Splitter: pool, Counters: counters{tokens.New()}})
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// request has the engine shorten a text and the log keep it.
func (s *stage) request(t *testing.T, id, path, text, question string) {
	t.Helper()
	req := compress.Request{Files: []compress.File{{Path: path, Content: text}}, Query: question, Rate: .2}
	res, err := newEngine(t).Compress(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	s.requests.Saw("t", explain.Request{
		ID:               id,
		Time:             time.Now(),
		Dialect:          "chat",
		Model:            "gpt-4o",
		Client:           "ci",
		Upstream:         "default",
		Status:           200,
		Decision:         "compressed",
		OriginalTokens:   res.OriginalTokens,
		CompressedTokens: res.CompressedTokens,
		Ratio:            res.Ratio,
		Budget:           res.Budget,
		LineTokens:       res.LineTokens,
		Cache:            "miss",
		CompressMS:       12.5,
		TookMS:           903,
	}, []explain.Piece{{Request: req, Result: res, Taken: true}})
}

// existing is the collector in whose place another was to be registered.
func existing[C prometheus.Collector](err error) C {
	var registered prometheus.AlreadyRegisteredError
	errors.As(err, &registered)
	return registered.ExistingCollector.(C) //nolint:errcheck // nothing else is registered
}

// count sets counters: a name, labels and their values in turn, the value.
func (s *stage) count(name string, n float64, labels ...string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: name}, names)
	if err := s.registry.Register(c); err != nil {
		c = existing[*prometheus.CounterVec](err)
	}
	c.WithLabelValues(values...).Add(n)
}

func (s *stage) observe(name string, seconds float64, times int) {
	h := prometheus.NewHistogram(
		prometheus.HistogramOpts{Name: name, Help: name, Buckets: []float64{.001, .01, .1, 1, 10}},
	)
	if err := s.registry.Register(h); err != nil {
		h = existing[prometheus.Histogram](err)
	}
	for range times {
		h.Observe(seconds)
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
