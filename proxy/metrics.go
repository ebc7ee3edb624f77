package proxy

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the figures of one Server. Labels come from fixed lists, never from a request.
type metrics struct {
	registry        *prometheus.Registry
	requests        *prometheus.CounterVec
	decisions       *prometheus.CounterVec
	tokens          *prometheus.CounterVec
	prompts         *prometheus.CounterVec
	thin            *prometheus.CounterVec
	duration        *prometheus.HistogramVec
	compressing     *prometheus.HistogramVec
	upstreamHeaders *prometheus.HistogramVec
	active          prometheus.Gauge
}

// seconds covers a cached block (1 ms) to a long stream (10 min).
var seconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180, 600}

func newMetrics(registry *prometheus.Registry, held *byteBudget) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pith", Name: name, Help: help}, labels)
	}
	histogram := func(name, help string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(
			prometheus.HistogramOpts{Namespace: "pith", Name: name, Help: help, Buckets: seconds},
			[]string{"dialect"},
		)
	}
	m := &metrics{
		registry: registry,
		requests: counter("requests_total", "Requests by dialect and status code.", "dialect", "code"),
		decisions: counter(
			"decisions_total",
			"What was done to requests of a known dialect, and why.",
			"dialect",
			"decision",
			"reason",
		),
		tokens: counter(
			"block_tokens_total",
			"Tokens of code blocks in the engine: before and after, their budget and what of it holds lines.",
			"dialect",
			"side",
		),
		thin: counter(
			"results_unused_total",
			"Results that were hardly more than markers. The originals were sent.",
			"dialect",
		),
		prompts: counter(
			"prompts_pruned_total",
			"Few-shot prompts that were sent pruned, by the task of their artefact.",
			"task",
		),
		duration:    histogram("request_seconds", "Time from a request's head to the end of its answer."),
		compressing: histogram("compress_seconds", "Time that compression added to a request."),
		upstreamHeaders: histogram(
			"upstream_header_seconds",
			"Time from a request's head to the head of the upstream's answer.",
		),
		active: prometheus.NewGauge(
			prometheus.GaugeOpts{Namespace: "pith", Name: "requests_active", Help: "Requests being served."},
		),
	}
	bytes := prometheus.NewGaugeFunc(
		prometheus.GaugeOpts{Namespace: "pith", Name: "body_bytes_held", Help: "Bytes of request bodies in memory."},
		func() float64 { return float64(held.used.Load()) },
	)
	var errs []error
	for _, c := range []prometheus.Collector{
		m.requests, m.decisions, m.tokens, m.thin, m.prompts, m.duration, m.compressing,
		m.upstreamHeaders, m.active, bytes,
	} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}

// observe counts a finished request.
func (m *metrics) observe(x *exchange, status int, took time.Duration) {
	m.requests.WithLabelValues(x.dialect, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(x.dialect).Observe(took.Seconds())
	if x.report.decision == "" {
		return
	}
	m.decisions.WithLabelValues(x.dialect, string(x.report.decision), x.report.reason).Inc()
	if x.report.took > 0 {
		m.compressing.WithLabelValues(x.dialect).Observe(x.report.took.Seconds())
	}
	for _, task := range x.report.prompts {
		m.prompts.WithLabelValues(task).Inc()
	}
	m.tokens.WithLabelValues(x.dialect, "original").Add(float64(x.report.original))
	m.tokens.WithLabelValues(x.dialect, "compressed").Add(float64(x.report.compressed))
	m.tokens.WithLabelValues(x.dialect, "budget").Add(float64(x.report.budget))
	m.tokens.WithLabelValues(x.dialect, "lines").Add(float64(x.report.lines))
	m.thin.WithLabelValues(x.dialect).Add(float64(x.report.thin))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// AdminHandler serves /metrics and /healthz, for a listener of its own. With Admin.Token set, each
// request must carry it as a bearer token.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	want := s.opts.Admin.Token
	if want == "" {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(got), []byte(want)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
