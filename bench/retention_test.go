package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pith/bench"
	"pith/bench/sources"
	"pith/compress"
)

// slice is the fixed part of the benchmark that golden files guard: packages written for it.
func slice(t testing.TB) []sources.Package {
	t.Helper()
	packages, err := sources.FolderPackages("testdata/packages")
	if err != nil {
		t.Fatal(err)
	}
	return sources.Mark(packages, map[string]bool{"folder harbor": true})
}

func sliceOptions(queries int, rankers ...string) bench.RetentionOptions {
	return bench.RetentionOptions{
		Queries: queries, Languages: []string{"go", "python", "typescript", "java"}, Rankers: rankers, Seed: 1,
	}
}

// show prints a report and each question's ranks.
func show(t *testing.T, report bench.RetentionReport, rankers []string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\nranks by %s\n", strings.Join(rankers, ", "))
	for _, a := range report.Answers {
		for _, ranker := range rankers {
			fmt.Fprintf(&b, "%3d", a.Ranks[ranker])
		}
		fmt.Fprintf(&b, "  %s: %s\n", a.Function, a.Query)
	}
	return b.Bytes()
}

func TestRetentionByWords(t *testing.T) {
	rankers := []string{"random", "head", "bm25"}
	report, err := newRetention(t, nil).Run(t.Context(), slice(t), sliceOptions(36, rankers...))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "words.txt", show(t, report, rankers))
}

func TestRetentionByEmbeddedModel(t *testing.T) {
	rankers := []string{"bm25", "ami", "hybrid"}
	opt := sliceOptions(36, rankers...)
	opt.Ratios = []float64{5.6} // one is enough to see the model's part, and scoring dominates the time
	report, err := newRetention(t, bench.NewLossCache(newEmbedded(t))).Run(t.Context(), slice(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "model.txt", show(t, report, rankers))
}

// keepAll keeps everything, or nothing, and ranks in source order.
type keepAll struct {
	splitter compress.Splitter
	keep     bool
}

func (w keepAll) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	res := compress.Result{OriginalTokens: 100, CompressedTokens: 100}
	for _, f := range req.Files {
		parsed, err := w.splitter.ParseAs(ctx, f.Language, []byte(f.Content))
		if err != nil {
			return res, err
		}
		text := f.Content
		if !w.keep {
			text = ""
		}
		res.Files = append(res.Files, compress.FileResult{Path: f.Path, Text: text})
		for _, c := range parsed.Chunks {
			r := compress.ChunkResult{
				File: f.Path, Kind: c.Kind, StartLine: c.StartLine + 1, EndLine: c.EndLine,
				Rank: len(res.Chunks) + 1,
			}
			if w.keep {
				r.KeptLines = [][2]int{{r.StartLine, r.EndLine}}
			}
			res.Chunks = append(res.Chunks, r)
		}
	}
	return res, nil
}

func TestRetentionOfEverythingAndNothing(t *testing.T) {
	for _, keep := range []bool{true, false} {
		r := newRetention(t, nil)
		r.Compressor = keepAll{r.Splitter, keep}
		report, err := r.Run(t.Context(), slice(t), sliceOptions(8, "bm25", "head"))
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		if keep {
			want = 1
		}
		bm25, head := report.Groups[0].Rankers[0], report.Groups[0].Rankers[1]
		for _, figure := range []string{"keep@2", "keep@10", "whole@4", "defs@5.6"} {
			if got := bm25.Mean[figure]; got != want {
				t.Errorf("keep everything %t: %s = %g, want %g", keep, figure, got, want)
			}
		}
		if bm25.Mean["parse@2"] != 1 {
			t.Errorf("keep everything %t: parse@2 = %g, want 1", keep, bm25.Mean["parse@2"])
		}
		// Both rank in source order, over the same tasks.
		if bm25.Mean["mrr"] != head.Mean["mrr"] || head.AgainstBM25["mrr"] != (bench.Interval{}) {
			t.Errorf("two rankings in source order differ: %v against %v", bm25.Mean["mrr"], head.Mean["mrr"])
		}
	}
}

