package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// compressReport is what `pith compress --format json` promises.
type compressReport struct {
	OriginalTokens   int     `json:"original_tokens"`
	CompressedTokens int     `json:"compressed_tokens"`
	Ratio            float64 `json:"ratio"`
	Budget           int     `json:"budget"`
	Ranker, Device   string
	Text             string
	Files            []struct {
		Path, Language, Text string
		OriginalTokens       int `json:"original_tokens"`
		CompressedTokens     int `json:"compressed_tokens"`
	}
	Chunks []struct {
		File, Language, Kind, Name, Decision string
		StartLine                            int `json:"start_line"`
		EndLine                              int `json:"end_line"`
		Tokens, Rank                         int
		Score                                float64
		KeptLines                            [][2]int `json:"kept_lines"`
	}
	TimingsMS map[string]float64 `json:"timings_ms"`
}

func TestCompressReportsAsJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "client.go")
	if err := os.WriteFile(path, []byte(source(t, sourceFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "compress", "-q", question, "--rate", "0.2", "--ranker", "hybrid",
		"--format", "json", path)
	if status != 0 {
		t.Fatalf("status %d: %s", status, errOut)
	}
	var r compressReport
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.CompressedTokens > r.Budget || r.Ratio < 5 || r.OriginalTokens < 5*r.Budget {
		t.Errorf("%d of %d tokens, budget %d, ratio %.2f", r.CompressedTokens, r.OriginalTokens, r.Budget, r.Ratio)
	}
	if len(r.Files) != 1 || r.Files[0].Text != r.Text || r.Files[0].Language != "go" {
		t.Errorf("files: %+v", r.Files)
	}
	if r.Ranker != "hybrid" || r.Device != "cpu" || len(r.TimingsMS) == 0 {
		t.Errorf("ranker %q on %q, timings %v", r.Ranker, r.Device, r.TimingsMS)
	}
	lines := strings.Split(strings.TrimSuffix(source(t, sourceFile), "\n"), "\n")
	next := 1
	for _, c := range r.Chunks {
		if c.StartLine != next {
			t.Fatalf("chunk %s starts at line %d, want %d: chunks must tile the file", c.Name, c.StartLine, next)
		}
		next = c.EndLine + 1
		if c.Name == "shouldCopyHeaderOnRedirect" && (c.Decision == "omitted" || c.Rank > 10) {
			t.Errorf("the needed function is %s, rank %d", c.Decision, c.Rank)
		}
		for _, run := range c.KeptLines {
			if !strings.Contains(r.Text, strings.Join(lines[run[0]-1:run[1]], "\n")) {
				t.Errorf("%s: lines %v are reported as kept and are not in the text", c.Name, run)
			}
		}
	}
	if next != len(lines)+1 {
		t.Errorf("the last chunk ends at line %d of %d", next-1, len(lines))
	}
}

func TestCompressReadsFoldersAndStandardInput(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.py": "def area(w, h):\n    return w * h\n\n\ndef perimeter(w, h):\n    return 2 * (w + h)\n",
		"b.rb": "def greet(name)\n  puts name\nend\n", ".hidden.py": "x = 1\n", "c.bin": "\x00\x01",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errOut, status := pith(t, "", "compress", "-q", "area", "--rate", "1", "--format", "json", dir)
	var r compressReport
	if err := json.Unmarshal([]byte(out), &r); status != 0 || err != nil {
		t.Fatalf("status %d, %v: %s", status, err, errOut)
	}
	var languages []string
	for _, f := range r.Files {
		languages = append(languages, f.Language)
	}
	if !slices.Equal(languages, []string{"python", "ruby"}) {
		t.Errorf("languages %v", languages)
	}
	text := "def f():\n    return 1\n"
	if out, errOut, status := pith(t, text, "compress", "--rate", "1", "-"); status != 0 || out != text {
		t.Errorf("status %d, %q: %s", status, out, errOut)
	}
	diff, errOut, status := pith(t, source(t, sourceFile), "compress", "-q", question, "--rate", "0.2",
		"--format", "diff", "-")
	if status != 0 || !strings.Contains(diff, "@@ ") || !strings.Contains(diff, "omitted") ||
		strings.Contains(diff, "\x1b") {
		t.Errorf("diff: status %d: %s\n%.400s", status, errOut, diff)
	}
}

func TestWrongUsageIsOneClearLine(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"compress", "--rate", "1.5", "-"}, "--rate"},
		{[]string{"doctor", "--ready", "127.0.0.1:8484"}, "want a URL such as"},
		{[]string{"compress", "--rate", "0.5", "--budget", "9", "-"}, "exclude"},
		{[]string{"compress", "--budget", "-3", "-"}, "--budget"},
		{[]string{"compress", "--rate", "0.5", "no-such-file.go"}, "no-such-file.go"},
		{[]string{"compress", "--ranker", "best", "-"}, "ranker"},
		{[]string{"compress", "--stage", "rough", "-"}, "stage"},
		{[]string{"compress", "--format", "xml", "-"}, "--format"},
		{[]string{"compress", "--no-such-flag"}, "--no-such-flag"},
		{[]string{"compress", "--model-dir", "no-such-folder", "--rate", "0.5", "-"}, "no-such-folder"},
		{[]string{"serve", "--upstream", "not a url"}, "upstream"},
		{[]string{"serve", "--config", "no-such-file.yaml"}, "no-such-file.yaml"},
		{[]string{"frobnicate"}, "frobnicate"},
	} {
		out, errOut, status := pith(t, "def f():\n    return 1\n", tt.args...)
		if status != 2 || out != "" || !strings.Contains(errOut, tt.want) || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%v: status %d, stdout %q, stderr %q", tt.args, status, out, errOut)
		}
	}
}

func TestDoctorSaysWhatWorks(t *testing.T) {
	out, errOut, status := pith(t, "", "doctor", "--upstream", newUpstream(t).URL)
	if status != 0 {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
	for _, want := range []string{"runtime", "model", "parsers", "device", "cache", "upstream"} {
		if !strings.Contains(out, want) {
			t.Errorf("no line about %s:\n%s", want, out)
		}
	}
}

// Where what was asked about cannot be cut to fit, so that most of the budget stays unused, the
// program says so.
func TestThinResultsAreSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.swift")
	text := "func load() throws(Broken) {\n" + strings.Repeat("    step(one, two, three)\n", 60) +
		"}\n\nfunc other() {}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errOut, status := pith(t, "", "compress", "-q", "What does load do?", "--rate", "0.4", "--ranker", "words", file)
	if status != 0 || !strings.Contains(errOut, "cannot be cut smaller") {
		t.Errorf("status %d, said %q", status, errOut)
	}
}
