package benchmarks

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cmd/pith/cli"
)

// trainingFolder is where a checkout has what tells what the embedded models were trained on.
const trainingFolder = "training"

type cleanFlags struct {
	historyFlags

	questions, folder, cacheFolder string
}

func cleanCommand() *cobra.Command {
	var flags cleanFlags
	cmd := &cobra.Command{
		Use:   "clean [CASES...]",
		Short: "Tell whether a benchmark's repositories are part of what the embedded models were trained on",
		Long: `Compare the repositories of a benchmark with the training corpus: by name, and by
content, which is the share of runs of six lines that the corpus has too. Fails when one of them is
part of it.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&flags.clones, "repo", nil, "local clones to look at")
	f.StringVar(&flags.questions, "questions", "", "file of questions to look at")
	f.StringVar(&flags.cacheFolder, "cache", "", "folder that packages are kept in (default: the user's cache folder)")
	f.StringVar(&flags.folder, "training", trainingFolder, "folder of the training recipe")
	f.StringVar(&flags.format, "format", "text", "text or json")
	return cmd
}

func (c *cleanFlags) run(cmd *cobra.Command, files []string) error {
	if c.format != "text" && c.format != "json" {
		return cli.Usagef("--format %q: want text or json", c.format)
	}
	corpus, err := bench.ReadCorpus(c.folder)
	if err != nil {
		return cli.Usage(fmt.Errorf("--training: %w", err))
	}
	c.make = bench.HistoryOptions{Cases: 100, Commits: 20000}
	var cases []bench.Case
	if len(files)+len(c.clones) > 0 || c.questions == "" {
		if cases, err = c.cases(cmd, files); err != nil {
			return err
		}
	}
	if c.questions != "" {
		asked, err := (&questionsFlags{cache: c.cacheFolder}).cases(cmd, c.questions)
		if err != nil {
			return err
		}
		cases = append(cases, asked...)
	}
	report := corpus.Report(cases)
	if err := c.print(cmd.OutOrStdout(), report); err != nil {
		return err
	}
	if trained := report.Trained(); len(trained) > 0 {
		return fmt.Errorf("part of the training corpus: %s", strings.Join(trained, ", "))
	}
	return nil
}
