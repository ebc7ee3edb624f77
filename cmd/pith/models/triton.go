package models

import (
	"fmt"

	"github.com/spf13/cobra"

	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/perplexity"
)

func tritonCommand() *cobra.Command {
	var opt perplexity.TritonOptions
	cmd := &cobra.Command{
		Use:   "export-triton [DIR]",
		Short: "Write a prepared model, or the embedded one, as a model repository of the Triton inference server",
		Long: `Write a model of contract nll as a model repository: the graph with rows that the server can
batch, config.pbtxt with its dynamic batching, and a folder pith beside them with tokenizer, side-car
and golden scores, which proxies take as model.dir. The written graph is run and has to give the
golden scores within 1e-3 nats. KServe and MLServer serve the same graph.`,
		Args: cli.AtMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := ""
			if len(args) > 0 {
				cfg, err := wiring.LoadConfig("", wiring.Overrides{ModelDir: args[0]})
				if err != nil {
					return err
				}
				dir = cfg.Model.Dir
			}
			if err := perplexity.Setup(""); err != nil {
				return err
			}
			opt.Progress = cli.Transfers(cmd.ErrOrStderr())
			out, err := perplexity.ExportTriton(cmd.Context(), dir, opt)
			if err != nil {
				return fmt.Errorf("export: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: losses at most %.2g nats from the model's\n  serve it: "+
				"tritonserver --model-repository %s\n  proxies:  PITH_SCORER_URL=http://HOST:8000 "+
				"PITH_SCORER_MODEL=%s PITH_MODEL_DIR=%s\n",
				out.Folder, out.Worst, opt.Out, out.Name, out.Client)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&opt.Out, "out", "triton-models", "folder to write, which must not exist")
	f.StringVar(&opt.Name, "name", "", "the model's name on the server (default: the side-car's)")
	f.IntVar(&opt.MaxBatch, "max-batch", 64, "most texts in one run of the server")
	f.DurationVar(&opt.QueueTimeout, "queue-timeout", 0, "how long a text may wait in the server before it is "+
		"refused (default 1s); belongs below scorer.timeout")
	return cmd
}
