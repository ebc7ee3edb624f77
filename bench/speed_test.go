package bench_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pith/bench"
	"pith/compress"
	"pith/tokens"
)

// spiky is a scorer for which each line that begins with "spike" is a surprise and nothing else is.
type spiky struct{ asked []compress.Sequence }

func (s *spiky) Info() (id, device string) { return "spiky", "cpu" }

func (s *spiky) Score(_ context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	s.asked = append(s.asked, seqs...)
	out := make([]compress.Losses, len(seqs))
	for i, seq := range seqs {
		nll := 1.0
		if strings.HasPrefix(seq.Text, "spike") {
			nll = 9
		}
		out[i].Text = []compress.Loss{{NLL: nll}}
		if seq.WantGiven {
			for at := range strings.Fields(seq.Given) {
				out[i].Given = append(out[i].Given, compress.Loss{Offset: at, NLL: 1})
			}
		}
	}
	return out, nil
}

// chunk has blocks of five lines; a spike ends each but the last.
func chunk(blocks int) string {
	var b strings.Builder
	for i := range blocks {
		for j := range 4 {
			fmt.Fprintf(&b, "line %d %d\n", i, j)
		}
		if i+1 < blocks {
			b.WriteString("spike\n")
		} else {
			b.WriteString("end\n")
		}
	}
	return b.String()
}

// The schedule that runs must be the one that the cost model counts.
func TestPublishedScheduleRunsWhatTheModelPredicts(t *testing.T) {
	w := bench.Workload{Chunks: 4, QueryTokens: 3, Selected: 2, Lines: 30, Blocks: 6}
	chunks := []bench.Choice{
		{Text: chunk(1)},
		{Text: chunk(6), Selected: true, Pruned: true},
		{Text: chunk(2)},
		{Text: chunk(6), Selected: true, Pruned: true},
	}
	words := func(text string) int { return len(strings.Fields(text)) }
	scorer := &spiky{}
	cost, err := bench.Published{Scorer: scorer, Tokens: words}.Run(t.Context(), chunks, "what is it")
	if err != nil {
		t.Fatal(err)
	}
	if want := w.Published().Passes; cost.Passes != want || cost.Calls != want || len(scorer.asked) != want {
		t.Errorf("%d passes in %d calls, %d seen by the scorer; the model says %d", cost.Passes, cost.Calls, len(scorer.asked), want)
	}
	// Line k of a chunk is scored after the k lines before it: the quadratic part.
	longest := 0
	for _, s := range scorer.asked {
		if !strings.Contains(s.Text, "what is it") {
			longest = max(longest, strings.Count(s.Given, "\n"))
		}
	}
	if longest != 29 {
		t.Errorf("the last line was scored after %d lines, want 29", longest)
	}
}

func TestPublishedScheduleSparesWholeFunctions(t *testing.T) {
	run := func(c bench.Choice) int {
		cost, err := bench.Published{Scorer: &spiky{}, Tokens: func(string) int { return 1 }}.Run(t.Context(), []bench.Choice{c}, "q")
		if err != nil {
			t.Fatal(err)
		}
		return cost.Passes
	}
	for _, tt := range []struct {
		name   string
		choice bench.Choice
		want   int
	}{
		{"not selected: query and chunk", bench.Choice{Text: chunk(6)}, 2},
		{"kept whole: lines too", bench.Choice{Text: chunk(6), Selected: true}, 2 + 30},
		{"fewer than five blocks: kept whole after its lines", bench.Choice{Text: chunk(4), Selected: true, Pruned: true}, 2 + 20},
		{"pruned: lines and blocks", bench.Choice{Text: chunk(5), Selected: true, Pruned: true}, 2 + 25 + 5},
	} {
		if got := run(tt.choice); got != tt.want {
			t.Errorf("%s: %d passes, want %d", tt.name, got, tt.want)
		}
	}
}

func TestSpeed(t *testing.T) {
	meter := bench.NewMeter(&spiky{})
	pool, count := newPool(t), counters{tokens.New()}
	engine, err := compress.New(compress.Options{Splitter: pool, Counters: count, Scorer: meter})
	if err != nil {
		t.Fatal(err)
	}
	shapes := []bench.Shape{{Name: "short", Lines: 15, Tokens: 2000}, {Name: "one", Lines: 100, Functions: 1}, {Name: "large", Lines: 15, Tokens: 4000}}
	report, err := bench.Speed{Compressor: engine, Meter: meter, Counters: count, PublishedTokens: 3000}.Run(t.Context(), shapes)
	if err != nil {
		t.Fatal(err)
	}
	short, one, large := report.Rows[0], report.Rows[1], report.Rows[2]
	if short.Tokens < 2000 || one.Functions != 1 || large.Tokens < 4000 {
		t.Errorf("contexts have %d, %d and %d tokens and the second %d functions", short.Tokens, one.Tokens, large.Tokens, one.Functions)
	}
	for _, row := range []bench.SpeedRow{short, one} {
		if row.Ours.Passes == 0 || row.Reference.Passes <= row.Ours.Passes || row.Published <= 0 {
			t.Errorf("%s: %d passes of ours, %d of the published schedule in %g s", row.Shape, row.Ours.Passes, row.Reference.Passes, row.Published)
		}
	}
	if large.Reference.Passes != 0 {
		t.Errorf("the published schedule ran on %d tokens, above its limit", large.Tokens)
	}
}

func TestMemoAsksOnce(t *testing.T) {
	model := &spiky{}
	memo := bench.NewMemo(model)
	a, b := compress.Sequence{Text: "spike"}, compress.Sequence{Given: "x y", Text: "calm", WantGiven: true}
	for _, seqs := range [][]compress.Sequence{{a}, {b, a}, {a, b}} {
		losses, err := memo.Score(t.Context(), seqs)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range seqs {
			if surprised := losses[i].Text[0].NLL == 9; surprised != (s == a) || len(losses[i].Given) != len(strings.Fields(s.Given)) {
				t.Errorf("Score(%v)[%d] = %v belongs to another sequence", seqs, i, losses[i])
			}
		}
	}
	if len(model.asked) != 2 {
		t.Errorf("the model was asked %d times for 2 sequences", len(model.asked))
	}
}
