package proxy

import (
	"log/slog"
	"math"
	"time"
)

// Accounting says what tokens cost and which conversations pass uncompressed for comparison. Of zero value it counts tokens and
// knows no prices.
type Accounting struct {
	// Holdout is the share of conversations, 0 to 1, that pass uncompressed.
	Holdout float64
	// Prices are tried in order.
	Prices []Price
	// Count counts text in a model's tokens; exact says that the tokenizer is the model's own. If nil, nothing is calibrated and
	// every saving is an estimate.
	Count func(model, text string) (tokens int, exact bool)
	// CalibrateEvery is the time between two requests that are counted whole. If zero, 1 s.
	CalibrateEvery time.Duration
}

// An account is what becomes known of the tokens of one request. The handler's goroutine writes it.
type account struct {
	model string
	arm   arm
	read  usageReader
	// rounds are the answers that were paid: more than one where the model called our tool.
	rounds []*meter
	sample *sample
}

// A bill is an account when its answer has ended.
type bill struct {
	// label names the model in metrics.
	label string
	// outcome says what became of the usage, "" where no answer came that could tell. Unless it is usageReported, nothing else is
	// known.
	outcome string
	// usage is the sum over all rounds.
	usage usage
	// omitted are the prompt tokens that were not sent, once, as the provider would have counted them, and basis how that is known.
	omitted float64
	basis   string
	// priced says that there is a price: then cost is that of usage, and whole what the request would have cost uncompressed.
	priced      bool
	cost, whole float64
}

// Where the figure of omitted tokens comes from.
const (
	basisExact      = "exact"      // counted with the model's own tokenizer
	basisCalibrated = "calibrated" // counted with another one, corrected by what the provider reports
	basisEstimated  = "estimated"  // counted with another one
)

// openAccount starts to account for a request that goes out as body, plain JSON.
func (s *Server) openAccount(x *exchange, d *dialect, body []byte) {
	if d.usage == nil {
		return
	}
	a := &account{model: x.report.model, arm: armTreated, read: d.usage}
	if x.report.reason == reasonHoldout {
		a.arm = armHoldout
	}
	a.sample = s.calibrator.begin(a.model, body)
	x.account = a
}

// closeAccount makes the bill. Nothing that was not sent is counted as saved before the provider has said what it took for the rest.
func (s *Server) closeAccount(x *exchange) bill {
	a := x.account
	price, label := s.prices.find(a.model)
	b := bill{label: label}
	var first, last usage
	for i, m := range a.rounds {
		u, outcome := m.end()
		if i == 0 {
			first = u
		}
		b.outcome = outcome
		if outcome != usageReported {
			return b
		}
		last = u
		b.usage = b.usage.plus(u)
	}
	if b.outcome != usageReported {
		return b
	}
	if a.sample != nil {
		a.sample.set(&a.sample.reported, first.prompt())
	}
	var factor float64
	factor, b.basis = s.calibrator.factor(a.model)
	b.omitted = float64(max(0, x.report.original-x.report.compressed)) * factor
	if price != nil {
		// Uncompressed there would have been one round: the first one's prompt, longer, and the last one's answer.
		b.priced, b.cost = true, price.of(b.usage)
		one := first
		one.output = last.output
		b.whole = price.of(one) + price.more(first, b.omitted)
	}
	return b
}

// factor is how many of the provider's tokens one of ours stands for. With the model's own tokenizer a block has as many tokens as
// we count: what the provider counts beyond that stands around the texts and not in them.
func (c *calibrator) factor(model string) (float64, string) {
	if c.count == nil || len(model) > maxModelName {
		return 1, basisEstimated
	}
	value, known := 1.0, false
	if r, ok := c.ratios.Get(model); ok {
		value, known = r.value()
	}
	switch _, exact := c.count(model, ""); {
	case exact:
		return min(1, value), basisExact
	case known:
		return value, basisCalibrated
	default:
		return 1, basisEstimated
	}
}

// attrs are what the log tells of a bill.
func (b bill) attrs() []slog.Attr {
	if b.outcome == "" {
		return nil
	}
	attrs := []slog.Attr{slog.String("usage", b.outcome)}
	if b.outcome != usageReported {
		return attrs
	}
	attrs = append(attrs,
		slog.Int64("input_tokens", b.usage.input),
		slog.Int64("cache_read_tokens", b.usage.cacheRead),
		slog.Int64("cache_write_tokens", b.usage.cacheWrite),
		slog.Int64("output_tokens", b.usage.output),
		slog.Int64("omitted_tokens", int64(math.Round(b.omitted))),
		slog.String("omitted_basis", b.basis))
	if b.priced {
		attrs = append(attrs, slog.Float64("cost", b.cost), slog.Float64("cost_uncompressed", b.whole))
	}
	return attrs
}
