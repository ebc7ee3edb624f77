package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed says which packages of ours each package may import. cmd/pith and cmd/pith/wiring know
// everything; what lies in internal/ is for all and imports nothing of ours.
var allowed = map[string][]string{
	"pith/proxy": {
		"pith/accounting", "pith/compress", "pith/dialects", "pith/explain", "pith/gateway", "pith/index",
		"pith/retrieval",
		"pith/internal/apierror", "pith/internal/coding", "pith/internal/digest", "pith/internal/panics",
	},
	"pith/cmd/pith/cli": {"pith/compress"},

	"pith/dialects":       {"pith/compress", "pith/dialects/shell", "pith/dialects/usage"},
	"pith/dialects/shell": {},
	"pith/dialects/usage": {},
	"pith/dashboard":      {"pith/explain"},
	"pith/index":          {"pith/compress", "pith/compress/lexical", "pith/explain", "pith/parsers"},
	"pith/mcp":            {"pith/compress", "pith/explain", "pith/index"},
	"pith/explain":        {"pith/compress"},
	"pith/retrieval": {
		"pith/compress", "pith/dialects", "pith/internal/apierror", "pith/internal/digest",
		"pith/internal/panics",
	},
	"pith/gateway":    {"pith/dialects", "pith/internal/apierror", "pith/internal/digest", "pith/internal/retryafter"},
	"pith/accounting": {"pith/dialects/usage", "pith/internal/coding", "pith/internal/panics"},
	"pith/evolve": {
		"pith/evolve/llm", "pith/evolve/search", "pith/internal/digest", "pith/internal/retryafter",
		"pith/internal/textfile",
	},
	"pith/evolve/llm":      {"pith/internal/retryafter", "pith/internal/digest"},
	"pith/evolve/search":   {},
	"pith/evolve/workers":  {"pith/evolve/llm"},
	"pith/bench":           {"pith/bench/sources", "pith/compress", "pith/parsers"},
	"pith/bench/costs":     {"pith/bench", "pith/bench/synthetic", "pith/compress"},
	"pith/bench/fleet":     {"pith/bench/served", "pith/bench/synthetic"},
	"pith/bench/sources":   {},
	"pith/bench/served":    {},
	"pith/bench/synthetic": {},
	"pith/compress": {
		"pith/compress/knapsack", "pith/compress/lexical", "pith/parsers",
		"pith/internal/digest", "pith/internal/panics",
	},
	"pith/compress/knapsack":    {},
	"pith/compress/lexical":     {},
	"pith/parsers":              {},
	"pith/parsers/processes":    {"pith/parsers"},
	"pith/embedding":            {},
	"pith/perplexity":           {"pith/perplexity/onnxgraph", "pith/internal/panics"},
	"pith/perplexity/remote":    {"pith/perplexity"},
	"pith/perplexity/onnxgraph": {},
	"pith/tokens":               {},
	"pith/cache":                {"pith/internal/digest"},
	"pith/configs":              {},
	"pith/download":             {},

	"pith/internal/apierror":   {"pith/compress"},
	"pith/internal/coding":     {},
	"pith/internal/digest":     {},
	"pith/internal/echoscorer": {},
	"pith/internal/panics":     {},
	"pith/internal/retryafter": {},
	"pith/internal/textfile":   {},
}

func TestImportsPointOneWay(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		rules, known := allowed[fields[0]]
		if !known {
			checkCommands(t, fields[0], fields[1:])
			continue
		}
		seen++
		for _, imported := range fields[1:] {
			ours := strings.HasPrefix(imported, "pith/") && !strings.HasPrefix(imported, "pith/internal/")
			if ours && !slices.Contains(rules, imported) {
				t.Errorf("%s imports %s; it may import only %v of ours", fields[0], imported, rules)
			}
		}
	}
	if seen != len(allowed) {
		t.Errorf("found %d of the %d packages that the rules name", seen, len(allowed))
	}
}

// checkCommands holds that what commands are made of does not know of the commands.
func checkCommands(t *testing.T, path string, imports []string) {
	shared := []string{"pith/cmd/pith/cli", "pith/cmd/pith/wiring"}
	for _, imported := range imports {
		if strings.HasPrefix(imported, "pith/cmd/") && path != "pith/cmd/pith" && !slices.Contains(shared, imported) {
			t.Errorf("%s imports the commands of %s", path, imported)
		}
	}
}
