package bench_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pith/bench"
	"pith/compress"
)

const ledger = `package ledger

// entry is one line.
type entry struct{ amount int }

func sum(list []entry) int {
	total := 0
	for _, e := range list {
		total += e.amount
	}
	return total
}

func largest(list []entry) int {
	best := 0

	for _, e := range list {
		best = max(best, e.amount)
	}
	return best
}
`

// ledgerCase needs sum, whose use of entry makes one definition, and says that one line of it was
// changed.
func ledgerCase(query string, named bool) bench.Case {
	return bench.Case{
		Repo: "ledger", Language: "go", Commit: query, Query: query, Named: named,
		Files:   []compress.File{{Path: "ledger.go", Content: ledger}},
		Needed:  []bench.Function{{Path: "ledger.go", Name: "sum", Start: 6, End: 12}},
		Changed: map[string][]int{"ledger.go": {7, 9}},
	}
}

// keptLines answers every request with the lines that it keeps.
type keptLines [][2]int

func (k keptLines) Compress(_ context.Context, req compress.Request) (compress.Result, error) {
	var text strings.Builder
	lines := strings.SplitAfter(req.Files[0].Content, "\n")
	for _, run := range k {
		text.WriteString(strings.Join(lines[run[0]-1:run[1]], ""))
	}
	return compress.Result{
		OriginalTokens: 100, CompressedTokens: 20,
		Files: []compress.FileResult{{Path: "ledger.go", Text: text.String()}},
		Chunks: []compress.ChunkResult{
			{File: "ledger.go", Kind: "type", StartLine: 1, EndLine: 5, Rank: 1},
			{File: "ledger.go", Kind: "function", Name: "largest", StartLine: 14, EndLine: 22, Rank: 2},
			{File: "ledger.go", Kind: "function", Name: "sum", StartLine: 6, EndLine: 13, Rank: 3, KeptLines: k},
		},
	}, nil
}

