// Package pruning has the commands of `pith evolve`.
package pruning

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/evolve"
	"pith/evolve/llm"
	"pith/evolve/search"
)

// Command holds the commands that prune few-shot prompts.
func Command() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "evolve",
		Short: "Prune few-shot prompts by search",
		Long: "Prune few-shot prompts by search: drop the tokens that a task does better without.\n\n" +
			"A task is a YAML file with a template, its demonstrations and three splits of examples.",
	}, runCommand(), resumeCommand(), showCommand(), exportCommand(), workerCommand(),
		benchCommand())
}

func runCommand() *cobra.Command {
	var (
		spec evolve.Spec
		run  runFlags
		out  string
	)
	cmd := &cobra.Command{
		Use:   "run TASK.yaml",
		Short: "Start a run",
		Example: "  pith evolve run examples/evolve/brackets/task.yaml --out runs/brackets\n" +
			"  pith evolve run task.yaml --endpoint http://127.0.0.1:11434/v1 --endpoint-model qwen2.5 " +
			"--token-budget 500000",
		Args: cli.Exactly(1, "one task file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			task, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			spec.Task = task
			if err := finishSpec(&spec, redisURL(run.redis) != ""); err != nil {
				return err
			}
			// The task is read before the directory is made: a typo leaves nothing behind.
			loaded, err := evolve.LoadTask(task)
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join("runs", fmt.Sprintf("%s-%s-%d", loaded.Name, spec.Algorithm, spec.Seed))
			}
			dir, err := evolve.CreateRun(out, spec)
			if err != nil {
				return err
			}
			return run.do(cmd, dir, loaded, out)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "directory of the run (default runs/TASK-ALGORITHM-SEED)")
	f.StringVar(
		(*string)(&spec.Algorithm), "algorithm", "",
		"guided (the default), gga (the default with --reference), ssga, tapruning or sahc",
	)
	f.StringVar((*string)(&spec.Objective), "objective", string(search.Best), "best, shortest (at no loss) or front")
	f.Uint64Var(&spec.Seed, "seed", 1, "seed of all random choices")
	f.BoolVar(
		&spec.Reference, "reference", false,
		"the published procedure, quirks included: driven by the metric, choice by its own rule",
	)
	f.StringVar(
		&spec.Fitness, "fitness", "",
		"what drives the search: reward (confidence; the default) or metric (the default with --reference)",
	)
	f.BoolVar(&spec.Halving, "halving", false, "judge children of gga on half of the examples first")
	f.BoolVar(&spec.Racing, "racing", false, "stop evaluating a prompt once it cannot win any more; changes no answer")
	f.IntVar(&spec.MaxPrompts, "max-prompts", 0, "prompts to look at, at most (default 10000)")
	f.IntVar(&spec.MinLength, "min-length", 0, "mean length at which an evolution ends (default 15)")
	f.StringVar(&spec.Units, "units", "", "what a mask is over: tokens (local models; the default there) or words")
	addBackendFlags(cmd, &spec.Backend)
	run.add(cmd)
	return cmd
}

// finishSpec checks what flags alone can tell and fills in what depends on the backend. A shared
// run leaves evaluations to workers, and to them the address of an endpoint.
func finishSpec(spec *evolve.Spec, shared bool) error {
	b := spec.Backend
	switch {
	case b.Endpoint != "" && b.Model == "":
		return cli.Usagef("--endpoint needs --endpoint-model")
	case b.Endpoint != "" && shared:
		return cli.Usagef("with --redis the workers name the --endpoint; the run only its --endpoint-model")
	case b.Endpoint == "" && b.Model != "" && !shared:
		return cli.Usagef("--endpoint-model needs --endpoint, or --redis and workers that have one")
	case b.Model != "" && (b.ModelDir != "" || b.Device != ""):
		return cli.Usagef("an endpoint and --model-dir or --device exclude each other")
	}
	if b.Endpoint != "" { // before there is a folder of the run
		if _, err := llm.NewEndpoint(llm.EndpointOptions{BaseURL: b.Endpoint, Model: b.Model}); err != nil {
			return cli.Usage(err)
		}
	}
	if spec.Algorithm == "" {
		spec.Algorithm = search.Guided
		if spec.Reference {
			spec.Algorithm = search.GGA
		}
	}
	if spec.Units == "" {
		spec.Units = "tokens"
		if b.Model != "" {
			spec.Units = "words"
		}
	}
	if spec.Units != "tokens" && spec.Units != "words" {
		return cli.Usagef("--units %q is neither tokens nor words", spec.Units)
	}
	if spec.Units == "tokens" && b.Model != "" {
		return cli.Usagef("--units tokens needs a local model: an endpoint does not show its tokens")
	}
	if err := spec.Check(); err != nil {
		return cli.Usage(err)
	}
	return nil
}

