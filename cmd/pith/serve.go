package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"pith/cache"
	"pith/compress"
	"pith/configs"
	"pith/proxy"
)

func serveCommand() *cobra.Command {
	var config string
	var changes configChanges
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the proxy",
		Long: `Serve the proxy. Point an OpenAI client at http://ADDRESS/v1 or an Anthropic client at http://ADDRESS.
Settings come from flags, then PITH_ environment variables, then the file, then the defaults.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(config, changes)
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, newLogger(cmd.ErrOrStderr(), cfg.Log))
		},
	}
	f := cmd.Flags()
	f.StringVar(&config, "config", "", "configuration file (see configs/ for examples)")
	f.StringVar(&changes.listen, "listen", "", "address to listen on (default 127.0.0.1:8484)")
	f.StringVar(&changes.upstream, "upstream", "", "base URL of the LLM API (default https://api.openai.com)")
	f.StringVar(&changes.modelDir, "model-dir", "", "folder with model.onnx and tokenizer.json, or the name of an installed model (default: the embedded one)")
	f.StringVar(&changes.device, "device", "", "auto, cpu or cuda")
	return cmd
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q", cmd.CommandPath(), args[0])
	}
	return nil
}

func newLogger(w io.Writer, cfg configs.Log) *slog.Logger {
	opt := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opt))
	}
	return slog.New(slog.NewTextHandler(w, opt))
}

// serve listens before it loads anything heavy, so that a taken port is found at once, and runs until ctx ends.
func serve(ctx context.Context, cfg configs.Config, log *slog.Logger) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Server.Listen)
	if err != nil {
		return fmt.Errorf("%w (choose another address with --listen)", err)
	}
	defer listener.Close()
	keyer := cache.NewKeyer([]byte(cfg.Cache.Secret))
	var adjust func(*compress.Options)
	if cfg.Retrieval.Enabled {
		adjust = nameOriginals(keyer)
	}
	engine, err := newEngine(cfg, log, adjust)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.close()) }()
	store, err := newStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()

	tracer, stopTracing, err := startTracing(ctx, cfg.Tracing, log)
	if err != nil {
		return err
	}
	defer stopTracing()
	prune, watcher, err := openPrompts(ctx, cfg.Prompts, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()

	server, err := newServer(cfg, backend{engine: engine, stores: store, keyer: keyer, tracer: tracer, prune: prune}, log)
	if err != nil {
		return err
	}
	admin, err := startAdmin(ctx, cfg.Admin, server, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	log.Info("serving", "addr", listener.Addr().String(), "upstream", cfg.Server.Upstream, "model", engine.describe())
	return server.Serve(ctx, listener)
}

// A backend is what a server stands on.
type backend struct {
	engine *engine
	stores stores
	keyer  *cache.Keyer
	// tracer is nil where nothing is traced.
	tracer trace.Tracer
	prune  proxy.Pruner // may be nil
}

func newServer(cfg configs.Config, b backend, log *slog.Logger) (*proxy.Server, error) {
	upstream, err := url.Parse(cfg.Server.Upstream)
	if err != nil {
		return nil, usagef("upstream: %w", err)
	}
	accounting, err := newAccounting(cfg.Accounting, b.engine.counters)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	if b.engine.model != nil {
		if err := registry.Register(newModelMetrics(b.engine.model.Stats)); err != nil {
			return nil, fmt.Errorf("metrics of the model: %w", err)
		}
	}
	retrieval := proxy.Retrieval{Key: b.keyer.Key, Find: b.engine, TTL: cfg.Retrieval.TTL, Tool: cfg.Retrieval.Tool}
	if cfg.Retrieval.Enabled {
		retrieval.Shelf = b.stores.shelf
	}
	return proxy.New(proxy.Options{
		Upstream: upstream,
		Compressor: apart(compress.NewCached(b.engine.Engine, compress.CacheOptions{
			Store: b.stores, Key: b.keyer.Key, TTL: cfg.Cache.TTL,
		})),
		Logger:    log,
		Registry:  registry,
		Freeze:    proxy.Freeze{Store: b.stores, Key: b.keyer.Key},
		Tenant:    proxy.CredentialTenant([]byte(b.keyer.Key("tenant"))),
		Retrieval: retrieval,
		Prompts:   b.prune,
		Compression: proxy.Compression{
			Mode:     proxy.Mode(cfg.Compress.Mode),
			Timeout:  cfg.Compress.Timeout,
			MinBytes: int(cfg.Compress.MinBytes),
		},
		Limits:     proxy.Limits{MaxBodyBytes: int64(cfg.Server.MaxBodyBytes)},
		Accounting: accounting,
		Tracer:     b.tracer,
		Drain:      proxy.Drain{Timeout: cfg.Server.DrainTimeout},
		Admin:      proxy.Admin{Token: string(cfg.Admin.Token)},
	})
}

// startAdmin serves metrics on their own address when cfg names one.
func startAdmin(ctx context.Context, cfg configs.Admin, server *proxy.Server, log *slog.Logger) (io.Closer, error) {
	admin := &http.Server{Handler: server.AdminHandler(), ReadHeaderTimeout: 5 * time.Second}
	if cfg.Listen == "" {
		return admin, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	go func() {
		if err := admin.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin listener ended", "err", err)
		}
	}()
	log.Info("serving metrics", "admin", listener.Addr().String())
	return admin, nil
}