func measured(t *testing.T, cases []bench.Case, settings ...bench.Setting) bench.CasesReport {
	t.Helper()
	report, err := bench.Cases{Splitter: newPool(t)}.Run(
		t.Context(), cases, bench.CasesOptions{Settings: settings, Ratios: []float64{5}})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCasesFigures(t *testing.T) {
	for _, row := range []struct {
		name string
		keep keptLines
		want map[string]float64
	}{
		{"nothing", nil, map[string]float64{
			"lines": 0, "all": 0, "whole": 0, "every": 0, "seen": 0, "defs": 0,
			"mrr": 0.5, "tokens": 20, "ratio": 5,
		}},
		{
			"everything",
			keptLines{{1, 22}},
			map[string]float64{"lines": 1, "all": 1, "whole": 1, "every": 1, "seen": 1, "defs": 1, "parse": 1},
		},
		{
			"the function",
			keptLines{{1, 1}, {6, 12}},
			map[string]float64{"lines": 1, "all": 1, "whole": 1, "every": 1, "seen": 1, "defs": 0, "parse": 1},
		},
		{
			"all but one changed line",
			keptLines{{1, 4}, {6, 8}, {10, 12}},
			map[string]float64{"lines": 0.5, "all": 0, "whole": 0, "every": 0, "seen": 1, "defs": 1, "parse": 1},
		},
		{
			"all but its first line",
			keptLines{{1, 4}, {7, 12}},
			map[string]float64{"lines": 1, "all": 1, "whole": 0, "every": 0, "seen": 0, "defs": 1, "parse": 0},
		},
	} {
		report := measured(t, []bench.Case{ledgerCase("add up", false)},
			bench.Setting{Name: "it", Compressor: row.keep})
		got := report.Groups[0].Rows[0].Mean
		for figure, want := range row.want {
			if got[figure] != want {
				t.Errorf("%s: %s = %v, want %v", row.name, figure, got[figure], want)
			}
		}
	}
}

// Without changed lines, those of the needed functions count that are not blank.
func TestCasesWithoutChangedLines(t *testing.T) {
	c := ledgerCase("which is the most?", false)
	c.Changed, c.Needed = nil, []bench.Function{{Path: "ledger.go", Name: "largest", Start: 14, End: 21}}
	report := measured(t, []bench.Case{c}, bench.Setting{Name: "it", Compressor: keptLines{{14, 15}, {17, 18}}})
	if got := report.Groups[0].Rows[0].Mean["lines"]; got != 4.0/7 {
		t.Errorf("lines = %v, want 4 of 7", got)
	}
}

func TestCasesGroups(t *testing.T) {
	report := measured(t, []bench.Case{ledgerCase("sum", true), ledgerCase("add up", false)},
		bench.Setting{Name: "none", Compressor: keptLines(nil)},
		bench.Setting{Name: "all", Compressor: keptLines{{1, 22}}})
	if all, unnamed := report.Group("all").Cases, report.Group("unnamed").Cases; all != 2 || unnamed != 1 {
		t.Errorf("%d cases, %d unnamed; want 2 and 1", all, unnamed)
	}
	if got := report.Groups[0].Rows[1].Against["lines"]; got != (bench.Interval{Diff: 1, Low: 1, High: 1}) {
		t.Errorf("everything against nothing: %+v, want 1 throughout", got)
	}
	var text, page bytes.Buffer
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "+1.000 [+1.000, +1.000] none") {
		t.Errorf("no difference in:\n%s", text.String())
	}
	for _, want := range []string{"<polyline", "add up", "+1.000 [&#43;1.000"} {
		if !strings.Contains(strings.ReplaceAll(page.String(), "&#43;1.000 [", "+1.000 ["), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, foreign := range []string{"http://", "https://", "<script", "src="} {
		if strings.Contains(page.String(), foreign) {
			t.Errorf("the page needs %q", foreign)
		}
	}
}

// The engine's own results keep the changed lines of an easy question, and parallel runs give the
// same figures.
func TestCasesOfTheEngine(t *testing.T) {
	r := newRetention(t, nil)
	run := bench.Cases(r)
	cases := []bench.Case{
		ledgerCase("how does sum add up the total of the list?", true),
		ledgerCase("why is best the largest?", true),
	}
	var settings []bench.Setting
	for _, ranker := range []string{"bm25", "head", "random", "oracle"} {
		s, err := run.Settings(ranker, []string{"fast"}, []string{"coarse", "fine"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		settings = append(settings, s...)
	}
	figures := func(parallel int) []map[string]float64 {
		report, err := run.Run(t.Context(), cases,
			bench.CasesOptions{Settings: settings, Ratios: []float64{1.5, 3}, Parallel: parallel})
		if err != nil {
			t.Fatal(err)
		}
		var all []map[string]float64
		for _, row := range report.Groups[0].Rows {
			delete(row.Mean, "seconds")
			all = append(all, row.Mean)
		}
		return all
	}
	one, four := figures(1), figures(4)
	if len(one) != 12 {
		t.Fatalf("%d rows, want 6 settings at 2 ratios", len(one))
	}
	a, _ := json.Marshal(one)
	b, _ := json.Marshal(four)
	if !bytes.Equal(a, b) {
		t.Errorf("four at once give other figures:\n%s\n%s", a, b)
	}
	if got := one[4]["every"]; got != 1 { // oracle coarse, 1.5 times smaller
		t.Errorf("asked with the answer, every = %v, want 1", got)
	}
}

func TestReadCases(t *testing.T) {
	dir := t.TempDir()
	line, err := json.Marshal(ledgerCase("add up", false))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string, zip bool) string {
		file := filepath.Join(dir, name)
		var b bytes.Buffer
		if zip {
			w := gzip.NewWriter(&b)
			if _, err := w.Write([]byte(content)); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
		} else {
			b.WriteString(content)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, zip := range []bool{false, true} {
		cases, err := bench.ReadCases(write("good", string(line)+"\n\n"+string(line)+"\n", zip))
		if err != nil || len(cases) != 2 || cases[1].Needed[0].Name != "sum" {
			t.Errorf("zipped %t: %d cases, %v; want 2", zip, len(cases), err)
		}
	}
	for content, want := range map[string]string{
		"":     "no cases",
		"{}\n": "line 1: no query",
		string(line) + "\n" + strings.Replace(string(line), `"end":12`, `"end":120`, 1): `line 2: needed sum: ` +
			`lines 6-120 are not in "ledger.go", which has 22`,
		strings.Replace(string(line), `[7,9]`, `[7,0]`, 1):                                 "changed line 0",
		strings.Replace(string(line), `"path":"ledger.go","name"`, `"path":"x","name"`, 1): `are not in "x"`,
	} {
		if _, err := bench.ReadCases(write("bad", content, false)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", content, err, want)
		}
	}
}

// A file of cases, or of questions, may be anything that somebody has sent.
func TestFilesOfCasesAreBounded(t *testing.T) {
	dir := t.TempDir()
	zip := func(text string, times int) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return strings.Repeat(b.String(), times) // which unpack one behind the other
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{pipe: "not a regular file"}
	for content, want := range map[string]string{
		zip(strings.Repeat("a", 1<<20), 20):                               "too long",
		zip(strings.Repeat(" ", 1<<20)+"\n", 520):                         "unpacked",
		zip(`{"files":`+strings.Repeat("[", 1<<20), 1):                    "line 1: ",
		"\x1f\x8b\x08garbage":                                             "unexpected EOF",
		zip("{}", 1)[:12]:                                                 "unexpected",
		"\xef\xbb\xbf{}":                                                  "line 1: ",
		`{"query":"a","query":"b","needed":[{"start":-9e99}]}`:            "line 1: ",
		`{"query":"a","needed":[{"path":"a","start":-1,"end":99999999}]}`: "line 1: ",
	} {
		name := filepath.Join(dir, fmt.Sprint(len(files)))
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		files[name] = want
	}
	for name, want := range files {
		if _, err := bench.ReadCases(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
		if _, err := bench.ReadQuestions(name); err == nil {
			t.Errorf("%s is a file of questions", name)
		}
	}
}
