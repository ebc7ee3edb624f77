package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/net/netutil"

	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/cmd/pith/wiring"
	"pith/configs"
	"pith/explain"
	"pith/proxy"
)

func serveCommand() *cobra.Command {
	var config string
	var dashboard bool
	var changes wiring.Overrides
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the proxy",
		Long: `Serve the proxy. Point an OpenAI client at http://ADDRESS/v1 or an Anthropic client at http://ADDRESS.
Settings come from flags, then PITH_ environment variables, then the file, then the defaults. SIGHUP
and a change of the file make a running Pith take over what it can; SIGTERM lets running answers
end.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			load := func() (configs.Config, error) { return wiring.LoadConfig(config, changes) }
			cfg, err := load()
			if err != nil {
				return err
			}
			src := configSource{cfg: cfg, path: config, load: load}
			if dashboard {
				src.cfg, src.announce = wiring.WithDashboard(cfg), cmd.ErrOrStderr()
			}
			wiring.FitToServing()
			log := newLogger(cmd.ErrOrStderr(), cfg.Log)
			for _, line := range configs.Unknown(os.Environ()) {
				log.Warn(line)
			}
			return serve(cmd.Context(), src, log)
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "configuration file (see configs/ for examples)")
	f.BoolVar(&dashboard, "dashboard", false,
		"print a link that opens the dashboard once; without admin.listen it is on a free port of this machine")
	f.StringVar(&changes.Listen, "listen", "", "address to listen on (default 127.0.0.1:8484)")
	f.StringVar(&changes.Upstream, "upstream", "", "base URL of the LLM API (default https://api.openai.com)")
	f.StringVar(&changes.ModelDir, "model-dir", "",
		"folder with model.onnx and tokenizer.json, or the name of an installed model (default: the embedded one)")
	f.StringVar(&changes.Device, "device", "", "auto, cpu, cuda or cuda:N; only auto falls back")
	return cmd
}

func newLogger(w io.Writer, cfg configs.Log) *slog.Logger {
	opt := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

// serve listens before it loads anything heavy, so that a taken port is found at once, and runs
// until ctx ends.
func serve(ctx context.Context, src configSource, log *slog.Logger) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", src.cfg.Server.Listen)
	if err != nil {
		return fmt.Errorf("%w (choose another address with --listen)", err)
	}
	return serveOn(ctx, listener, src, log)
}

// serveOn serves on listener until ctx ends.
func serveOn(ctx context.Context, listener net.Listener, src configSource, log *slog.Logger) (err error) {
	defer listener.Close()
	cfg := src.cfg
	certificate, err := loadCertificate(cfg.Server)
	if err != nil {
		return cli.Usage(cfg.At("server.tls_cert", err))
	}
	keyer := cache.NewKeyer([]byte(cfg.Cache.Secret))
	engine, err := wiring.NewEngine(cfg, log, wiring.MarkersOf(cfg, keyer))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if err := engine.WarmUp(ctx, cfg.Parsers.Workers); err != nil && ctx.Err() == nil {
		log.Warn("warming up failed; the first requests may tell why", "err", err)
	}
	store, err := wiring.NewStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Ping(ctx); err != nil && ctx.Err() == nil {
		log.Warn("Redis does not answer; requests are served from memory until it does", "err", err)
	}

	tracer, stopTracing, err := startTracing(ctx, cfg.Tracing, log)
	if err != nil {
		return cfg.At("tracing.endpoint", err)
	}
	defer stopTracing()
	prune, watcher, err := openPrompts(ctx, cfg.Prompts, log)
	if err != nil {
		return cfg.At("prompts.dir", err)
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()

	b := wiring.Parts{
		Engine: engine, Gate: wiring.NewGate(), Stores: store, Keyer: keyer, Tracer: tracer, Prune: prune,
		RequestLog: explain.NewRequestLog(cfg.Dashboard.Keep, engine.Again), Registry: prometheus.NewRegistry(),
	}
	closeWorkspaces, err := b.OpenWorkspace(cfg, log)
	if err != nil {
		return err
	}
	defer closeWorkspaces()
	server, err := wiring.NewServer(cfg, b, log)
	if err != nil {
		return err
	}
	admin, err := wiring.StartAdmin(ctx, cfg.Admin, b, server, src.announce, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	site := proxy.NewSite(server)
	reload := &reloader{configSource: src, site: site, backend: b, certificate: certificate, log: log}
	watching, err := reload.start(ctx)
	if err != nil {
		return err
	}
	defer watching()
	log.Info("serving", "addr", listener.Addr().String(), "upstream", cfg.Server.Upstream, "upstreams",
		len(cfg.Upstreams), "keys", len(cfg.VirtualKeys), "model", engine.Describe())
	if cfg.Limits.Connections > 0 {
		listener = netutil.LimitListener(listener, cfg.Limits.Connections)
	}
	err = site.Serve(ctx, listener, proxy.Listen{TLS: certificate.config(), H2C: cfg.Server.H2C})
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("answers were cut at the end of the drain", "after", cfg.Server.DrainTimeout)
		err = nil // what was asked for by the signal and the setting
	}
	if err == nil {
		log.Info("stopped")
	}
	return err
}
