package models

import (
	"fmt"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/perplexity"
)

func randomCommand() *cobra.Command {
	model := perplexity.Qwen05B
	cmd := &cobra.Command{
		Use:   "random DIR",
		Short: "Write a model of Qwen2.5-Coder-0.5B's size with random weights, for measuring speed only",
		Args:  cli.Exactly(1, "the folder to write"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := model.Write(cmd.Context(), args[0]); err != nil {
				return fmt.Errorf("write %s: %w", args[0], err)
			}
			card, err := perplexity.ReadCard(args[0])
			if err != nil {
				return err
			}
			printCard(cmd.OutOrStdout(), args[0], card)
			return nil
		},
	}
	cmd.Flags().StringVar(&model.Format, "weights", model.Format, "float32 or float16")
	cmd.Flags().IntVar(&model.Layers, "layers", model.Layers, "decoder layers; fewer make a smaller file")
	return cmd
}
