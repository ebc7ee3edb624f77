package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/compress"
	"pith/tokens"
)

// casesFlags are common to the benchmarks over cases.
type casesFlags struct {
	benchFlags

	rankers, speeds, stages []string
	// repos and limit choose among the cases.
	repos   []string
	limit   int
	memo    bool
	options bench.CasesOptions
}

func (c *casesFlags) add(cmd *cobra.Command) {
	c.addCommon(cmd, "text, json or html")
	f := cmd.Flags()
	f.StringSliceVar(&c.rankers, "rankers", []string{"bm25", "words", "hybrid"},
		"the engine's rankers, and head (the beginning), random (whole chunks by lot), oracle (asks with the answer's own code)")
	f.StringSliceVar(&c.speeds, "speeds", []string{"balanced"}, "exact, balanced, fast: how much the model reads")
	f.StringSliceVar(&c.stages, "stages", []string{"fine"}, "coarse (whole functions), fine (blocks inside them too)")
	f.Float64SliceVar(&c.options.Ratios, "ratios", []float64{3, 5.6, 10}, "original / compressed tokens")
	f.StringSliceVar(&c.repos, "repos", nil, "only the cases of these repositories")
	f.IntVar(&c.limit, "limit", 0, "at most so many cases, evenly from all (0: all)")
	f.IntVar(&c.options.Parallel, "parallel", 1, "cases worked on at once; seconds mean less then")
	f.BoolVar(&c.memo, "memo", false, "what the model said is kept from one ratio to the next: sooner done, but seconds mean little")
	f.Uint64Var(&c.options.Seed, "seed", 1, "fixes the resamples of the intervals")
}

// measure puts the cases to the settings and prints what is left.
func (c *casesFlags) measure(cmd *cobra.Command, cases []bench.Case) (err error) {
	for _, ratio := range c.options.Ratios {
		if ratio < 1 {
			return usagef("--ratios %g: must be at least 1", ratio)
		}
	}
	cfg, err := c.load("html")
	if err != nil {
		return err
	}
	if cases, err = c.choose(cases); err != nil {
		return err
	}
	engine, err := newMeasuredEngine(cfg, func(next compress.Scorer) compress.Scorer {
		if c.memo {
			return bench.NewMemo(next)
		}
		return next
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.close()) }()
	run := bench.Cases{Compressor: engine, Splitter: engine.pool, Counters: counters{tokens.New()}}
	for _, ranker := range c.rankers {
		settings, err := run.Settings(ranker, c.speeds, c.stages, c.options.Seed)
		if err != nil {
			return usageError{err}
		}
		c.options.Settings = append(c.options.Settings, settings...)
	}
	c.options.Progress = steps(cmd.ErrOrStderr())
	report, err := run.Run(cmd.Context(), cases, c.options)
	if err != nil {
		return asUsage(err)
	}
	return c.print(cmd.OutOrStdout(), report)
}

// choose leaves the cases that the flags ask for.
func (c *casesFlags) choose(cases []bench.Case) ([]bench.Case, error) {
	if len(c.repos) > 0 {
		cases = slices.DeleteFunc(cases, func(one bench.Case) bool { return !slices.Contains(c.repos, one.Repo) })
		if len(cases) == 0 {
			return nil, usagef("--repos: no case is of %v", c.repos)
		}
	}
	if c.limit < 0 {
		return nil, usagef("--limit %d: must not be negative", c.limit)
	}
	if c.limit == 0 || c.limit >= len(cases) {
		return cases, nil
	}
	picked := make([]bench.Case, c.limit)
	for i := range picked {
		picked[i] = cases[i*len(cases)/c.limit]
	}
	return picked, nil
}

func benchHistoryCommand() *cobra.Command {
	var flags casesFlags
	cmd := &cobra.Command{
		Use:   "history CASES",
		Short: "Ask with the messages of past commits and see whether the lines that they changed survive",
		Long: `Read cases from a file, one JSON object a line, gzipped or not. A case's question is a commit's message; the changed
files as they were before it and their neighbours are the context; the lines that the commit changed, and the functions
around them, are what the answer needs. Report how much of them each setting keeps at each ratio.`,
		Example: "  pith bench history cases.jsonl.gz --rankers bm25,hybrid --limit 60\n" +
			"  pith bench history cases.jsonl.gz --format html >report.html",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name a file of cases")
			}
			cases, err := bench.ReadCases(args[0])
			if err != nil {
				return usageError{fmt.Errorf("read cases: %w", err)}
			}
			return flags.measure(cmd, cases)
		},
	}
	flags.add(cmd)
	return cmd
}
