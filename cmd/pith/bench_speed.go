package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"pith/bench"
	"pith/cache"
	"pith/compress"
	"pith/tokens"
)

func benchSpeedCommand() *cobra.Command {
	var flags benchFlags
	var measure bench.Speed
	cmd := &cobra.Command{
		Use:   "speed",
		Short: "Compare the published scoring schedule with ours on the same weights",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := flags.load()
			if err != nil {
				return err
			}
			engine, err := newMeasuredEngine(cfg, func(next compress.Scorer) compress.Scorer {
				measure.Meter = bench.NewMeter(next)
				return measure.Meter
			})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, engine.close()) }()
			measure.Compressor, measure.Counters = engine, counters{tokens.New()}
			measure.Progress = phases(cmd)
			report, err := measure.Run(cmd.Context(), bench.Shapes())
			if len(report.Rows) == 0 {
				return err
			}
			// An interrupted run took minutes for the rows that it has.
			return errors.Join(flags.print(cmd.OutOrStdout(), report), err)
		},
	}
	flags.add(cmd)
	cmd.Flags().Float64Var(&measure.Rate, "rate", 0.2, "compressed / original tokens")
	cmd.Flags().IntVar(&measure.PublishedTokens, "published-tokens", 25000, "largest context, in tokens, for the published schedule; it is slow")
	return cmd
}

// phases prints each phase of a benchmark as a line.
func phases(cmd *cobra.Command) func(string) {
	progress := steps(cmd.ErrOrStderr())
	return func(what string) { progress(what, 0, 1) }
}

func benchProxyCommand() *cobra.Command {
	var flags benchFlags
	var measure bench.Proxy
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Measure what the proxy adds to a request against a bare reverse proxy",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			// Unlike the other benchmarks this one runs what users run: worker processes and the deadline included.
			if _, err := flags.load(); err != nil {
				return err
			}
			cfg, err := loadConfig(flags.config, configChanges{modelDir: flags.modelDir, device: flags.device})
			if err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
			engine, err := newEngine(cfg, log, nil)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, engine.close()) }()
			measure.Handler = func(upstream *url.URL) (http.Handler, error) {
				cfg.Server.Upstream = upstream.String()
				server, err := newServer(cfg, backend{engine, stores{store: cache.NewMemory(64 << 20)}, cache.NewKeyer(nil)}, log)
				if err != nil {
					return nil, err
				}
				return server.Handler(), nil
			}
			measure.Progress = phases(cmd)
			report, err := measure.Run(cmd.Context())
			if err != nil {
				return err
			}
			return flags.print(cmd.OutOrStdout(), report)
		},
	}
	flags.add(cmd)
	cmd.Flags().IntVar(&measure.Requests, "requests", 300, "pairs of requests for each row")
	cmd.Flags().IntVar(&measure.Compressions, "compressions", 10, "pairs that bring new code each time")
	return cmd
}
