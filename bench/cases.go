package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"pith/compress"
)

// A Setting is one way to shorten.
type Setting struct {
	// Name stands in reports: "bm25", "hybrid@fast", "words coarse".
	Name string
	// Compressor may be nil: then that of the Cases.
	Compressor Compressor
	// Request is the template: its ranker, speed, stage and compat are used.
	Request compress.Request
	// TokensOf names an earlier setting whose result's tokens are the budget. If empty, the ratio
	// decides.
	TokensOf string
	// Against names the setting that this one is compared with. If empty, the first.
	Against string
	// ask gives the question; if nil, that of the case.
	ask func(e exam) string
}

// CasesOptions say what to measure. The zero value of each field means its default.
type CasesOptions struct {
	// Settings are what is compared.
	Settings []Setting
	// Ratios are original / compressed tokens; 0 leaves the budget to the setting. If empty, 3, 5.6
	// and 10.
	Ratios []float64
	// Unnamed is what reports call the cases that are not Named. If empty, unnamed.
	Unnamed string
	// ByCase draws cases for the intervals; if false, whole repositories where there are enough of
	// them.
	ByCase bool
	// Seed fixes the resamples.
	Seed uint64
	// Parallel is how many cases are worked on at once. If zero, one: seconds mean most then.
	Parallel int
	// Progress is told how far the run is. May be nil.
	Progress func(phase string, done, total int)
}

func (o CasesOptions) withDefaults() CasesOptions {
	if len(o.Ratios) == 0 {
		o.Ratios = []float64{3, 5.6, 10}
	}
	if o.Unnamed == "" {
		o.Unnamed = groupUnnamed
	}
	o.Parallel = max(o.Parallel, 1)
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// Cases measures what of the code that a question needs is left, at each ratio, by each setting.
type Cases struct {
	Compressor Compressor
	Splitter   compress.Splitter
	Counters   compress.Counters
}

// outcomeTable hold the outcomes of each setting: by ratio, then by case.
type outcomeTable [][][]outcome

// Run puts each case to each setting.
func (r Cases) Run(ctx context.Context, cases []Case, opt CasesOptions) (CasesReport, error) {
	opt = opt.withDefaults()
	if len(cases) == 0 || len(opt.Settings) == 0 {
		return CasesReport{}, errors.New("no cases, or nothing to put them to")
	}
	all := make(outcomeTable, len(opt.Settings))
	for s := range all {
		all[s] = make([][]outcome, len(opt.Ratios))
		for i := range all[s] {
			all[s][i] = make([]outcome, len(cases))
		}
	}
	sizes := make([]int, len(cases))
	var mu sync.Mutex
	done := 0
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(opt.Parallel)
	for i, c := range cases {
		g.Go(func() error {
			e, err := newExam(ctx, c, r.Splitter)
			if err != nil {
				return fmt.Errorf("%s %s: %w", c.Repo, c.Commit, err)
			}
			for at, ratio := range opt.Ratios {
				if sizes[i], err = r.put(ctx, e, ratio, opt,
					func(s int, out outcome) { all[s][at][i] = out }); err != nil {
					return fmt.Errorf("%s %s: %w", c.Repo, c.Commit, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			done++
			opt.Progress("cases", done, len(cases))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return CasesReport{}, err
	}
	return newCasesReport(cases, sizes, all, opt), nil
}

// put puts a case to all settings at one ratio and returns its size in tokens.
func (r Cases) put(ctx context.Context, e exam, ratio float64, opt CasesOptions, set func(setting int, out outcome)) (
	int, error,
) {
	size := 0
	tokens := make(map[string]int)
	for s, setting := range opt.Settings {
		compressor := setting.Compressor
		if compressor == nil {
			compressor = r.Compressor
		}
		req := setting.Request
		req.Files, req.Query = e.files, e.Query
		if ratio > 0 {
			req.Rate = 1 / ratio
		}
		if setting.ask != nil {
			req.Query = setting.ask(e)
		}
		if n := tokens[setting.TokensOf]; n > 0 {
			req.Rate, req.Budget = 0, n
		}
		start := time.Now()
		res, err := compressor.Compress(ctx, req)
		seconds := time.Since(start).Seconds()
		if errors.Is(err, compress.ErrBudget) {
			set(s, append(nothing(), seconds))
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("%s at %g: %w", setting.Name, ratio, err)
		}
		out, err := e.judge(ctx, r.Splitter, res)
		if err != nil {
			return 0, fmt.Errorf("%s at %g: %w", setting.Name, ratio, err)
		}
		set(s, append(out, seconds))
		size = max(size, res.OriginalTokens)
		tokens[setting.Name] = res.CompressedTokens
	}
	return size, nil
}

// column lists one figure of a setting at a ratio for the members, cases by index.
func (r outcomeTable) column(setting, ratio int, members []int, figure int) []float64 {
	out := make([]float64, len(members))
	for i, m := range members {
		out[i] = math.NaN()
		if o := r[setting][ratio][m]; o != nil {
			out[i] = o[figure]
		}
	}
	return out
}
