package benchmarks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/parsers/processes"
	"pith/tokens"
)

// casesFlags are common to the benchmarks over cases.
type casesFlags struct {
	commonFlags

	rankers, speeds, stages []string
	// repos and limit choose among the cases.
	repos   []string
	limit   int
	memo    bool
	clean   bool
	options bench.CasesOptions
}

func (c *casesFlags) add(cmd *cobra.Command) {
	c.addCommon(cmd, "text, json or html")
	f := cmd.Flags()
	f.StringSliceVar(&c.rankers, "rankers", []string{"bm25", "words", "hybrid"},
		"the engine's rankers, and head (the beginning), random (whole chunks by lot), oracle (asks with the "+
			"answer's own code)")
	f.StringSliceVar(&c.speeds, "speeds", []string{"balanced"}, "exact, balanced, fast: how much the model reads")
	f.StringSliceVar(&c.stages, "stages", []string{"fine"}, "coarse (whole functions), fine (blocks inside them too)")
	cli.Ratios(f, &c.options.Ratios, []float64{3, 5.6, 10},
		"original / compressed tokens, as `numbers`; 0: the budget that the engine chooses itself")
	f.StringSliceVar(&c.repos, "repos", nil, "only the cases of these repositories")
	f.IntVar(&c.limit, "limit", 0, "at most so many cases, evenly from all (0: all)")
	f.IntVar(&c.options.Parallel, "parallel", 1, "cases worked on at once; seconds mean less then")
	f.BoolVar(&c.clean, "clean", false, "leave out repositories that the embedded models were trained on "+
		"(in a checkout)")
	f.BoolVar(&c.memo, "memo", false, "what the model said is kept from one ratio to the next: sooner done, but "+
		"seconds mean little")
	f.Uint64Var(&c.options.Seed, "seed", 1, "fixes the resamples of the intervals")
}

// measure puts the cases to the settings and prints what is left.
func (c *casesFlags) measure(cmd *cobra.Command, cases []bench.Case) (err error) {
	for _, ratio := range c.options.Ratios {
		if ratio < 1 && ratio != 0 {
			return cli.Usagef("--ratios %g: must be at least 1, or 0", ratio)
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
			return bench.NewLossCache(next)
		}
		return next
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	run := bench.Cases{Compressor: engine, Splitter: engine.Pool, Counters: wiring.NewCounters(tokens.New())}
	for _, ranker := range c.rankers {
		settings, err := run.Settings(ranker, c.speeds, c.stages, c.options.Seed)
		if err != nil {
			return cli.Usage(err)
		}
		c.options.Settings = append(c.options.Settings, settings...)
	}
	c.options.Progress = steps(cmd.ErrOrStderr())
	report, err := run.Run(cmd.Context(), cases, c.options)
	if err != nil {
		return wiring.AsUsage(err)
	}
	return c.print(cmd.OutOrStdout(), report)
}

// choose leaves the cases that the flags ask for.
func (c *casesFlags) choose(cases []bench.Case) ([]bench.Case, error) {
	if len(c.repos) > 0 {
		cases = slices.DeleteFunc(cases, func(one bench.Case) bool { return !slices.Contains(c.repos, one.Repo) })
		if len(cases) == 0 {
			return nil, cli.Usagef("--repos: no case is of %v", c.repos)
		}
	}
	if c.clean {
		corpus, err := bench.ReadCorpus(trainingFolder)
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("--clean: %w", err))
		}
		trained := corpus.Report(cases).Trained()
		cases = slices.DeleteFunc(cases, func(one bench.Case) bool { return slices.Contains(trained, one.Repo) })
		if len(cases) == 0 {
			return nil, cli.Usagef("--clean: all of %v are part of the training corpus", trained)
		}
	}
	if c.limit < 0 {
		return nil, cli.Usagef("--limit %d: must not be negative", c.limit)
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

// historyFlags say where the cases come from.
type historyFlags struct {
	casesFlags

	clones []string
	save   string
	make   bench.HistoryOptions
}

func historyCommand() *cobra.Command {
	var flags historyFlags
	cmd := &cobra.Command{
		Use:   "history (--repo PATH | CASES)",
		Short: "Ask with the messages of past commits and see whether the lines that they changed survive",
		Long: `Make cases of a local clone's commits, or read them from a file, one JSON object a
line, gzipped or not. A case's question is a commit's message; the changed files as they were before
it and their neighbours are the context; the lines that the commit changed, and the functions around
them, are what the answer needs. Report how much of them each setting keeps at each ratio.

A clone is read through the git command: nothing is written there and nothing is fetched. Shallow
clones have fewer cases.`,
		Example: "  pith bench history --repo ~/src/shop --rankers bm25,hybrid\n" +
			"  pith bench history --repo ~/src/shop --format html >report.html\n" +
			"  pith bench history cases.jsonl.gz --limit 60",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := flags.cases(cmd, args)
			if err != nil {
				return err
			}
			return flags.measure(cmd, cases)
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&flags.clones, "repo", nil, "local clones to make cases of")
	f.IntVar(&flags.make.Cases, "cases", 100, "cases to make of each clone, the newest commits first")
	f.IntVar(&flags.make.Commits, "commits", 20000, "commits of each clone to look at")
	f.StringVar(&flags.make.Rev, "rev", "HEAD", "the commit to go back from")
	f.StringVar(&flags.save, "save", "", "write the cases made to this file, gzipped, to read and to use again")
	return cmd
}

// cases makes or reads the cases.
func (h *historyFlags) cases(cmd *cobra.Command, files []string) ([]bench.Case, error) {
	if len(files)+len(h.clones) == 0 {
		return nil, cli.Usagef("name a clone (--repo PATH) or a file of cases")
	}
	if h.make.Cases <= 0 || h.make.Commits <= 0 {
		return nil, cli.Usagef("--cases and --commits must be positive")
	}
	var cases []bench.Case
	for _, file := range files {
		read, err := bench.ReadCases(file)
		if err != nil {
			return nil, cli.Usage(fmt.Errorf("read cases: %w", err))
		}
		cases = append(cases, read...)
	}
	if len(h.clones) == 0 {
		return cases, nil
	}
	pool, err := processes.NewPool(processes.Options{InProcess: true})
	if err != nil {
		return nil, fmt.Errorf("start parsers: %w", err)
	}
	h.make.Progress = steps(cmd.ErrOrStderr())
	for _, folder := range h.clones {
		made, err := bench.CasesOf(cmd.Context(), folder, pool, h.make)
		if err != nil {
			return nil, errors.Join(cli.Usage(fmt.Errorf("--repo: %w", err)), pool.Close())
		}
		cases = append(cases, made...)
	}
	if err := pool.Close(); err != nil {
		return nil, err
	}
	if h.save != "" {
		if err := bench.WriteCases(h.save, cases); err != nil {
			return nil, fmt.Errorf("--save: %w", err)
		}
	}
	return cases, nil
}
