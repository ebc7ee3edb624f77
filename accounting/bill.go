package accounting

import (
	"log/slog"
	"math"

	"pith/dialects/usage"
)

// A Bill is an account when its answer has ended.
type Bill struct {
	// Usage is the sum over all rounds, where the provider told.
	Usage usage.Tokens

	// label names the model in metrics.
	label string
	// outcome says what became of the usage, "" where no answer came that could tell. Unless it is
	// usageReported, nothing else is known.
	outcome string
	// omitted are the prompt tokens that were not sent, once, as the provider would have counted
	// them, and basis how that is known.
	omitted float64
	basis   string
	// priced says that there is a price: then cost is that of usage, and whole what the request
	// would have cost uncompressed.
	priced      bool
	cost, whole float64
}

// Where the figure of omitted tokens comes from.
const (
	basisExact      = "exact"      // counted with the model's own tokenizer
	basisCalibrated = "calibrated" // counted with another one, corrected by what the provider reports
	basisEstimated  = "estimated"  // counted with another one
)

// Reported says that the provider told its usage.
func (b Bill) Reported() bool { return b.outcome == usageReported }

// factor is how many of the provider's tokens one of ours stands for. With the model's own
// tokenizer a block has as many tokens as we count: what the provider counts beyond that stands
// around the texts and not in them.
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

// Attrs are what the log tells of a bill.
func (b Bill) Attrs() []slog.Attr {
	if b.outcome == "" {
		return nil
	}
	attrs := []slog.Attr{slog.String("usage", b.outcome)}
	if b.outcome != usageReported {
		return attrs
	}
	attrs = append(attrs,
		slog.Int64("input_tokens", b.Usage.Input),
		slog.Int64("cache_read_tokens", b.Usage.CacheRead),
		slog.Int64("cache_write_tokens", b.Usage.CacheWrite),
		slog.Int64("output_tokens", b.Usage.Output),
		slog.Int64("omitted_tokens", int64(math.Round(b.omitted))),
		slog.String("omitted_basis", b.basis))
	if b.priced {
		attrs = append(attrs, slog.Float64("cost", b.cost), slog.Float64("cost_uncompressed", b.whole))
	}
	return attrs
}
