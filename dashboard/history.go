package dashboard

import (
	"sync"
	"time"
)

// A Sample is what happened between two looks. What did not happen has no value.
type Sample struct {
	// Time is in seconds, as charts want it.
	Time int64 `json:"t"`
	// Rate is requests of known dialects a second.
	Rate float64 `json:"rate"`
	// Ratio is original / sent tokens of the blocks.
	Ratio *float64 `json:"ratio"`
	// AddedP50 and AddedP95 are milliseconds that compression added, TookP50 those of requests.
	AddedP50 *float64 `json:"added_p50"`
	AddedP95 *float64 `json:"added_p95"`
	TookP50  *float64 `json:"took_p50"`
}

// samplesKept is an hour of samples every two seconds, thinned to every ten.
const samplesKept = 360

// A history is the samples of the last hour.
type history struct {
	mu      sync.Mutex
	samples []Sample
	last    time.Time
	totals  Totals
	added   histogram
	took    histogram
}

// add takes a look, if the last one is long enough ago, and returns the samples.
func (h *history) add(f figures, s State, every time.Duration) []Sample {
	h.mu.Lock()
	defer h.mu.Unlock()
	apart := 5 * every
	if len(h.samples) < 60 {
		apart = every // a page that has just been opened wants to see something
	}
	if now := s.Time; now.Sub(h.last) >= apart*9/10 {
		added, took := f.histogram("pith_compress_seconds"), f.histogram("pith_request_seconds")
		if !h.last.IsZero() {
			h.samples = append(h.samples, h.between(s, added.since(h.added), took.since(h.took)))
		}
		h.last, h.totals, h.added, h.took = now, s.Totals, added, took
	}
	if len(h.samples) > samplesKept {
		h.samples = h.samples[len(h.samples)-samplesKept:]
	}
	return append([]Sample{}, h.samples...)
}

func (h *history) between(s State, added, took histogram) Sample {
	sample := Sample{
		Time: s.Time.Unix(),
		Rate: float64(s.Totals.Requests-h.totals.Requests) / s.Time.Sub(h.last).Seconds(),
	}
	if sent := s.Totals.Sent - h.totals.Sent; sent > 0 {
		sample.Ratio = new(float64(s.Totals.Original-h.totals.Original) / float64(sent))
	}
	if added.total() > 0 {
		sample.AddedP50, sample.AddedP95 = new(1000*added.quantile(.5)), new(1000*added.quantile(.95))
	}
	if took.total() > 0 {
		sample.TookP50 = new(1000 * took.quantile(.5))
	}
	return sample
}
