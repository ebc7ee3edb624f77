package accounting

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the figures of tokens and money. A model's label is its row of the price table, or
// "other".
type metrics struct {
	usage   *prometheus.CounterVec
	tokens  *prometheus.CounterVec
	omitted *prometheus.CounterVec
	cost    *prometheus.CounterVec
	whole   *prometheus.CounterVec
	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

// buckets, in seconds, cover a cached block (1 ms) to a long stream (10 min).
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 180, 600}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pith", Name: name, Help: help}, labels)
	}
	m := &metrics{
		usage: counter("usage_total", "Answers by whether they told their usage.", "dialect", "usage"),
		tokens: counter(
			"tokens_total",
			"Tokens as the provider reports them. Kinds do not overlap.",
			"model",
			"arm",
			"kind",
		),
		omitted: counter(
			"omitted_tokens_total",
			"Prompt tokens that compression left out of answered requests, as the provider would have counted them.",
			"model",
			"basis",
		),
		cost: counter("cost_total", "Price of the reported tokens, in the price table's currency.", "model", "arm"),
		whole: counter(
			"cost_uncompressed_total",
			"What the same requests would have cost uncompressed, with the same share of cached tokens.",
			"model",
			"arm",
		),
		answers: counter("answers_total", "Answers by outcome: ok, error or aborted.", "arm", "outcome"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "pith",
			Name:      "answer_seconds",
			Help:      "Time from a request's head to the end of its answer.",
			Buckets:   buckets,
		}, []string{"arm"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.usage, m.tokens, m.omitted, m.cost, m.whole, m.answers, m.seconds} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}

// An Outcome is how a request ended.
type Outcome struct {
	// Dialect is the dialect's name.
	Dialect string
	// Status is the HTTP status that the client got.
	Status int
	// Aborted says that the answer was cut.
	Aborted bool
	// Duration is the time from the request's head to the end of its answer.
	Duration time.Duration
}

// Record puts an account, its bill and how its request ended into the figures.
func (b *Books) Record(a *Account, bill Bill, o Outcome) { b.metrics.observe(a, bill, o) }

func (m *metrics) observe(a *Account, b Bill, o Outcome) {
	group, outcome := a.Arm(), "ok"
	switch {
	case o.Aborted:
		outcome = "aborted"
	case o.Status >= 400:
		outcome = "error"
	}
	m.answers.WithLabelValues(group, outcome).Inc()
	m.seconds.WithLabelValues(group).Observe(o.Duration.Seconds())
	if b.outcome == "" {
		return
	}
	m.usage.WithLabelValues(o.Dialect, b.outcome).Inc()
	if b.outcome != usageReported {
		return
	}
	for kind, n := range map[string]int64{
		"input": b.Usage.Input, "cache_read": b.Usage.CacheRead,
		"cache_write": b.Usage.CacheWrite, "output": b.Usage.Output,
	} {
		m.tokens.WithLabelValues(b.label, group, kind).Add(float64(n))
	}
	m.omitted.WithLabelValues(b.label, b.basis).Add(b.omitted)
	if b.priced {
		m.cost.WithLabelValues(b.label, group).Add(b.cost)
		m.whole.WithLabelValues(b.label, group).Add(b.whole)
	}
}
