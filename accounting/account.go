// Package accounting knows what requests cost and what compression saved.
//
// It reads the provider's usage out of answers as they stream by, learns how many of the provider's
// tokens one of ours stands for, and prices both what was sent and what was left out. It knows
// nothing of blocks and of the way of a request.
package accounting

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pith/dialects/usage"
)

// Options say what tokens cost and which conversations pass uncompressed for comparison. Of zero
// value tokens are counted and no prices known.
type Options struct {
	// Holdout is the share of conversations, 0 to 1, that pass uncompressed.
	Holdout float64
	// Prices are tried in order.
	Prices []Price
	// Count counts text in a model's tokens; exact says that the tokenizer is the model's own. If
	// nil, nothing is calibrated and every saving is an estimate.
	Count func(model, text string) (tokens int, exact bool)
	// CalibrateEvery is the time between two requests that are counted whole. If zero, 1 s.
	CalibrateEvery time.Duration
}

// Books keep the accounts of all requests. They are safe for concurrent use.
type Books struct {
	holdout    float64
	prices     prices
	calibrator *calibrator
	metrics    *metrics
}

// New opens Books whose figures are shown in registry.
func New(o Options, registry *prometheus.Registry) (*Books, error) {
	c, err := newCalibrator(o)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(registry)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	first := &Books{calibrator: c, metrics: m}
	return first.Reload(o)
}

// Reload returns Books with the prices and the holdout of o, and with the figures and all that was
// learnt of b.
func (b *Books) Reload(o Options) (*Books, error) {
	table, err := newPrices(o.Prices)
	return &Books{holdout: o.Holdout, prices: table, calibrator: b.calibrator, metrics: b.metrics}, err
}

// An Account is what becomes known of the tokens of one request. One goroutine uses it: the
// request's.
type Account struct {
	books *Books
	model string
	arm   arm
	read  usage.Reader
	// rounds are the answers that were paid: more than one where the model called our tool.
	rounds []*meter
	sample *sample
}

// Open starts to account for a request that goes out as body, plain JSON, and whose answer read can
// read. It returns nil where read is nil: such answers are free.
func (b *Books) Open(model string, heldOut bool, read usage.Reader, body []byte) *Account {
	if read == nil {
		return nil
	}
	a := &Account{books: b, model: model, arm: armTreated, read: read}
	if heldOut {
		a.arm = armHoldout
	}
	a.sample = b.calibrator.begin(a.model, body)
	return a
}

// Arm is the group of the request in the comparison of compressed and uncompressed traffic.
func (a *Account) Arm() string { return string(a.arm) }

// Model is the model's name, or "" where it is too long to be one.
func (a *Account) Model() string {
	if len(a.model) > maxModelName {
		return ""
	}
	return a.model
}

// Meter returns next with the usage of its answers read out for the account. It stands below the
// rounds that the client does not see, for each of them is paid.
func (a *Account) Meter(next http.RoundTripper) http.RoundTripper {
	return &meterTransport{account: a, next: next}
}

// Answered reads the usage out of message, the JSON that ends an answer which did not come over
// HTTP.
func (a *Account) Answered(message []byte) {
	m := new(meter)
	m.scan(false, a.read)
	m.feed(message)
	a.rounds = append(a.rounds, m)
}

// Close makes the bill of a request of which omitted tokens were left out, as the engine counts
// them. Nothing that was not sent is counted as saved before the provider has said what it took for
// the rest.
func (a *Account) Close(omitted int) Bill {
	price, label := a.books.prices.find(a.model)
	b := Bill{label: label}
	var first, last usage.Tokens
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
		b.Usage = b.Usage.Plus(u)
	}
	if b.outcome != usageReported {
		return b
	}
	if a.sample != nil {
		a.sample.set(&a.sample.reported, first.Prompt())
	}
	var factor float64
	factor, b.basis = a.books.calibrator.factor(a.model)
	b.omitted = float64(max(0, omitted)) * factor
	if price != nil {
		// Uncompressed there would have been one round: the first one's prompt, longer, and the
		// last one's answer.
		b.priced, b.cost = true, price.of(b.Usage)
		one := first
		one.Output = last.Output
		b.whole = price.of(one) + price.more(first, b.omitted)
	}
	return b
}
