package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/configs"
)

func TestPriceFiles(t *testing.T) {
	tests := []struct{ name, text, wantErr string }{
		{"a row", "- {model: m-*, input: 1, cache_read: 0, cache_write: 1.25, output: 5}\n", ""},
		{"none", "[]\n", ""},
		{"unknown key", "- {model: m, input: 1, cache_reads: 0, cache_write: 1, output: 5}\n", "cache_reads"},
		{"missing price", "- {model: m, input: 1, cache_write: 1, output: 5}\n", "row 1: cache_read"},
		{"negative", "- {model: m, input: -1, cache_read: 1, cache_write: 1, output: 5}\n", "row 1: input"},
		{"not a number", "- {model: m, input: .nan, cache_read: 1, cache_write: 1, output: 5}\n", "row 1: input"},
		{"no model", "- {input: 1, cache_read: 1, cache_write: 1, output: 5}\n", "model is missing"},
		{"no list", "model: m\n", "prices.yaml"},
	}
	for _, tt := range tests {
		path := filepath.Join(t.TempDir(), "prices.yaml")
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := configs.LoadPrices(path)
		if (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.wantErr)
		}
	}
}

func TestPriceExample(t *testing.T) {
	list, err := configs.LoadPrices(filepath.Join("prices", "example.yaml"))
	if err != nil || len(list) != 2 || list[0].Model != "example-large-*" || *list[0].CacheRead != 0.4 {
		t.Errorf("%+v, %v", list, err)
	}
}