func resumeCommand() *cobra.Command {
	var run runFlags
	cmd := &cobra.Command{
		Use:   "resume DIR",
		Short: "Go on with a run that was stopped or killed",
		Args:  cli.Exactly(1, "one run directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := evolve.OpenRun(args[0])
			if err != nil {
				return err
			}
			task, err := evolve.LoadTask(dir.Spec.Task)
			if err != nil {
				return errors.Join(err, dir.Close())
			}
			return run.do(cmd, dir, task, args[0])
		},
	}
	run.add(cmd)
	return cmd
}

func showCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show DIR",
		Short: "Show what a run found, or how far it is",
		Args:  cli.Exactly(1, "one run directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := evolve.ReadReport(args[0])
			if errors.Is(err, evolve.ErrUnfinished) {
				return showProgress(cmd.OutOrStdout(), args[0], format)
			}
			if err != nil {
				return err
			}
			return cli.PrintAs(cmd.OutOrStdout(), format, report, report.WriteText)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// runStatus is how far an unfinished run is.
type runStatus struct {
	Generations []search.Progress `json:"generations"`
	Spending    llm.Spending      `json:"spending"`
}

func showProgress(w io.Writer, dir, format string) error {
	generations, spent, err := evolve.ReadProgress(dir)
	if err != nil {
		return err
	}
	status := runStatus{generations, spent}
	return cli.PrintAs(w, format, status, func(w io.Writer) error {
		for _, p := range generations {
			fmt.Fprintln(w, progressLine(evolve.Status{Phase: "search", Progress: p}, 0))
		}
		_, err := fmt.Fprintf(w, "not finished; go on with `pith evolve resume %s`%s\n", dir, costOf(spent))
		return err
	})
}

// unfinished says what is missing for a result.
func unfinished(dir string) error {
	generations, _, err := evolve.ReadProgress(dir)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s has no result yet: after %d generations the rest of the search, the choice on the "+
		"validation rows and the verdict on "+
		"the test rows are missing; `pith evolve resume %[1]s` goes on", dir, len(generations))
}

func exportCommand() *cobra.Command {
	var (
		out, spaces string
		force       bool
	)
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write the pruned prompt as one artefact file",
		Args:  cli.Exactly(1, "one run directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return cli.Usagef("export needs --out FILE.json")
			}
			if spaces != evolve.SpacesExact && spaces != evolve.SpacesNormalised {
				return cli.Usagef("--spaces %q is neither exact nor normalised", spaces)
			}
			report, err := evolve.ReadReport(args[0])
			if errors.Is(err, evolve.ErrNoRun) {
				return unfinished(args[0])
			}
			if errors.Is(err, evolve.ErrUnfinished) {
				return fmt.Errorf("%w; go on with `pith evolve resume %s`", err, args[0])
			}
			if err != nil {
				return err
			}
			artefact, err := evolve.NewArtefact(report, spaces, force)
			if errors.Is(err, evolve.ErrTransfer) {
				return fmt.Errorf("%w; --force exports it all the same", err)
			}
			if err != nil {
				return err
			}
			return artefact.Save(out)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "", "file to write")
	f.StringVar(
		&spaces, "spaces", evolve.SpacesExact,
		"how messages are compared with the template: exact or normalised white space",
	)
	f.BoolVar(
		&force, "force", false,
		"export a prompt that is not shown to do as well as the full one, or of a provisional report",
	)
	return cmd
}
