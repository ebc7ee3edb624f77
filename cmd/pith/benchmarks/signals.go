package benchmarks

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/compress"
)

// signalsCommand prints what the ranking knows of each chunk: what training/fit.py fits the
// weights on, and what a person reads who asks why a chunk stands where it does.
func signalsCommand() *cobra.Command {
	var flags commonFlags
	ranker := "words"
	cmd := &cobra.Command{
		Use:   "signals CASES",
		Short: "Print the signals of every chunk of cases, one JSON object a case and line",
		Args:  cli.Exactly(1, "one file of cases"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			cfg, err := flags.load()
			if err != nil {
				return err
			}
			cases, err := bench.ReadCases(args[0])
			if err != nil {
				return wiring.AsUsage(err)
			}
			engine, err := newMeasuredEngine(cfg, func(next compress.Scorer) compress.Scorer { return next })
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, engine.Close()) }()
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetEscapeHTML(false)
			for _, c := range cases {
				res, err := engine.Compress(cmd.Context(), compress.Request{
					Files: c.Files, Query: c.Query, Rate: 0.97, Ranker: ranker,
					Speed: compress.SpeedExact, Stage: compress.StageCoarse, Explain: true,
				})
				if err != nil {
					return fmt.Errorf("case %s of %s: %w", c.Commit, c.Repo, err)
				}
				if err := out.Encode(struct {
					bench.Case
					Files  []string               `json:"files,omitempty"`
					Chunks []compress.ChunkResult `json:"chunks"`
				}{Case: c, Chunks: res.Chunks}); err != nil {
					return fmt.Errorf("write signals: %w", err)
				}
			}
			return nil
		},
	}
	flags.addCommon(cmd, "")
	cmd.Flags().StringVar(&ranker, "ranker", ranker, "hybrid: the model's signal too")
	return cmd
}
