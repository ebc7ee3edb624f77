package main

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"pith/cache"
	"pith/compress"
	"pith/configs"
	"pith/dialects"
	"pith/explain"
	"pith/gateway"
	"pith/proxy"
	"pith/retrieval"
)

// A serverParts is what a server stands on.
type serverParts struct {
	engine *engineParts
	// gate lets requests into the engine; nil where all may come in at once.
	gate   *compress.Gate
	stores stores
	keyer  *cache.Keyer
	// tracer is nil where nothing is traced.
	tracer trace.Tracer
	prune  dialects.Pruner // may be nil
	// keeper holds what the dashboard shows of requests.
	keeper *explain.Keeper
	// registry gets the figures.
	registry *prometheus.Registry
	// workspaces are nil where no folder may be asked about.
	workspaces *workspaces
	mcp        http.Handler
}

func newServer(cfg configs.Config, b serverParts, log *slog.Logger) (*proxy.Server, error) {
	opt, err := serverOptions(cfg, b, log)
	if err != nil {
		return nil, err
	}
	if opt.Registry = b.registry; opt.Registry == nil {
		opt.Registry = prometheus.NewRegistry()
	}
	opt.Registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newBuildMetric())
	if err := b.engine.register(opt.Registry); err != nil {
		return nil, fmt.Errorf("metrics of the model: %w", err)
	}
	return proxy.New(opt)
}

// waitPart is the part of compress.timeout, one in so many, for which a request may wait for the
// engine. More than that is for the work itself, which takes longer where there is so much of it.
const waitPart = 4

// newGate leaves a core to those who only pass, where there is more than one: what they wait for is
// a few milliseconds of it.
func newGate() *compress.Gate { return compress.NewGate(runtime.GOMAXPROCS(0) - 1) }

// newBuildMetric is 1, labelled with what runs.
func newBuildMetric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pith_build_info", Help: "1, labelled with the version of Pith and of Go.",
		ConstLabels: prometheus.Labels{"version": version(), "go": runtime.Version()},
	}, func() float64 { return 1 })
}

// serverOptions is all that a server takes from cfg. A running one is changed by the same function,
// so whatever stands here can be reloaded, unless configs says that it is fixed.
func serverOptions(cfg configs.Config, b serverParts, log *slog.Logger) (proxy.Options, error) {
	upstream, err := url.Parse(cfg.Server.Upstream)
	if err != nil {
		return proxy.Options{}, usagef("upstream: %w", err)
	}
	in, err := gatewayOptions(cfg, b)
	if err != nil {
		return proxy.Options{}, usageError{err}
	}
	accounts, err := newAccounting(cfg.Accounting, b.engine.counters)
	if err != nil {
		return proxy.Options{}, cfg.At("accounting.prices", err)
	}
	originals := retrieval.Options{Key: b.keyer.Key, Find: b.engine, TTL: cfg.Retrieval.TTL, Tool: cfg.Retrieval.Tool}
	if cfg.Retrieval.Enabled {
		originals.Store = b.stores.shelf
	}
	opt := proxy.Options{
		Upstream: upstream,
		Gateway:  in,
		Compressor: apart(compress.NewCached(b.engine.Engine, compress.CacheOptions{
			Store: b.stores, Key: b.keyer.Key, TTL: cfg.Cache.TTL, Gate: b.gate,
			MostWait: cfg.Compress.Timeout / waitPart,
		})),
		Logger:    log,
		Freeze:    proxy.Freeze{Store: b.stores, Key: b.keyer.Key},
		Tenant:    gateway.CredentialTenant([]byte(b.keyer.Key("tenant"))),
		Retrieval: originals,
		Prompts:   b.prune,
		Compression: proxy.Compression{
			Mode:        proxy.Mode(cfg.Compress.Mode),
			Timeout:     cfg.Compress.Timeout,
			MinBytes:    int(cfg.Compress.MinBytes),
			MaxRequests: cfg.Limits.Compressions,
		},
		Limits: proxy.Limits{
			MaxBodyBytes:     int64(cfg.Server.MaxBodyBytes),
			MaxInFlightBytes: int64(cfg.Limits.InFlightBytes),
			MaxResponseBytes: int64(cfg.Limits.ResponseBytes),
		},
		Accounting: accounts,
		Tracer:     b.tracer,
		Drain:      proxy.Drain{Notice: cfg.Server.DrainNotice, Timeout: cfg.Server.DrainTimeout},
		Admin:      proxy.Admin{Token: string(cfg.Admin.Token)},
	}
	if b.keeper != nil {
		opt.Watcher = b.keeper
	}
	if b.workspaces != nil {
		opt.Workspace = oneWorkspace{b.workspaces, cfg.Workspace.Root}
		opt.MCP = b.mcp
	}
	return opt, nil
}

func gatewayOptions(cfg configs.Config, b serverParts) (gateway.Options, error) {
	g := gateway.Options{
		DefaultKey:     string(cfg.Server.UpstreamKey),
		DefaultSockets: gateway.Sockets(cfg.Server.WebSocket),
		Bank:           b.stores.bank,
		Retry:          gateway.Retry(cfg.Retry),
	}
	for _, u := range cfg.Upstreams {
		base, err := url.Parse(u.URL)
		if err != nil {
			return g, fmt.Errorf("upstreams %s: %w", u.Name, err)
		}
		g.Upstreams = append(g.Upstreams, gateway.Upstream{
			Name: u.Name, URL: base, Key: string(u.Key), Auth: gateway.Auth(u.Auth),
			Models: u.Models, Paths: u.Paths, StripPath: u.StripPath, Sockets: gateway.Sockets(u.WebSocket),
		})
	}
	for _, k := range cfg.VirtualKeys {
		key := gateway.VirtualKey{
			Name: k.Name, RequestsPerMinute: int64(k.RequestsPerMinute),
			TokensPerMinute: int64(k.TokensPerMinute),
		}
		if _, err := hex.Decode(key.Hash[:], []byte(strings.TrimPrefix(k.Hash, hashScheme))); err != nil {
			return g, fmt.Errorf("keys %s: hash: %w", k.Name, err)
		}
		g.Keys = append(g.Keys, key)
	}
	return g, nil
}

// markersOf makes markers carry hashes where cfg wants that.
func markersOf(cfg configs.Config, keyer *cache.Keyer) func(*compress.Options) {
	if !cfg.Retrieval.Enabled {
		return nil
	}
	return nameOriginals(keyer)
}
