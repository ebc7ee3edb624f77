package models

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/perplexity"
)

func prepareCommand() *cobra.Command {
	var opt perplexity.PrepareOptions
	cmd := &cobra.Command{
		Use: "prepare DIR",
		Short: "Turn a Hugging Face ONNX export into a model that computes losses itself, which is faster and " +
			"takes less memory",
		Long: `Edit the graph of a causal language model that was exported to ONNX (model.onnx with
input_ids and logits, with or without past_key_values; 32-bit, 16-bit, int8 or 4-bit weights, inline
or in files beside it), so that it projects onto the vocabulary only where a loss is wanted and
gives losses. The result is compared with the original on sample text and written to a new folder,
with a side-car of checksums; the original stays as it is. What cannot be edited is refused with the
reason.`,
		Args: cli.Exactly(1, "the folder of the export"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := filepath.Clean(args[0])
			if opt.Out == "" {
				opt.Out = dir + "-nll"
			}
			opt.Progress = cli.Transfers(cmd.ErrOrStderr())
			out, err := perplexity.Prepare(cmd.Context(), dir, opt)
			if err != nil {
				return fmt.Errorf("prepare %s: %w", dir, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d losses compared, at most %.2g nats apart (allowed %g)\n", opt.Out,
				out.Losses, out.Worst, out.Tolerance)
			printCard(cmd.OutOrStdout(), opt.Out, out.Card)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.Out, "out", "", "folder to write (default: DIR-nll)")
	f.StringVar(&opt.Name, "name", "", "name for the side-car (default: the export's own)")
	f.StringVar(&opt.License, "license", "", "licence for the side-car (default: what the export's README.md says)")
	return cmd
}
