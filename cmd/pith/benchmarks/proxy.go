package benchmarks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"pith/bench/costs"
	"pith/bench/served"
	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/explain"
	"pith/proxy"
)

func proxyCommand() *cobra.Command {
	var flags commonFlags
	var measure costs.Proxy
	cmd := &cobra.Command{
		Use:   "proxy",
		Short: "Measure what the proxy adds to a request against a bare reverse proxy",
		Args:  cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if _, err := flags.load(); err != nil {
				return err
			}
			measure.Progress = phases(cmd)
			if measure.Overload {
				measure.Serve = flags.serve
			} else {
				end, failed := flags.serveHere(cmd, &measure)
				if failed != nil {
					return failed
				}
				defer func() { err = errors.Join(err, end()) }()
			}
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
	cmd.Flags().IntVar(&measure.Rate, "rate", 1000, "requests a second of the rows at a fixed rate")
	cmd.Flags().IntVar(&measure.Seconds, "seconds", 10, "seconds of them for each proxy")
	cmd.Flags().IntVar(&measure.Streams, "streams", 1000,
		"silent streams whose memory is measured; each takes six descriptors")
	cmd.Flags().BoolVar(&measure.Overload, "overload", false,
		"only: what requests without code wait, for --seconds, beside five times the new code that can be compressed")
	return cmd
}

// serveHere has the measure serve Pith in this process. Unlike the other benchmarks this one runs
// what users run: worker processes and the deadline included.
func (b *commonFlags) serveHere(cmd *cobra.Command, measure *costs.Proxy) (end func() error, err error) {
	wiring.FitToServing()
	cfg, err := wiring.LoadConfig(b.config, wiring.Overrides{ModelDir: b.modelDir, Device: b.device})
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	engine, err := wiring.NewEngine(cfg, log, nil)
	if err != nil {
		return nil, err
	}
	var server *proxy.Server
	var parts wiring.Parts
	measure.Handler = func(upstream *url.URL) (_ http.Handler, err error) {
		if server, parts, err = measuredServer(cfg, engine, upstream, log); err != nil {
			return nil, err
		}
		return server.Handler(), nil
	}
	measure.Watch = func(ctx context.Context) error { return lookAt(ctx, server, parts, log) }
	return engine.Close, nil
}

// serve serves Pith in a process of its own, until end is called.
func (b *commonFlags) serve(ctx context.Context, upstream *url.URL) (at *url.URL, end func(), err error) {
	program, err := os.Executable()
	if err != nil {
		return nil, nil, fmt.Errorf("find pith: %w", err)
	}
	arguments := []string{"serve", "--listen", "127.0.0.1:0", "--upstream", upstream.String()}
	for name, value := range map[string]string{
		"--config": b.config, "--model-dir": b.modelDir, "--device": b.device,
	} {
		if value != "" {
			arguments = append(arguments, name, value)
		}
	}
	p, err := served.Start(ctx, program, arguments, nil)
	if err != nil {
		return nil, nil, err
	}
	if at, err = url.Parse(p.URL); err != nil {
		p.Kill()
		return nil, nil, fmt.Errorf("address of pith serve: %w", err)
	}
	return at, p.Kill, nil
}

// measuredServer is the proxy as `pith serve` starts it, with a cache in memory.
func measuredServer(
	cfg configs.Config, e *wiring.Engine, upstream *url.URL, log *slog.Logger,
) (*proxy.Server, wiring.Parts, error) {
	cfg.Server.Upstream = upstream.String()
	b := wiring.Parts{
		Engine: e, Gate: wiring.NewGate(), Stores: wiring.NewMemory(64 << 20), Keyer: cache.NewKeyer(nil),
		RequestLog: explain.NewRequestLog(0, e.Again), Registry: prometheus.NewRegistry(),
	}
	server, err := wiring.NewServer(cfg, b, log)
	return server, b, err
}

// lookAt has the dashboard of a server open until ctx ends, as a page or `pith top` has it.
func lookAt(ctx context.Context, server *proxy.Server, b wiring.Parts, log *slog.Logger) error {
	var link, shown bytes.Buffer
	admin, err := wiring.StartAdmin(ctx, wiring.WithDashboard(configs.Config{}).Admin, b, server, &link, log)
	if err != nil {
		return err
	}
	defer func() { _ = admin.Close() }() // what was looked at is measured by then
	_, at, _ := strings.Cut(link.String(), "once: ")
	err = wiring.Top(ctx, &shown, strings.TrimSpace(at), false)
	if shown.Len() == 0 {
		return errors.Join(errors.New("the dashboard showed nothing"), err)
	}
	return err
}
