package pruning

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/evolve"
	"pith/evolve/search"
)

func benchCommand() *cobra.Command {
	opt := search.BenchOptions{Algorithms: search.Algorithms()}
	var (
		format, task string
		prompts      int
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Compare the searches on planted problems, or time one on a task",
		Long: "Compare the searches on planted problems with known optima.\n\n" +
			"With --task, time the guided search on a task with the local model instead: as a run does it,\n" +
			"and evaluating the same prompts with nothing shared, batched or remembered.",
		Args: cli.Exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if task != "" {
				times, err := benchTask(cmd, task, prompts, opt.Workers)
				if err != nil {
					return err
				}
				return cli.PrintAs(cmd.OutOrStdout(), format, times, times.WriteText)
			}
			rows, err := search.Bench(cmd.Context(), opt)
			if err != nil {
				return err
			}
			return cli.PrintAs(cmd.OutOrStdout(), format, rows,
				func(w io.Writer) error { return search.WriteBench(w, rows) })
		},
	}
	f := cmd.Flags()
	f.IntVar(&opt.Seeds, "seeds", 100, "problems of each kind")
	f.IntVar(&opt.Workers, "workers", 2, "problems, or prompts, at once")
	f.StringVar(&task, "task", "", "time the search on this task file")
	f.IntVar(&prompts, "prompts", 100, "prompts to look at, with --task")
	f.StringVar(&format, "format", "text", "text or json")
	return cmd
}

func benchTask(cmd *cobra.Command, path string, prompts, workers int) (t evolve.TaskTimes, err error) {
	task, err := evolve.LoadTask(path)
	if err != nil {
		return t, err
	}
	cfg, err := wiring.LoadConfig("", wiring.Overrides{})
	if err != nil {
		return t, err
	}
	shared, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return t, fmt.Errorf("open the local model: %w", err)
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	cfg.Model.StateBytes = 0
	single, err := wiring.OpenModel(cfg.Model)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, single.Close()) }()
	return evolve.TaskBench{
		Task: task, Tokenize: tokenizer(shared.Tokenizer()), LM: localBackend(shared).LM,
		Alone:   localBackend(single).LM,
		Workers: workers,
		Options: search.Options{Algorithm: search.Guided, Seed: 1, MaxPrompts: prompts},
	}.Run(cmd.Context())
}
