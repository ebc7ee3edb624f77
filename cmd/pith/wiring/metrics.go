package wiring

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"pith/cache"
	"pith/perplexity"
)

// modelMetrics shows a model's figures to Prometheus: one snapshot for each scrape, so that the
// figures belong together.
type modelMetrics struct {
	stats   func() perplexity.Stats
	figures []modelFigure
}

type modelFigure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(perplexity.Stats) float64
}

func newModelMetrics(stats func() perplexity.Stats) *modelMetrics {
	figure := func(kind prometheus.ValueType, name, help string, value func(perplexity.Stats) float64) modelFigure {
		return modelFigure{prometheus.NewDesc("pith_model_"+name, help, nil, nil), kind, value}
	}
	return &modelMetrics{stats, []modelFigure{
		figure(prometheus.GaugeValue, "runs_queued", "Batches that wait for the model.",
			func(s perplexity.Stats) float64 { return float64(s.Queued) }),
		figure(prometheus.GaugeValue, "runs_active", "Batches that the model works on.",
			func(s perplexity.Stats) float64 { return float64(s.Running) }),
		figure(prometheus.GaugeValue, "tokens_in_flight", "Tokens of admitted requests that are not scored yet.",
			func(s perplexity.Stats) float64 { return float64(s.Tokens) }),
		figure(prometheus.CounterValue, "wait_seconds_total", "Time that batches waited for the model, together.",
			func(s perplexity.Stats) float64 { return s.Waited.Seconds() }),
		figure(prometheus.CounterValue, "runs_total", "Batches that the model finished.",
			func(s perplexity.Stats) float64 { return float64(s.Runs) }),
		figure(prometheus.CounterValue, "tokens_total", "Tokens that went through the network, padding not included.",
			func(s perplexity.Stats) float64 { return float64(s.Scored) }),
		figure(prometheus.CounterValue, "state_hits_total", "Pieces of text whose state was kept from before.",
			func(s perplexity.Stats) float64 { return float64(s.StateHits) }),
		figure(prometheus.CounterValue, "state_misses_total", "Pieces of text whose state had to be computed.",
			func(s perplexity.Stats) float64 { return float64(s.StateMisses) }),
		figure(prometheus.CounterValue, "loss_hits_total", "Losses that were known from before.",
			func(s perplexity.Stats) float64 { return float64(s.LossHits) }),
		figure(prometheus.GaugeValue, "state_bytes", "Memory that kept states take; model.state_bytes bounds it.",
			func(s perplexity.Stats) float64 { return float64(s.StateBytes) }),
	}}
}

// Describe implements prometheus.Collector.
func (m *modelMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, f := range m.figures {
		out <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (m *modelMetrics) Collect(out chan<- prometheus.Metric) {
	now := m.stats()
	for _, f := range m.figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(now))
	}
}

// redisMetrics shows how Redis answers.
func redisMetrics(r *cache.Redis) []prometheus.Collector {
	figure := func(name, help string, value func(cache.RedisStats) uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "pith_redis_" + name, Help: help},
			func() float64 { return float64(value(r.Stats())) })
	}
	return []prometheus.Collector{
		figure("calls_total", "Calls to Redis.", func(s cache.RedisStats) uint64 { return s.Calls }),
		figure("failures_total", "Calls that Redis did not answer in time, or answered with an error.",
			func(s cache.RedisStats) uint64 { return s.Failures }),
		figure("skipped_total", "Calls that were not made while Redis was left alone.",
			func(s cache.RedisStats) uint64 { return s.Skipped }),
	}
}

// register shows the figures of what scores.
func (e *Engine) register(registry *prometheus.Registry) error {
	switch {
	case e.remote != nil:
		shared := newModelMetrics(func() perplexity.Stats { return e.remote.Stats().Model })
		var errs []error
		for _, c := range append(remoteMetrics(e.remote), shared) {
			errs = append(errs, registry.Register(c))
		}
		return errors.Join(errs...)
	case e.Model != nil:
		return registry.Register(newModelMetrics(e.Model.Stats))
	}
	return nil
}
