package accounting

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"pith/dialects/usage"
)

// A Price is what a provider asks for a million tokens of a model, in whatever currency the table
// is in.
type Price struct {
	// Model is the model's name as requests give it; * stands for any characters. It is also the
	// label of the model's metrics.
	Model string
	// Input are prompt tokens that the provider's cache had no part in, CacheRead those read from
	// it, CacheWrite those written to it, Output those of the answer.
	Input, CacheRead, CacheWrite, Output float64
}

const perTokens = 1e6

// of is the price of u.
func (p Price) of(u usage.Tokens) float64 {
	return (p.prompt(u) + float64(u.Output)*p.Output) / perTokens
}

// prompt is the price of u's prompt, times a million.
func (p Price) prompt(u usage.Tokens) float64 {
	return float64(u.Input)*p.Input + float64(u.CacheRead)*p.CacheRead + float64(u.CacheWrite)*p.CacheWrite
}

// more is what further prompt tokens would have cost with u: each share of them what it costs in u.
// So a token left out of a prompt that came from the cache saves the price of a read, however dear
// it was when it was new.
func (p Price) more(u usage.Tokens, tokens float64) float64 {
	if u.Prompt() == 0 {
		return 0
	}
	return tokens * p.prompt(u) / float64(u.Prompt()) / perTokens
}

// prices is the table; the first row whose model fits wins.
type prices []pricedModel

type pricedModel struct {
	Price
	fits *regexp.Regexp
}

func newPrices(list []Price) (prices, error) {
	var out prices
	var errs []error
	for i, p := range list {
		if p.Model == "" || p.Input < 0 || p.CacheRead < 0 || p.CacheWrite < 0 || p.Output < 0 {
			errs = append(errs, fmt.Errorf("price %d: want a model and no negative price", i+1))
			continue
		}
		pattern := strings.ReplaceAll(regexp.QuoteMeta(p.Model), `\*`, `.*`)
		fits, err := regexp.Compile(`^(?:` + pattern + `)$`)
		if err != nil {
			errs = append(errs, fmt.Errorf("price %d: %w", i+1, err))
			continue
		}
		out = append(out, pricedModel{p, fits})
	}
	return out, errors.Join(errs...)
}

const (
	// maxModelName is the longest name of a model that is looked at, in bytes. Names come from
	// clients.
	maxModelName = 128
	// otherModel is the label of models that the table does not name.
	otherModel = "other"
)

// Label names a model for metrics and logs: its row of the price table, or "other".
func (b *Books) Label(model string) string {
	_, label := b.prices.find(model)
	return label
}

// find returns the price of a model, and the label for its metrics.
func (ps prices) find(model string) (price *Price, label string) {
	if len(model) > maxModelName {
		return nil, otherModel
	}
	for i := range ps {
		if ps[i].fits.MatchString(model) {
			return &ps[i].Price, ps[i].Model
		}
	}
	return nil, otherModel
}
