package bench_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pith/bench"
	"pith/compress"
	"pith/tokens"
)

// rivalArg makes the test binary a rival, which shows every line with "total" or "func" in it, in a
// frame of its own.
const rivalArg = "test-rival"

func serveRival() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request struct {
			Files  []struct{ Path, Content string }
			Budget int
		}
		if err := json.Unmarshal(line, &request); err != nil || request.Budget == 0 {
			fmt.Fprintln(os.Stderr, "a bad request")
			os.Exit(1)
		}
		type file struct {
			Path string `json:"path"`
			Text string `json:"text"`
		}
		var files []file
		for _, f := range request.Files {
			shown := "==== " + f.Path
			for line := range strings.SplitSeq(f.Content, "\n") {
				if strings.Contains(line, "total") || strings.Contains(line, "func") {
					shown += "\n...\n    " + strings.TrimSpace(line)
				}
			}
			files = append(files, file{f.Path, shown})
		}
		answer, err := json.Marshal(map[string]any{"files": files})
		if err != nil {
			os.Exit(1)
		}
		fmt.Printf("%s\n", answer)
	}
}

func TestRivalShowsLines(t *testing.T) {
	rival, err := bench.StartRival(counters{tokens.New()}, os.Args[0], rivalArg)
	if err != nil {
		t.Fatal(err)
	}
	req := compress.Request{Files: []compress.File{{Path: "ledger.go", Content: ledger}}, Query: "add up", Rate: 0.5}
	for range 2 { // it answers again and again
		res, err := rival.Compress(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		// sum's header, its first line, the sum and the return; largest's header.
		want := [][2]int{{6, 7}, {9, 9}, {11, 11}, {14, 14}}
		if got := res.Chunks[0].KeptLines; !slices.Equal(got, want) {
			t.Errorf("lines shown %v, want %v", got, want)
		}
		if res.CompressedTokens == 0 || res.OriginalTokens <= res.CompressedTokens {
			t.Errorf("%d -> %d tokens", res.OriginalTokens, res.CompressedTokens)
		}
	}
	if err := rival.Close(); err != nil {
		t.Error(err)
	}
}

func TestRivalThatFails(t *testing.T) {
	rival, err := bench.StartRival(counters{tokens.New()}, os.Args[0], rivalArg)
	if err != nil {
		t.Fatal(err)
	}
	req := compress.Request{Files: []compress.File{{Path: "ledger.go", Content: ledger}}} // no budget
	if _, err := rival.Compress(t.Context(), req); err == nil || !strings.Contains(err.Error(), "a bad request") {
		t.Errorf("%v, want what the program complained of", err)
	}
	if err := rival.Close(); err == nil {
		t.Error("a program that failed closed without an error")
	}
}

// Contenders respect the tokens of the first setting, and a rival is answered at its own.
func TestFieldAtTheSameTokens(t *testing.T) {
	r := newRetention(t, nil)
	run := bench.Cases(r)
	rival := keptLines{{1, 2}, {6, 12}}
	settings := append([]bench.Setting{{Name: "pith", Request: compress.Request{Ranker: "bm25"}}},
		run.Contenders("pith")...)
	settings = append(
		settings, bench.Setting{Name: "rival", Compressor: rival, TokensOf: "pith", Against: "pith at the rival's"},
		bench.Setting{Name: "pith at the rival's", Request: compress.Request{Ranker: "bm25"}, TokensOf: "rival"})
	report, err := run.Run(t.Context(), []bench.Case{ledgerCase("how does sum add up the total of the list?", true)},
		bench.CasesOptions{Settings: settings, Ratios: []float64{1.5}, ByCase: true})
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bench.CasesRow)
	for _, row := range report.Groups[0].Rows {
		rows[row.Setting] = row
	}
	most := rows["pith"].Mean["tokens"]
	for _, name := range []string{"bm25, whole functions", "head and tail", "signatures"} {
		if got := rows[name].Mean["tokens"]; got == 0 || got > most {
			t.Errorf("%s: %v tokens, want at most %v", name, got, most)
		}
	}
	if got := rows["bm25, whole functions"].Mean["every"]; got != 1 {
		t.Errorf("bm25 keeps the function asked for whole in %v of cases", got)
	}
	if got := rows["pith at the rival's"].Mean["tokens"]; got > 20 {
		t.Errorf("%v tokens at the rival's 20", got)
	}
	if row := rows["rival"]; row.AgainstSetting != "pith at the rival's" ||
		row.Against["lines"].Diff != 1-rows["pith at the rival's"].Mean["lines"] {
		t.Errorf("rival is compared with %q: %+v", row.AgainstSetting, row.Against["lines"])
	}
}
