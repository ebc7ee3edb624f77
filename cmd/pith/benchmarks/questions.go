package benchmarks

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cmd/pith/cli"
	"pith/parsers/processes"
)

// questionsFile is where a checkout has its questions.
const questionsFile = "bench/questions/questions.json"

// otherWords is what reports call the questions that are not in the words of the code.
const otherWords = "other words"

type questionsFlags struct {
	casesFlags

	cache, save string
}

func questionsCommand() *cobra.Command {
	var flags questionsFlags
	cmd := &cobra.Command{
		Use:   "questions [FILE]",
		Short: "Ask questions that people wrote about packages and see whether the functions that answer survive",
		Long: `Read questions with the functions that their answers need, over files of named packages and
versions. Packages are fetched through the registries' own clients (go, pip, npm, cargo, mvn) and
kept in a folder; nothing of them is built or run. Without FILE, ` + questionsFile + `.`,
		Args: cli.AtMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			file := questionsFile
			if len(args) > 0 {
				file = args[0]
			}
			cases, err := flags.cases(cmd, file)
			if err != nil {
				return err
			}
			if flags.save != "" {
				if err := bench.WriteCases(flags.save, cases); err != nil {
					return fmt.Errorf("--save: %w", err)
				}
			}
			flags.options.Unnamed = otherWords
			return flags.measure(cmd, cases)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&flags.cache, "cache", "",
		"folder that packages are kept in (default: the user's cache folder)")
	cmd.Flags().StringVar(&flags.save, "save", "",
		"write the cases made to this file, gzipped, to read and to use again")
	return cmd
}

// cases fetches what the file asks about.
func (q *questionsFlags) cases(cmd *cobra.Command, file string) (cases []bench.Case, err error) {
	sets, err := bench.ReadQuestions(file)
	if err != nil {
		return nil, cli.Usage(fmt.Errorf("read questions: %w", err))
	}
	cache := q.cache
	if cache == "" {
		if cache, err = os.UserCacheDir(); err != nil {
			return nil, cli.Usagef("--cache: name a folder: %w", err)
		}
		cache = filepath.Join(cache, "pith", "packages")
	}
	pool, err := processes.NewPool(processes.Options{InProcess: true})
	if err != nil {
		return nil, fmt.Errorf("start parsers: %w", err)
	}
	cases, err = bench.QuestionCases(cmd.Context(), sets, cache, pool)
	if closed := pool.Close(); err == nil {
		err = closed
	}
	return cases, err
}
