package costs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pith/bench/costs"
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
	w := costs.Workload{Chunks: 4, QueryTokens: 3, Selected: 2, Lines: 30, Blocks: 6}
	chunks := []costs.Choice{
		{Text: chunk(1)},
		{Text: chunk(6), Selected: true, Pruned: true},
		{Text: chunk(2)},
		{Text: chunk(6), Selected: true, Pruned: true},
	}
	words := func(text string) int { return len(strings.Fields(text)) }
	scorer := &spiky{}
	whole, err := costs.PublishedSchedule{Scorer: scorer, Tokens: words}.Run(t.Context(), chunks, "what is it")
	if err != nil {
		t.Fatal(err)
	}
	cost := whole.Cost
	if want := w.Published().Passes; cost.Passes != want || cost.Calls != want || len(scorer.asked) != want {
		t.Errorf("%d passes in %d calls, %d seen by the scorer; the model says %d", cost.Passes, cost.Calls,
			len(scorer.asked), want)
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
	run := func(c costs.Choice) int {
		sample, err := costs.PublishedSchedule{Scorer: &spiky{}, Tokens: func(string) int { return 1 }}.Run(
			t.Context(), []costs.Choice{c}, "q")
		if err != nil {
			t.Fatal(err)
		}
		return sample.Cost.Passes
	}
	for _, tt := range []struct {
		name   string
		choice costs.Choice
		want   int
	}{
		{"not selected: query and chunk", costs.Choice{Text: chunk(6)}, 2},
		{"kept whole: lines too", costs.Choice{Text: chunk(6), Selected: true}, 2 + 30},
		{
			"fewer than five blocks: kept whole after its lines",
			costs.Choice{Text: chunk(4), Selected: true, Pruned: true},
			2 + 20,
		},
		{"pruned: lines and blocks", costs.Choice{Text: chunk(5), Selected: true, Pruned: true}, 2 + 25 + 5},
	} {
		if got := run(tt.choice); got != tt.want {
			t.Errorf("%s: %d passes, want %d", tt.name, got, tt.want)
		}
	}
}

// A run that is stopped says what part of the tokens it has seen, and so what the whole would take.
func TestPublishedScheduleIsSampled(t *testing.T) {
	var chunks []costs.Choice
	for i := range 60 {
		chunks = append(chunks, costs.Choice{Text: chunk(1 + i%6), Selected: i%2 == 0, Pruned: i%4 == 0})
	}
	words := func(text string) int { return len(strings.Fields(text)) }
	whole, err := costs.PublishedSchedule{Scorer: &spiky{}, Tokens: words}.Run(t.Context(), chunks, "what is it")
	if err != nil || whole.Share != 1 {
		t.Fatalf("share %g, %v", whole.Share, err)
	}
	slowest := &slow{spiky: &spiky{}}
	part, err := costs.PublishedSchedule{Scorer: slowest, Tokens: words, Limit: 200 * time.Millisecond}.Run(
		t.Context(), chunks, "what is it")
	if err != nil {
		t.Fatal(err)
	}
	if part.Share <= 0 || part.Share >= 1 || part.Cost.Passes != len(slowest.asked) {
		t.Fatalf("share %g with %d passes, %d seen", part.Share, part.Cost.Passes, len(slowest.asked))
	}
	if extrapolated := float64(part.Cost.Tokens) / part.Share; extrapolated < 0.8*float64(whole.Cost.Tokens) ||
		extrapolated > 1.2*float64(whole.Cost.Tokens) {
		t.Errorf("%g tokens extrapolated from %g of the schedule, %d in truth", extrapolated, part.Share,
			whole.Cost.Tokens)
	}
}

// slow is spiky at a millisecond a pass.
type slow struct{ *spiky }

func (s *slow) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	time.Sleep(time.Millisecond)
	return s.spiky.Score(ctx, seqs)
}

func TestSpeed(t *testing.T) {
	words := func(text string) int { return len(strings.Fields(text)) }
	meter := costs.NewMeter(&spiky{}, func(s compress.Sequence) int { return words(s.Given) + words(s.Text) })
	pool, count := newPool(t), counters{tokens.New()}
	engine, err := compress.New(compress.Options{Splitter: pool, Counters: count, Scorer: meter})
	if err != nil {
		t.Fatal(err)
	}
	shapes := []costs.Shape{{Name: "short", Lines: 15, Tokens: 2000}, {Name: "one", Lines: 100, Functions: 1}}
	report, err := costs.Speed{
		Compressor: engine, Meter: meter, Counters: count, Turns: 3,
		Published: costs.PublishedSchedule{Scorer: &spiky{}, Tokens: words},
		Machine: costs.Machine{TokenFLOP: 10, LossFLOP: 1000, Products: []costs.Product{{
			Format: "float32", Run: func(context.Context, time.Duration) (float64, error) { return 1e6, nil },
		}}},
	}.Run(t.Context(), shapes)
	if err != nil {
		t.Fatal(err)
	}
	short, one := report.Rows[0], report.Rows[1]
	if short.Tokens < 2000 || one.Functions != 1 || len(report.Products) != 1 || report.Products[0].PerSecond <= 0 {
		t.Errorf("context of %d tokens, %d functions in the second, products %v", short.Tokens,
			one.Functions, report.Products)
	}
	for _, row := range []costs.SpeedRow{short, one} {
		if row.Cold.Cost.Passes == 0 || row.Published.Cost.Passes <= row.Cold.Cost.Passes || row.Published.Clock <= 0 ||
			row.Published.Share != 1 {
			t.Errorf("%s: %d passes of ours, %+v of the published schedule", row.Shape,
				row.Cold.Cost.Passes, row.Published)
		}
		if least := 10 * float64(row.Cold.Cost.Tokens); row.Cold.FLOP <= least || len(row.Turns) != 2 ||
			row.Turns[0].Cost.Passes == 0 || row.Repeat.Clock <= 0 {
			t.Errorf("%s: %g operations for %d tokens, further turns %v, repeated in %v", row.Shape, row.Cold.FLOP,
				row.Cold.Cost.Tokens, row.Turns, row.Repeat)
		}
		if row.Memory.Objects <= 0 || row.Memory.AllocMiB <= 0 {
			t.Errorf("%s: memory %+v", row.Shape, row.Memory)
		}
	}
	var text strings.Builder
	if err := report.WriteText(&text); err != nil ||
		!strings.Contains(text.String(), "plain float32 matrix products") ||
		strings.Count(text.String(), "\nshort ") != 2 {
		t.Errorf("report (%v):\n%s", err, text.String())
	}
}
