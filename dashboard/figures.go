package dashboard

import (
	"math"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// figures are the families of metrics by their names.
type figures map[string]*dto.MetricFamily

func gather(from prometheus.Gatherer) figures {
	families, _ := from.Gather() // what could be had is shown
	f := figures{}
	for _, family := range families {
		f[family.GetName()] = family
	}
	return f
}

func label(m *dto.Metric, name string) string {
	for _, pair := range m.GetLabel() {
		if pair.GetName() == name {
			return pair.GetValue()
		}
	}
	return ""
}

func value(m *dto.Metric) float64 { return m.GetCounter().GetValue() + m.GetGauge().GetValue() }

func (f figures) sum(name string) float64 {
	sum := 0.0
	for _, m := range f[name].GetMetric() {
		sum += value(m)
	}
	return sum
}

// by sums a family up by one of its labels.
func (f figures) by(name, by string) map[string]float64 {
	return f.where(name, by, func(*dto.Metric) bool { return true })
}

func (f figures) where(name, by string, only func(*dto.Metric) bool) map[string]float64 {
	sums := map[string]float64{}
	for _, m := range f[name].GetMetric() {
		if only(m) {
			sums[label(m, by)] += value(m)
		}
	}
	return sums
}

// A histogram is the number of observations up to each bound, the last being infinite.
type histogram struct {
	bounds []float64
	counts []float64
}

func (f figures) histogram(name string) histogram {
	return f.histogramOf(name, func(*dto.Metric) bool { return true })
}

func (f figures) histogramOf(name string, only func(*dto.Metric) bool) histogram {
	var h histogram
	for _, m := range f[name].GetMetric() {
		if !only(m) {
			continue
		}
		buckets := m.GetHistogram().GetBucket()
		if h.bounds == nil {
			for _, b := range buckets {
				h.bounds = append(h.bounds, b.GetUpperBound())
			}
			h.bounds = append(h.bounds, math.Inf(1))
			h.counts = make([]float64, len(h.bounds))
		}
		for i, b := range buckets {
			h.counts[i] += float64(b.GetCumulativeCount())
		}
		h.counts[len(h.counts)-1] += float64(m.GetHistogram().GetSampleCount())
	}
	return h
}

// since is what was observed after an earlier look.
func (h histogram) since(before histogram) histogram {
	if len(before.counts) != len(h.counts) {
		return h
	}
	diff := histogram{bounds: h.bounds, counts: make([]float64, len(h.counts))}
	for i := range h.counts {
		diff.counts[i] = h.counts[i] - before.counts[i]
	}
	return diff
}

func (h histogram) total() float64 {
	if len(h.counts) == 0 {
		return 0
	}
	return h.counts[len(h.counts)-1]
}

// quantile interpolates within a bucket; 0 where nothing was observed.
func (h histogram) quantile(q float64) float64 {
	rank, low, under := q*h.total(), 0.0, 0.0
	for i, count := range h.counts {
		if count >= rank && count > under {
			if math.IsInf(h.bounds[i], 1) {
				return low
			}
			return low + (h.bounds[i]-low)*(rank-under)/(count-under)
		}
		low, under = h.bounds[i], count
	}
	return 0
}
