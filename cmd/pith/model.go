package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pith/configs"
	"pith/perplexity"
)

func modelCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "model", Short: "Look at the language models that rank code"}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "list [DIR]...",
			Short: "Show the embedded model and the models in the folders",
			RunE: func(cmd *cobra.Command, dirs []string) error {
				return eachModel(dirs, func(name string, m *perplexity.Model) error {
					printCard(cmd.OutOrStdout(), name, m.Card())
					return nil
				})
			},
		},
		&cobra.Command{
			Use:   "verify [DIR]...",
			Short: "Check checksums, load the embedded model and the models in the folders, and score a line with each",
			RunE: func(cmd *cobra.Command, dirs []string) error {
				return eachModel(dirs, func(name string, m *perplexity.Model) error {
					_, err := m.Score(cmd.Context(), []perplexity.Sequence{{Given: "def area(w, h):\n    return w * h\n", Text: "the area of a rectangle"}})
					if err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
					fmt.Fprintf(cmd.OutOrStdout(), "%s: ok\n", name)
					return nil
				})
			},
		},
		modelPrepareCommand())
	return cmd
}

func eachModel(dirs []string, visit func(name string, m *perplexity.Model) error) error {
	for _, dir := range append([]string{""}, dirs...) {
		name := dir
		if name == "" {
			name = "embedded"
		}
		m, err := openModel(configs.Model{Dir: dir})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		err = visit(name, m)
		if cerr := m.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func printCard(w io.Writer, name string, c perplexity.Card) {
	fmt.Fprintf(w, "%s\n  name %s, licence %s, contract %s, up to %d tokens, sha256 %.16s, device %s\n",
		name, c.Name, c.License, c.Contract, c.MaxTokens, c.SHA256, c.Device)
}
