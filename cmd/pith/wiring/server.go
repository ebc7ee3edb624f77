package wiring

import (
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel/trace"

	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/compress"
	"pith/configs"
	"pith/dialects"
	"pith/explain"
	"pith/gateway"
	"pith/internal/cores"
	"pith/mcp"
	"pith/proxy"
	"pith/retrieval"
)

// Parts are what a server stands on.
type Parts struct {
	Engine *Engine
	// Gate lets requests into the engine; nil where all may come in at once.
	Gate   *compress.Gate
	Stores Stores
	Keyer  *cache.Keyer
	// Tracer is nil where nothing is traced.
	Tracer trace.Tracer
	Prune  dialects.Pruner // may be nil
	// RequestLog holds what the dashboard shows of requests.
	RequestLog *explain.RequestLog
	// Registry gets the figures.
	Registry *prometheus.Registry
	// Workspaces are nil where no folder may be asked about.
	workspaces *Workspaces
	mcp        *mcp.Server
}

// NewServer makes the server that cfg describes on its parts.
func NewServer(cfg configs.Config, b Parts, log *slog.Logger) (*proxy.Server, error) {
	opt, err := ServerOptions(cfg, b, log)
	if err != nil {
		return nil, err
	}
	if opt.Registry = b.Registry; opt.Registry == nil {
		opt.Registry = prometheus.NewRegistry()
	}
	opt.Registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), newBuildMetric())
	if err := b.Engine.register(opt.Registry); err != nil {
		return nil, fmt.Errorf("metrics of the model: %w", err)
	}
	if shared, ok := b.Stores.bank.(bank); ok {
		opt.Registry.MustRegister(redisMetrics(shared.redis)...)
	}
	return proxy.New(opt)
}

// waitPart is the part of compress.timeout, one in so many, for which a request may wait for the
// Engine. More than that is for the work itself, which takes longer where there is so much of it.
const waitPart = 4

// NewGate leaves a core to those who only pass, where there is more than one: what they wait for is
// a few milliseconds of it.
func NewGate() *compress.Gate { return compress.NewGate(cores.Number() - 1) }

// newBuildMetric is 1, labelled with what runs.
func newBuildMetric() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pith_build_info", Help: "1, labelled with the version of Pith and of Go.",
		ConstLabels: prometheus.Labels{"version": cli.Version(), "go": runtime.Version()},
	}, func() float64 { return 1 })
}

// ServerOptions is all that a server takes from cfg. A running one is changed by the same function,
// so whatever stands here can be reloaded, unless configs says that it is fixed.
func ServerOptions(cfg configs.Config, b Parts, log *slog.Logger) (proxy.Options, error) {
	upstream, err := url.Parse(cfg.Server.Upstream)
	if err != nil {
		return proxy.Options{}, cli.Usagef("upstream: %w", err)
	}
	in, err := gatewayOptions(cfg, b)
	if err != nil {
		return proxy.Options{}, cli.Usage(err)
	}
	accounts, err := NewAccounting(cfg.Accounting, b.Engine.Counters)
	if err != nil {
		return proxy.Options{}, cfg.At("accounting.prices", err)
	}
	originals := retrieval.Options{Key: b.Keyer.Key, Find: b.Engine, TTL: cfg.Retrieval.TTL, Tool: cfg.Retrieval.Tool}
	if cfg.Retrieval.Enabled {
		originals.Store = b.Stores.originals
	}
	opt := proxy.Options{
		Upstream: upstream,
		Gateway:  in,
		Compressor: Apart(compress.NewCache(b.Engine.Engine, compress.CacheOptions{
			Store: b.Stores, Key: b.Keyer.Key, TTL: cfg.Cache.TTL, Gate: b.Gate,
			MostWait: cfg.Compress.Timeout / waitPart,
		})),
		Logger:    log,
		Freeze:    proxy.Freeze{Store: b.Stores, Key: b.Keyer.Key},
		Tenant:    gateway.CredentialTenant([]byte(b.Keyer.Key("tenant"))),
		Retrieval: originals,
		Prompts:   b.Prune,
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
		Tracer:     b.Tracer,
		Drain:      proxy.Drain{Notice: cfg.Server.DrainNotice, Timeout: cfg.Server.DrainTimeout},
		Admin:      proxy.Admin{Token: string(cfg.Admin.Token)},
	}
	if b.RequestLog != nil {
		opt.Watcher = b.RequestLog
	}
	if b.workspaces != nil {
		opt.Workspace = oneWorkspace{b.workspaces, cfg.Workspace.Root}
		opt.MCP = b.mcp
	}
	return opt, nil
}

// HashScheme stands before the hash of a key in the configuration.
const HashScheme = "sha256:"

func gatewayOptions(cfg configs.Config, b Parts) (gateway.Options, error) {
	g := gateway.Options{
		DefaultKey:     string(cfg.Server.UpstreamKey),
		DefaultSockets: gateway.Sockets(cfg.Server.WebSocket),
		Bank:           b.Stores.bank,
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
		if _, err := hex.Decode(key.Hash[:], []byte(strings.TrimPrefix(k.Hash, HashScheme))); err != nil {
			return g, fmt.Errorf("keys %s: hash: %w", k.Name, err)
		}
		g.Keys = append(g.Keys, key)
	}
	return g, nil
}

// MarkersOf makes markers carry hashes where cfg wants that.
func MarkersOf(cfg configs.Config, keyer *cache.Keyer) func(*compress.Options) {
	if !cfg.Retrieval.Enabled {
		return nil
	}
	return nameOriginals(keyer)
}
