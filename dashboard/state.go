package dashboard

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"pith/explain"
)

// A State is all that the page shows at one time. Counts are since the start of the process.
type State struct {
	Time    time.Time `json:"time"`
	Version string    `json:"version"`
	Totals  Totals    `json:"totals"`
	// Arms are the requests that were compressed and those held out for comparison, as the provider
	// reported them.
	Arms      []Arm            `json:"arms"`
	Decisions []Decision       `json:"decisions"`
	Upstreams []Upstream       `json:"upstreams"`
	Parts     []Part           `json:"parts"`
	Codes     map[string]int64 `json:"codes"`
	Keep      Keep             `json:"keep"`
	// Series are the samples of the last hour, the oldest first.
	Series []Sample          `json:"series"`
	Recent []explain.Request `json:"recent"`
}

// Totals are sums over all requests.
type Totals struct {
	Requests   int64 `json:"requests"`
	Compressed int64 `json:"compressed"`
	// Original and Sent are tokens of blocks before and after, Budget what they were allowed and
	// Lines what of that holds lines of theirs.
	Original int64   `json:"original"`
	Sent     int64   `json:"sent"`
	Budget   int64   `json:"budget"`
	Lines    int64   `json:"lines"`
	Ratio    float64 `json:"ratio"`
	// Omitted are the tokens that providers did not see, as they would have counted them.
	Omitted float64 `json:"omitted"`
	// CacheHits and CacheMisses count requests whose blocks were all known, or not.
	CacheHits   int64 `json:"cache_hits"`
	CacheMisses int64 `json:"cache_misses"`
	Active      int64 `json:"active"`
	HeldBytes   int64 `json:"held_bytes"`
	// AddedP50 and AddedP95 are milliseconds that compression added, TookP50 those of requests.
	AddedP50 float64 `json:"added_p50"`
	AddedP95 float64 `json:"added_p95"`
	TookP50  float64 `json:"took_p50"`
}

// An Arm is one side of the comparison.
type Arm struct {
	Name       string `json:"name"`
	Answers    int64  `json:"answers"`
	Errors     int64  `json:"errors"`
	Input      int64  `json:"input"`
	CacheRead  int64  `json:"cache_read"`
	CacheWrite int64  `json:"cache_write"`
	Output     int64  `json:"output"`
	// Cost and Uncompressed are money in the price table's currency; Priced says that there is one.
	Priced       bool    `json:"priced"`
	Cost         float64 `json:"cost"`
	Uncompressed float64 `json:"uncompressed"`
	P50          float64 `json:"p50"`
}

// A Decision counts what was done, and why.
type Decision struct {
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Count    int64  `json:"count"`
}

// An Upstream counts what came of the attempts to reach it.
type Upstream struct {
	Name     string           `json:"name"`
	Outcomes map[string]int64 `json:"outcomes"`
}

// Keep says whose texts are kept for the page.
type Keep struct {
	Held  int `json:"held"`
	Keep  int `json:"keep"`
	Bytes int `json:"bytes"`
}

// recentShown is how many requests the page lists.
const recentShown = 60

// state takes the figures of this moment.
func (d *Dashboard) state(ctx context.Context) State {
	f := gather(d.opts.Gatherer)
	s := State{
		Time: time.Now(), Version: d.opts.Version, Parts: d.opts.Parts(ctx), Codes: map[string]int64{},
		Totals: f.totals(), Arms: f.arms(), Decisions: f.decisions(), Upstreams: f.upstreams(),
	}
	for code, n := range f.by("pith_requests_total", "code") {
		s.Codes[code] = int64(n)
	}
	if s.Parts == nil {
		s.Parts = []Part{}
	}
	s.Recent, _ = d.opts.RequestLog.Recent(recentShown)
	s.Totals.CacheHits, s.Totals.CacheMisses = d.opts.RequestLog.Cached()
	s.Keep.Held, s.Keep.Keep, s.Keep.Bytes = d.opts.RequestLog.Holding()
	s.Series = d.history.add(f, s, d.opts.Every)
	return s
}

func (f figures) totals() Totals {
	side := f.by("pith_block_tokens_total", "side")
	t := Totals{
		Requests:   int64(f.sum("pith_decisions_total")),
		Compressed: int64(f.by("pith_decisions_total", "decision")["compressed"]),
		Original: int64(
			side["original"],
		),
		Sent:   int64(side["compressed"]),
		Budget: int64(side["budget"]),
		Lines:  int64(side["lines"]),
		Omitted: f.sum(
			"pith_omitted_tokens_total",
		),
		Active:    int64(f.sum("pith_requests_active")),
		HeldBytes: int64(f.sum("pith_body_bytes_held")),
		Ratio:     1,
	}
	if t.Sent > 0 {
		t.Ratio = float64(t.Original) / float64(t.Sent)
	}
	added := f.histogram("pith_compress_seconds")
	t.AddedP50, t.AddedP95 = 1000*added.quantile(.5), 1000*added.quantile(.95)
	t.TookP50 = 1000 * f.histogram("pith_request_seconds").quantile(.5)
	return t
}

func (f figures) arms() []Arm {
	list := []Arm{}
	for _, name := range []string{"treated", "holdout"} {
		only := func(m *dto.Metric) bool { return label(m, "arm") == name }
		outcomes := f.where("pith_answers_total", "outcome", only)
		kinds := f.where("pith_tokens_total", "kind", only)
		cost := f.where("pith_cost_total", "arm", only)
		_, priced := cost[name]
		a := Arm{
			Name:    name,
			Answers: int64(outcomes["ok"]),
			Errors:  int64(outcomes["error"] + outcomes["aborted"]),
			Input: int64(
				kinds["input"],
			),
			CacheRead:    int64(kinds["cache_read"]),
			CacheWrite:   int64(kinds["cache_write"]),
			Output:       int64(kinds["output"]),
			Priced:       priced,
			Cost:         cost[name],
			Uncompressed: f.where("pith_cost_uncompressed_total", "arm", only)[name],
			P50:          1000 * f.histogramOf("pith_answer_seconds", only).quantile(.5),
		}
		if name == "treated" || len(outcomes) > 0 {
			list = append(list, a)
		}
	}
	return list
}

func (f figures) decisions() []Decision {
	counts := map[[2]string]int64{}
	for _, m := range f["pith_decisions_total"].GetMetric() {
		counts[[2]string{label(m, "decision"), label(m, "reason")}] += int64(value(m))
	}
	list := []Decision{}
	for key, n := range counts {
		list = append(list, Decision{key[0], key[1], n})
	}
	slices.SortFunc(list, func(a, b Decision) int {
		return cmp.Or(
			cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Decision, b.Decision),
			cmp.Compare(a.Reason, b.Reason),
		)
	})
	return list
}

func (f figures) upstreams() []Upstream {
	counts := map[string]map[string]int64{}
	for _, m := range f["pith_upstream_attempts_total"].GetMetric() {
		name := label(m, "upstream")
		if counts[name] == nil {
			counts[name] = map[string]int64{}
		}
		counts[name][label(m, "outcome")] += int64(value(m))
	}
	list := []Upstream{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, Upstream{name, counts[name]})
	}
	return list
}