// The context of a question must not hold its answer's description, and must hold the answer.
func TestRetentionHidesTheDescription(t *testing.T) {
	r := newRetention(t, nil)
	watch := &spy{next: r.Compressor}
	r.Compressor = watch
	report, err := r.Run(t.Context(), slice(t), sliceOptions(8, "bm25"))
	if err != nil {
		t.Fatal(err)
	}
	if len(watch.requests) != 4*report.Queries {
		t.Fatalf("%d requests for %d queries at 4 ratios", len(watch.requests), report.Queries)
	}
	for i, a := range report.Answers {
		req := watch.requests[4*i]
		name := a.Function[strings.LastIndex(a.Function, ".")+1:]
		text := ""
		for _, f := range req.Files {
			text += f.Content
		}
		text = strings.Join(strings.Fields(strings.NewReplacer("//", "", "*", "").Replace(text)), " ")
		if strings.Contains(text, a.Query) || strings.Contains(strings.ToLower(a.Query), strings.ToLower(name)+" ") {
			t.Errorf("%s: query %q stands in its context or names the function", a.Function, a.Query)
		}
		if !strings.Contains(text, name) {
			t.Errorf("%s is not in its context", a.Function)
		}
	}
}

type spy struct {
	next     bench.Compressor
	requests []compress.Request
}

func (s *spy) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	s.requests = append(s.requests, req)
	return s.next.Compress(ctx, req)
}

func TestRetentionIsRepeatable(t *testing.T) {
	run := func(seed uint64, strip bool) []bench.Answer {
		opt := sliceOptions(8, "random", "bm25")
		opt.Seed, opt.StripAll, opt.Ratios = seed, strip, []float64{4}
		report, err := newRetention(t, nil).Run(t.Context(), slice(t), opt)
		if err != nil {
			t.Fatal(err)
		}
		return report.Answers
	}
	same := func(a, b bench.Answer) bool {
		return a.Function == b.Function && a.Ranks["random"] == b.Ranks["random"] && a.Ranks["bm25"] == b.Ranks["bm25"]
	}
	if first := run(5, false); !slices.EqualFunc(first, run(5, false), same) {
		t.Error("the same seed gives other figures")
	} else if slices.EqualFunc(first, run(6, false), same) {
		t.Error("another seed gives the same figures")
	}
	// Without the other functions' descriptions the same questions have other ranks.
	if slices.EqualFunc(run(5, false), run(5, true), same) {
		t.Error("stripping all descriptions changes nothing")
	}
}

func TestRetentionHeldOutOnly(t *testing.T) {
	opt := sliceOptions(8, "bm25")
	opt.HeldOutOnly = true
	report, err := newRetention(t, nil).Run(t.Context(), slice(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	if report.Queries == 0 || report.HeldOutQueries != report.Queries || report.Packages != 1 {
		t.Errorf("%d of %d queries held out, from %d packages; want all, from one", report.HeldOutQueries,
			report.Queries, report.Packages)
	}
	if report.Groups[0].Name != "held-out" {
		t.Errorf("first group is %q, want held-out", report.Groups[0].Name)
	}
}

// Baselines must respect the budget, or they would look better than they are.
func TestBaselinesKeepTheBudget(t *testing.T) {
	r := newRetention(t, nil)
	report, err := r.Run(t.Context(), slice(t), sliceOptions(8, "random", "head"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Groups[0].Rankers {
		for name, ratio := range map[string]float64{"ratio@2": 2, "ratio@4": 4, "ratio@10": 10} {
			if got := f.Mean[name]; f.Ranker != "bm25" && got < ratio {
				t.Errorf("%s: %s = %g, over budget", f.Ranker, name, got)
			}
		}
	}
}
