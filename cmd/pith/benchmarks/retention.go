package benchmarks

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/bench/sources"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
	"pith/tokens"
)

// Where the training recipe, run in a checkout, leaves its manifest and the sources that it
// fetched.
const (
	trainingManifest = "training/corpus_manifest.json"
	trainingSources  = "training/data/src"
)

type retentionFlags struct {
	commonFlags

	folders  []string
	manifest string
	options  bench.RetentionOptions
}

func retentionCommand() *cobra.Command {
	var flags retentionFlags
	cmd := &cobra.Command{
		Use:   "retention",
		Short: "Ask for documented functions of this machine's sources and see whether they survive",
		Long: `Take documented functions from the sources on this machine (standard libraries,
module caches, installed packages, or the folders that --corpus names). Each one's description,
without its name, is a question; its file and the files around it, without that description, are the
context. Report how well each ranker finds the function, and how much of it is left at each ratio.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&flags.folders, "corpus", nil,
		"folders of packages to use instead of what is found on this machine")
	f.StringVar(&flags.manifest, "manifest", trainingManifest, "training manifest that names the held-out packages")
	f.BoolVar(&flags.options.HeldOutOnly, "held-out", false, "ask about held-out packages only")
	f.BoolVar(&flags.options.StripAll, "strip-all", false,
		"take every function's description out of the context, not only the needle's")
	f.IntVar(&flags.options.Queries, "queries", 200, "number of questions, shared evenly over the languages")
	f.StringSliceVar(&flags.options.Languages, "languages", nil,
		"languages to ask about (default: the eight most common)")
	f.StringSliceVar(&flags.options.Rankers, "rankers", nil,
		"random, head, bm25, words, ami, hybrid, oracle (default: all); hybrid@fast runs hybrid at that speed, "+
			"words@coarse keeps whole functions")
	cli.Ratios(f, &flags.options.Ratios, []float64{2, 4, 5.6, 10}, "original / compressed tokens, as `numbers`")
	f.IntVar(&flags.options.ContextBytes, "context-bytes", 32<<10, "size of one question's files together")
	f.Uint64Var(&flags.options.Seed, "seed", 1, "fixes which functions are asked for")
	return cmd
}

func (r *retentionFlags) run(cmd *cobra.Command) (err error) {
	if r.options.Queries <= 0 {
		return cli.Usagef("--queries %d: must be positive", r.options.Queries)
	}
	for _, ratio := range r.options.Ratios {
		if ratio < 1 {
			return cli.Usagef("--ratios %g: must be at least 1", ratio)
		}
	}
	cfg, err := r.load()
	if err != nil {
		return err
	}
	packages, err := r.packages(cmd.Context())
	if err != nil {
		return err
	}
	if r.options.HeldOutOnly && !slices.ContainsFunc(packages, func(p sources.Package) bool { return p.HeldOut }) {
		return cli.Usagef("--held-out: none of the packages found is held out by %s", r.manifest)
	}
	engine, err := newMeasuredEngine(
		cfg, func(next compress.Scorer) compress.Scorer { return bench.NewLossCache(next) },
	)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	r.options.Progress = steps(cmd.ErrOrStderr())
	report, err := bench.Retention{
		Compressor: engine, Splitter: engine.Pool, Counters: wiring.NewCounters(tokens.New()),
	}.Run(cmd.Context(), packages, r.options)
	if err != nil {
		return wiring.AsUsage(err)
	}
	return r.print(cmd.OutOrStdout(), report)
}

func (r *retentionFlags) packages(ctx context.Context) ([]sources.Package, error) {
	heldOut, err := sources.HeldOut(r.manifest)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	var packages []sources.Package
	folders := r.folders
	if len(folders) == 0 {
		packages = sources.LocalPackages(ctx)
		if _, err := os.Stat(trainingSources); err == nil {
			folders = []string{trainingSources}
		}
	}
	for _, folder := range folders {
		found, err := sources.FolderPackages(folder)
		if err != nil {
			return nil, cli.Usage(err)
		}
		packages = append(packages, found...)
	}
	return sources.Mark(packages, heldOut), nil
}
