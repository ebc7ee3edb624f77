package wiring

import (
	"pith/accounting"
	"pith/cmd/pith/cli"
	"pith/configs"
	"pith/tokens"
)

// NewAccounting reads the price file that cfg names.
func NewAccounting(cfg configs.Accounting, counters *tokens.Counters) (accounting.Options, error) {
	a := accounting.Options{
		Holdout: cfg.Holdout,
		Count: func(model, text string) (int, bool) {
			c := counters.For(model)
			_, exact := c.Encoding()
			return c.Count(text), exact
		},
	}
	if cfg.Prices == "" {
		return a, nil
	}
	list, err := configs.LoadPrices(cfg.Prices)
	if err != nil {
		return a, cli.Usage(err)
	}
	for _, p := range list {
		a.Prices = append(a.Prices, accounting.Price{
			Model: p.Model, Input: *p.Input, CacheRead: *p.CacheRead, CacheWrite: *p.CacheWrite, Output: *p.Output,
		})
	}
	return a, nil
}
