package benchmarks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/tokens"
)

// Where a checkout has the programs of rivals, and where bench/field/install puts what they need.
const (
	fieldPrograms = "bench/field"
	fieldInstalls = ".deps/field"
)

// ours is the name of the program's own row.
const ours = "pith"

// rivals are the programs that answer for another compressor, in its folder of fieldInstalls.
var rivals = map[string]func(dir string) []string{
	"headroom": func(dir string) []string { return []string{dir + "/bin/python", fieldPrograms + "/run_headroom.py"} },
	"aider":    func(dir string) []string { return []string{dir + "/bin/python", fieldPrograms + "/run_aider.py"} },
	"repomix":  func(dir string) []string { return []string{"python3", fieldPrograms + "/run_repomix.py", dir} },
}

type fieldFlags struct {
	questionsFlags

	history         historyFlags
	questions       string
	ranker, speed   string
	stage           string
	rivals          []string
	withoutLongCode bool
	started         []*bench.Rival
}

func fieldCommand() *cobra.Command {
	var flags fieldFlags
	cmd := &cobra.Command{
		Use:   "field [CASES...]",
		Short: "Compare with simple methods and with other compressors, on the same cases at the same tokens",
		Long: `Put the cases of files, clones and questions to the program as it is shipped, to
plain BM25 over whole functions, to the beginning and the end, to headers alone, to LongCodeZip's
published rules with the program's model, and to other compressors that bench/field/install has
installed. Each row has the tokens that the program's result had; a rival that takes no budget has
its own, and the program is run again at those.`,
		Example: "  bench/field/install headroom repomix\n  pith bench field cases.jsonl.gz --rivals " +
			"headroom,repomix --limit 60",
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	flags.addCommon(cmd, "text, json or html")
	f := cmd.Flags()
	f.StringSliceVar(&flags.history.clones, "repo", nil, "local clones to make cases of")
	f.StringVar(&flags.questions, "questions", "", "file of questions")
	f.StringVar(&flags.cache, "cache", "", "folder that packages are kept in (default: the user's cache folder)")
	f.StringVar(&flags.ranker, "ranker", "auto", "the program's ranker")
	f.StringVar(&flags.speed, "speed", "balanced", "the program's speed")
	f.StringVar(&flags.stage, "stage", "fine", "the program's stage")
	f.StringSliceVar(&flags.rivals, "rivals", nil,
		"headroom, aider, repomix: those that bench/field/install has installed")
	f.BoolVar(&flags.withoutLongCode, "no-longcodezip", false,
		"leave LongCodeZip's rules out, which read everything and take seconds a case")
	cli.Ratios(f, &flags.options.Ratios, []float64{5.6}, "original / compressed tokens of the program, as `numbers`")
	f.StringSliceVar(&flags.repos, "repos", nil, "only the cases of these repositories")
	f.IntVar(&flags.limit, "limit", 0, "at most so many cases, evenly from all (0: all)")
	f.BoolVar(&flags.clean, "clean", false,
		"leave out repositories that the embedded models were trained on (in a checkout)")
	f.IntVar(&flags.options.Parallel, "parallel", 1, "cases worked on at once")
	f.Uint64Var(&flags.options.Seed, "seed", 1, "fixes the resamples of the intervals")
	return cmd
}

func (c *fieldFlags) run(cmd *cobra.Command, files []string) (err error) {
	cases, err := c.allCases(cmd, files)
	if err != nil {
		return err
	}
	cfg, err := c.load("html")
	if err != nil {
		return err
	}
	if cases, err = c.choose(cases); err != nil {
		return err
	}
	engine, err := newMeasuredEngine(cfg, func(next compress.Scorer) compress.Scorer { return next })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	run := bench.Cases{Compressor: engine, Splitter: engine.Pool, Counters: wiring.NewCounters(tokens.New())}
	if c.options.Settings, err = c.settings(run); err != nil {
		return err
	}
	defer func() {
		for _, r := range c.started {
			err = errors.Join(err, r.Close())
		}
	}()
	c.options.ByCase = true
	if len(files)+len(c.history.clones) == 0 {
		c.options.Unnamed = otherWords
	}
	c.options.Progress = steps(cmd.ErrOrStderr())
	report, err := run.Run(cmd.Context(), cases, c.options)
	if err != nil {
		return wiring.AsUsage(err)
	}
	return c.print(cmd.OutOrStdout(), report)
}

func (c *fieldFlags) allCases(cmd *cobra.Command, files []string) ([]bench.Case, error) {
	var cases []bench.Case
	if len(files)+len(c.history.clones) > 0 || c.questions == "" {
		c.history.make = bench.HistoryOptions{Cases: 100, Commits: 20000}
		read, err := c.history.cases(cmd, files)
		if err != nil {
			return nil, err
		}
		cases = read
	}
	if c.questions != "" {
		asked, err := c.cases(cmd, c.questions)
		if err != nil {
			return nil, err
		}
		cases = append(cases, asked...)
	}
	return cases, nil
}

// settings lists the rows, the program's own first.
func (c *fieldFlags) settings(run bench.Cases) ([]bench.Setting, error) {
	request := compress.Request{Ranker: c.ranker, Speed: compress.Speed(c.speed), Stage: compress.Stage(c.stage)}
	settings := append([]bench.Setting{{Name: ours, Request: request}}, run.Contenders(ours)...)
	if !c.withoutLongCode {
		for _, stage := range []compress.Stage{compress.StageCoarse, compress.StageFine} {
			settings = append(settings, bench.Setting{
				Name: "longcodezip, " + string(stage), TokensOf: ours,
				Request: compress.Request{Compat: "longcodezip", Stage: stage},
			})
		}
	}
	for _, name := range c.rivals {
		program, ok := rivals[name]
		if !ok {
			return nil, cli.Usagef("--rivals %s: there are headroom, aider and repomix", name)
		}
		dir, err := filepath.Abs(filepath.Join(fieldInstalls, name))
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(dir); err != nil {
			return nil, cli.Usagef("--rivals %s: not installed; run bench/field/install %s in a checkout", name, name)
		}
		args := program(dir)
		rival, err := bench.StartRival(run.Counters, args[0], args[1:]...)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
		}
		c.started = append(c.started, rival)
		again := ours + " at " + name + "'s"
		settings = append(settings,
			bench.Setting{Name: name, Compressor: rival, TokensOf: ours, Against: again},
			bench.Setting{Name: again, Request: request, TokensOf: name, Against: name})
	}
	return slices.Clip(settings), nil
}
