// Package models has the commands of `pith model`.
package models

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/perplexity"
)

// Command is `pith model`.
func Command() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "model",
		Short: "Install, prepare and look at the language models that rank code",
	},
		listCommand(), verifyCommand(), addCommand(), prepareCommand(),
		tritonCommand(), randomCommand())
}

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list [DIR]...",
		Short: "Show the embedded model, the installed ones and those in the folders",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			models, err := eachModel(dirs)
			if err != nil {
				return err
			}
			for _, m := range models {
				card, err := perplexity.ReadCard(m.dir)
				if err != nil {
					// One broken model must not hide the others.
					fmt.Fprintf(cmd.OutOrStdout(), "%s\n  broken: %v\n", m.name, err)
					continue
				}
				printCard(cmd.OutOrStdout(), m.name, card)
			}
			return nil
		},
	}
}

func verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify [DIR]...",
		Short: "Check checksums, load every model that list shows, and score a line with each",
		RunE: func(cmd *cobra.Command, dirs []string) error {
			models, err := eachModel(dirs)
			if err != nil {
				return err
			}
			for _, named := range models {
				m, err := wiring.OpenModel(configs.Model{Dir: named.dir})
				if err != nil {
					return fmt.Errorf("%s: %w", named.name, err)
				}
				err = scoreLine(cmd.Context(), m)
				if cerr := m.Close(); err == nil {
					err = cerr
				}
				if err != nil {
					return fmt.Errorf("%s: %w", named.name, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", named.name)
			}
			return nil
		},
	}
}

// scoreLine is the least that a model must be able to do.
func scoreLine(ctx context.Context, m *perplexity.Model) error {
	_, err := m.Score(
		ctx, []perplexity.Sequence{{Given: "def area(w, h):\n    return w * h\n", Text: "the area of a rectangle"}})
	return err
}

// A namedModel is a model as it is asked for, and its folder: "" for the embedded one.
type namedModel struct{ name, dir string }

// eachModel returns the embedded model, the installed ones, and those in dirs.
func eachModel(dirs []string) ([]namedModel, error) {
	cfg, err := wiring.LoadConfig("", wiring.Overrides{})
	if err != nil {
		return nil, err
	}
	folder, err := wiring.ModelFolder(cfg.Model)
	if err != nil {
		return nil, err
	}
	names, err := wiring.InstalledModels(folder)
	if err != nil {
		return nil, err
	}
	models := []namedModel{{name: "embedded"}}
	for _, name := range names {
		models = append(models, namedModel{name, filepath.Join(folder, name)})
	}
	for _, dir := range dirs {
		models = append(models, namedModel{dir, dir})
	}
	return models, nil
}

func printCard(w io.Writer, name string, c perplexity.Card) {
	fmt.Fprintf(w, "%s\n  name %s, licence %s, contract %s, up to %d tokens, sha256 %.16s\n",
		name, c.Name, c.License, c.Contract, c.MaxTokens, c.SHA256)
}
