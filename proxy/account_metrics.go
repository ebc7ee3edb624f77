package proxy

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// accountMetrics are the figures of tokens and money. A model's label is its row of the price table, or "other".
type accountMetrics struct {
	usage   *prometheus.CounterVec
	tokens  *prometheus.CounterVec
	omitted *prometheus.CounterVec
	cost    *prometheus.CounterVec
	whole   *prometheus.CounterVec
	answers *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newAccountMetrics(registry *prometheus.Registry) (*accountMetrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pith", Name: name, Help: help}, labels)
	}
	m := &accountMetrics{
		usage:   counter("usage_total", "Answers by whether they told their usage.", "dialect", "usage"),
		tokens:  counter("tokens_total", "Tokens as the provider reports them. Kinds do not overlap.", "model", "arm", "kind"),
		omitted: counter("omitted_tokens_total", "Prompt tokens that compression left out of answered requests, as the provider would have counted them.", "model", "basis"),
		cost:    counter("cost_total", "Price of the reported tokens, in the price table's currency.", "model", "arm"),
		whole:   counter("cost_uncompressed_total", "What the same requests would have cost uncompressed, with the same share of cached tokens.", "model", "arm"),
		answers: counter("answers_total", "Answers by outcome: ok, error or aborted.", "arm", "outcome"),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "pith", Name: "answer_seconds", Help: "Time from a request's head to the end of its answer.", Buckets: seconds,
		}, []string{"arm"}),
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.usage, m.tokens, m.omitted, m.cost, m.whole, m.answers, m.seconds} {
		errs = append(errs, registry.Register(c))
	}
	return m, errors.Join(errs...)
}

// observe counts a request with an account.
func (m *accountMetrics) observe(x *exchange, b bill, status int, took time.Duration) {
	group, outcome := string(x.account.arm), "ok"
	switch {
	case x.aborted:
		outcome = "aborted"
	case status >= 400:
		outcome = "error"
	}
	m.answers.WithLabelValues(group, outcome).Inc()
	m.seconds.WithLabelValues(group).Observe(took.Seconds())
	if b.outcome == "" {
		return
	}
	m.usage.WithLabelValues(x.dialect, b.outcome).Inc()
	if b.outcome != usageReported {
		return
	}
	for kind, n := range map[string]int64{
		"input": b.usage.input, "cache_read": b.usage.cacheRead, "cache_write": b.usage.cacheWrite, "output": b.usage.output,
	} {
		m.tokens.WithLabelValues(b.label, group, kind).Add(float64(n))
	}
	m.omitted.WithLabelValues(b.label, b.basis).Add(b.omitted)
	if b.priced {
		m.cost.WithLabelValues(b.label, group).Add(b.cost)
		m.whole.WithLabelValues(b.label, group).Add(b.whole)
	}
}
