package perplexity_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/perplexity"
)

var update = flag.Bool("update", false, "rewrite the golden scores of the embedded model")

// The golden scores beside the embedded model are its own.
func TestGoldenScores(t *testing.T) {
	m := open(t, perplexity.Options{})
	if *update {
		g, err := m.Golden(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.MarshalIndent(g, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("model", perplexity.GoldenFile), append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	g, err := perplexity.ReadGolden(perplexity.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	if g.Model != m.Card().SHA256 {
		t.Errorf("the golden scores are of model %s, want %s", g.Model, m.Card().SHA256)
	}
	scored := score(t, m, g.Texts()...)
	worst, err := g.Compare(scored)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at most %.2g nats apart", worst)
	scored[1].Text[2].NLL += 2 * perplexity.GoldenTolerance
	if _, err := g.Compare(scored); err == nil || !strings.Contains(err.Error(), "other weights") {
		t.Errorf("losses of other weights: %v", err)
	}
	scored[1].Text[2].NLL -= 2 * perplexity.GoldenTolerance
	scored[1].Text[2].Offset++
	if _, err := g.Compare(scored); err == nil {
		t.Error("losses of other tokens pass")
	}
}

// An exported graph gives the model's own losses, whatever stands beside a row; the folder for the
// proxies lays texts out as the model does.
func TestExportTriton(t *testing.T) {
	out := filepath.Join(t.TempDir(), "models")
	e, err := perplexity.ExportTriton(t.Context(), "", perplexity.TritonOptions{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", e)
	config, err := os.ReadFile(filepath.Join(e.Folder, "config.pbtxt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name: "pith-code-lm"`, "dynamic_batching", `"targets"`, "TYPE_FP32", "REJECT"} {
		if !strings.Contains(string(config), want) {
			t.Errorf("config.pbtxt lacks %s", want)
		}
	}
	if strings.Contains(string(config), "past") {
		t.Errorf("the server is to be given a past:\n%s", config)
	}
	if _, err := perplexity.ExportTriton(t.Context(), "", perplexity.TritonOptions{Out: out}); err == nil {
		t.Error("a second export wrote over the first")
	}
	if _, err := perplexity.OpenLayout(os.DirFS(e.Client)); err != nil {
		t.Error(err)
	}
	name := filepath.Join(e.Client, "tokenizer.json")
	if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := perplexity.OpenLayout(os.DirFS(e.Client)); err == nil {
		t.Error("a tokenizer with another checksum was taken")
	}
}
