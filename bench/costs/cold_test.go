package costs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pith/bench"
	"pith/bench/costs"
	"pith/compress"
	"pith/tokens"
)

// recorder keeps what it was asked.
type recorder struct {
	next  bench.Compressor
	asked []compress.Request
}

func (r *recorder) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	r.asked = append(r.asked, req)
	return r.next.Compress(ctx, req)
}

// punctual is spiky that stops when it is told to.
type punctual struct{ *spiky }

func (p punctual) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.spiky.Score(ctx, seqs)
}

func TestColdRequests(t *testing.T) {
	pool, count := newPool(t), counters{tokens.New()}
	meter := costs.NewMeter(punctual{&spiky{}}, func(compress.Sequence) int { return 1 })
	options := compress.Options{
		Splitter: pool, Counters: count, Scorer: meter, Ranker: "hybrid",
		Speed: compress.SpeedExact,
	}
	whole, err := compress.New(options)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name     string
		deadline time.Duration
		cut      int
	}{
		{"a deadline that none can keep", time.Nanosecond, 5},
		{"one that all keep", time.Hour, 0},
	} {
		options.Deadline = tt.deadline
		within, err := compress.New(options)
		if err != nil {
			t.Fatal(err)
		}
		first, cold := &recorder{next: whole}, &recorder{next: within}
		report, err := costs.Speed{
			Compressor: first, Meter: meter, Counters: count, Turns: 1,
			Cold: costs.Cold{Compressor: cold, Deadline: tt.deadline, Requests: 5},
		}.Run(t.Context(),
			[]costs.Shape{{Name: "small", Lines: 15, Tokens: 1000}, {Name: "large", Lines: 15, Tokens: 2000}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range report.Rows {
			if s := row.ColdSpread; s.Requests != 5 || s.Cut != tt.cut || s.P50 <= 0 ||
				s.P99 < s.P50 || s.Max != s.P99 {
				t.Errorf("%s, %s: %+v", tt.name, row.Shape, s)
			}
		}
		checkUnseen(t, first.asked, cold.asked)
		var text strings.Builder
		if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "cut short") ||
			strings.Count(text.String(), "\nsmall ") != 3 {
			t.Errorf("%s: report (%v):\n%s", tt.name, err, text.String())
		}
	}
}

// checkUnseen holds that cold requests have no function in common with one another or with those
// before, and are as large as the first ones of their shape.
func checkUnseen(t *testing.T, first, cold []compress.Request) {
	t.Helper()
	if len(cold) != 10 {
		t.Fatalf("%d cold requests, want 10", len(cold))
	}
	// The first requests are the warm up and each shape's question, asked twice.
	seen := map[string]bool{}
	for _, i := range []int{0, 1, 3} {
		for _, function := range functionsOf(first[i]) {
			seen[function] = true
		}
	}
	for i, req := range cold {
		functions := functionsOf(req)
		if want := len(functionsOf(first[1+i/5*2])); len(functions) != want {
			t.Errorf("cold request %d has %d functions, the shape's first text %d", i, len(functions), want)
		}
		for _, function := range functions {
			if seen[function] {
				t.Fatalf("cold request %d: seen before:\n%s", i, function)
			}
			seen[function] = true
		}
	}
}

func functionsOf(req compress.Request) []string {
	return strings.Split(req.Files[0].Content, "\nfunc ")[1:]
}
