package configs

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"

	"pith/internal/textfile"
)

// A Price is a row of a price file: what a million tokens of a model cost, in a currency of the
// operator's choice.
type Price struct {
	// Model is a name as requests give it; * stands for any characters.
	Model string `yaml:"model"`
	// Input are prompt tokens beside the provider's cache, CacheRead those read from it, CacheWrite
	// those written to it, Output those of the answer. All four must be there: a price that is left
	// out would be guessed.
	Input      *float64 `yaml:"input"`
	CacheRead  *float64 `yaml:"cache_read"`
	CacheWrite *float64 `yaml:"cache_write"`
	Output     *float64 `yaml:"output"`
}

// LoadPrices reads a price file: a YAML list of Price, of which the first that fits a model counts.
// Pith ships no prices, for they change. An unknown key, a missing one and a negative price are
// errors.
func LoadPrices(path string) ([]Price, error) {
	data, err := textfile.ReadYAML(path)
	if err != nil {
		return nil, fmt.Errorf("prices: %w", err)
	}
	var list []Price
	if err := yaml.UnmarshalWithOptions(data, &list, yaml.Strict()); err != nil {
		return nil, syntaxError(path, err)
	}
	var errs []error
	for i, p := range list {
		if p.Model == "" {
			errs = append(errs, fmt.Errorf("%s: row %d: model is missing", path, i+1))
		}
		for _, f := range []struct {
			name  string
			value *float64
		}{{"input", p.Input}, {"cache_read", p.CacheRead}, {"cache_write", p.CacheWrite}, {"output", p.Output}} {
			if f.value == nil || !(*f.value >= 0) {
				errs = append(
					errs, fmt.Errorf("%s: row %d: %s: want a price per million tokens, 0 or more", path, i+1, f.name))
			}
		}
	}
	return list, errors.Join(errs...)
}
