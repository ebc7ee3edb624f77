// Package wiring builds what a configuration describes: the engine with its model and parsers,
// stores, the server, and the indexes of folders.
package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"pith/cache"
	"pith/cmd/pith/cli"
	"pith/compress"
	"pith/configs"
	"pith/embedding"
	"pith/gateway"
	"pith/parsers/processes"
	"pith/perplexity"
	"pith/perplexity/remote"
	"pith/proxy"
	"pith/retrieval"
	"pith/tokens"
)

// Overrides are flags that override the configuration file and the environment when not empty.
type Overrides struct {
	Listen, Upstream, ModelDir, Device, Ranker string
}

// LoadConfig reads the file (if path is not empty), the environment and then the flags, and
// validates the whole.
func LoadConfig(path string, changes Overrides) (configs.Config, error) {
	cfg, err := configs.Load(path, os.Environ())
	if err != nil {
		return cfg, cli.Usage(err)
	}
	for _, c := range []struct{ value, path, flag string }{
		{changes.Listen, "server.listen", "--listen"},
		{changes.Upstream, "server.upstream", "--upstream"},
		{changes.ModelDir, "model.dir", "--model-dir"},
		{changes.Device, "model.device", "--device"},
		{changes.Ranker, "compress.ranker", "--ranker"},
	} {
		if c.value == "" {
			continue
		}
		if err := cfg.Set(c.path, c.value, c.flag); err != nil {
			return cfg, cli.Usage(err)
		}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, cli.Usage(err)
	}
	if cfg.Model.Dir, err = findModel(cfg.Model); err != nil {
		return cfg, cli.Usage(cfg.At("model.dir", err))
	}
	return cfg, nil
}

// AsUsage makes the engine's complaints about a request the caller's mistake.
func AsUsage(err error) error {
	if errors.Is(err, compress.ErrRequest) || errors.Is(err, compress.ErrBudget) {
		return cli.Usage(err)
	}
	return err
}

// An Engine is a compress.Engine with the parts under it, which close with it.
type Engine struct {
	*compress.Engine
	Pool     *processes.Pool
	Counters *tokens.Counters
	Model    *perplexity.Model // nil when there is none in this process; ModelErr says why
	remote   *remote.Scorer    // nil when there is none
	// ModelErr is why only word matching ranks.
	ModelErr error
}

// NewEngine starts what cfg describes. If adjust is not nil, it has the last word on the engine's
// options.
func NewEngine(cfg configs.Config, log *slog.Logger, adjust func(*compress.Options)) (*Engine, error) {
	pool, err := NewPool(cfg.Parsers)
	if err != nil {
		return nil, err
	}
	parts := &Engine{Pool: pool, Counters: tokens.New()}
	if cfg.Scorer.URL != "" {
		if parts.remote, err = startRemote(context.Background(), cfg, log); err != nil {
			return nil, errors.Join(err, parts.Close())
		}
	} else if parts.Model, parts.ModelErr = OpenModel(cfg.Model); parts.ModelErr != nil {
		if err := parts.NeedsModel(cfg); err != nil {
			return nil, errors.Join(err, parts.Close())
		}
		// A proxy without its model still serves: ranking falls back to word matching and every
		// report says so.
		log.Warn("no language model; ranking by words only", "err", parts.ModelErr)
	}
	e, err := parts.With(cfg.Compress, adjust)
	if err != nil {
		return nil, errors.Join(err, parts.Close())
	}
	return e, nil
}

// NeedsModel is an error where there is no model and cfg asks by name for what needs one. Only auto
// and the embedded model's absence are fallen back from: who names a device, a ranker or a model
// wants that one.
func (e *Engine) NeedsModel(cfg configs.Config) error {
	if e.Model != nil || e.remote != nil {
		return nil
	}
	for _, asked := range []struct {
		path, value string
		named       bool
	}{
		{"model.device", cfg.Model.Device, cfg.Model.Device != "auto"},
		{"model.dir", cfg.Model.Dir, cfg.Model.Dir != ""},
		{"model.runtime", cfg.Model.Runtime, cfg.Model.Runtime != ""},
		{"compress.ranker", cfg.Compress.Ranker, readsModel(cfg.Compress.Ranker)},
	} {
		if asked.named {
			return cfg.At(asked.path, fmt.Errorf("%s cannot be had: %w", asked.value, e.ModelErr))
		}
	}
	return nil
}

// readsModel says whether a ranker needs the model.
func readsModel(ranker string) bool { return ranker == "ami" || ranker == "hybrid" }

// NewPool starts the parsers.
func NewPool(cfg configs.Parsers) (*processes.Pool, error) {
	pool, err := processes.NewPool(
		processes.Options{
			Workers: cfg.Workers, InProcess: cfg.InProcess, Timeout: cfg.Timeout,
			MaxBytes: int(cfg.MaxBytes),
		})
	if err != nil {
		return nil, fmt.Errorf("start parsers: %w", err)
	}
	return pool, nil
}

// With returns an engine on the same parts that compresses as cfg says. Closing one of them closes
// the parts of all.
func (e *Engine) With(cfg configs.Compress, adjust func(*compress.Options)) (*Engine, error) {
	opt := compress.Options{
		Splitter:    e.Pool,
		Counters:    modelCounters{e.Counters},
		Ranker:      cfg.Ranker,
		Speed:       compress.Speed(cfg.Speed),
		Deadline:    cfg.Deadline,
		FineRatio:   cfg.FineRatio,
		Beta:        &cfg.Beta,
		Compat:      cfg.Compat,
		DefaultRate: cfg.Rate,
		Coverage:    cfg.Coverage,
	}
	var err error
	if opt.Embedding, err = embedding.Embedded(); err != nil {
		return nil, fmt.Errorf("read the embedded words: %w", err)
	}
	switch {
	case e.remote != nil:
		opt.Scorer = scorer{e.remote}
	case e.Model != nil:
		opt.Scorer = scorer{e.Model}
	}
	if adjust != nil {
		adjust(&opt)
	}
	other := *e
	if other.Engine, err = compress.New(opt); err != nil {
		return nil, err
	}
	return &other, nil
}

// Close closes the parts.
func (e *Engine) Close() error {
	err := e.Pool.Close()
	if e.Model != nil {
		err = errors.Join(err, e.Model.Close())
	}
	if e.remote != nil {
		e.remote.Close()
	}
	return err
}

// OpenModel loads the runtime library and the model that cfg names, or the embedded one.
func OpenModel(cfg configs.Model) (*perplexity.Model, error) {
	library, err := perplexity.FindLibrary(cfg.Runtime)
	if err != nil {
		return nil, err
	}
	if err := perplexity.Setup(library); err != nil {
		return nil, err
	}
	opt := perplexity.Options{Device: cfg.Device, Threads: cfg.Threads, StateBytes: int(cfg.StateBytes)}
	if cfg.StateBytes == 0 {
		opt.StateBytes = -1
	}
	if cfg.Dir == "" {
		return perplexity.Open(perplexity.Embedded(), opt)
	}
	return perplexity.OpenDir(cfg.Dir, opt)
}

// scorer gives compress the model under its own types.
type scorer struct{ model textScorer }

func (s scorer) Info() (id, device string) { return s.model.Info() }

func (s scorer) Score(ctx context.Context, seqs []compress.Sequence) ([]compress.Losses, error) {
	in := make([]perplexity.Sequence, len(seqs))
	for i, seq := range seqs {
		in[i] = perplexity.Sequence{Given: seq.Given, Text: seq.Text, WantGiven: seq.WantGiven}
	}
	scored, err := s.model.Score(ctx, in)
	if err != nil {
		return nil, err
	}
	out := make([]compress.Losses, len(scored))
	for i, l := range scored {
		out[i] = compress.Losses{Given: losses(l.Given), Text: losses(l.Text), Dropped: l.Dropped}
	}
	return out, nil
}

func losses(in []perplexity.Loss) []compress.Loss {
	out := make([]compress.Loss, len(in))
	for i, l := range in {
		out[i] = compress.Loss(l)
	}
	return out
}

// Apart keeps what the model and the parsers remember of one tenant's texts from the others: how
// fast an answer comes would tell them what was asked before. A flight of compress.Cache belongs
// to one tenant, too, so its context may be any of its callers'.
func Apart(next proxy.Compressor) proxy.Compressor {
	return proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		ctx = processes.InScope(perplexity.InScope(ctx, req.Tenant), req.Tenant)
		return next.Compress(ctx, req)
	})
}

// NewScorer gives compress a model under its own types.
func NewScorer(model textScorer) compress.Scorer { return scorer{model} }

// NewCounters gives compress token counters under its own interface.
func NewCounters(c *tokens.Counters) compress.Counters { return modelCounters{c} }

// modelCounters gives compress the token counters under its own interface.
type modelCounters struct{ *tokens.Counters }

func (c modelCounters) For(model string) compress.Counter { return c.Counters.For(model) }

// NewStore opens memory, and Redis behind it when cfg names one.
func NewStore(cfg configs.Config) (Stores, error) {
	memory := cache.NewMemory(int64(cfg.Cache.MemoryBytes))
	if cfg.Cache.RedisURL == "" {
		return Stores{sharedStore: memory, originals: cache.NewTermStore(int64(cfg.Retrieval.MemoryBytes))}, nil
	}
	redis, err := cache.NewRedis(cache.RedisOptions{URL: string(cfg.Cache.RedisURL), Secret: []byte(cfg.Cache.Secret)})
	if err != nil {
		return Stores{}, cli.Usage(cfg.At("cache.redis_url", err))
	}
	return Stores{sharedStore: cache.NewLayered(memory, redis), originals: redis, bank: bank{redis}}, nil
}

// Ping says why Redis, where there is one, does not answer.
func (s Stores) Ping(ctx context.Context) error {
	if shared, ok := s.bank.(bank); ok {
		return shared.redis.Ping(ctx)
	}
	return nil
}

// NewMemory is a store of so many bytes, for results alone.
func NewMemory(bytes int64) Stores { return Stores{sharedStore: cache.NewMemory(bytes)} }

// Stores is where results lie, where the originals that markers name do, and where replicas count
// what clients use.
type Stores struct {
	sharedStore
	originals retrieval.Store
	bank      gateway.Bank // nil without Redis
}

// bank gives proxy the allowances in Redis under its own type, which has the same shape.
type bank struct{ redis *cache.Redis }

func (b bank) Draw(ctx context.Context, draws []gateway.Draw, owe bool) (gateway.Drawn, error) {
	drawn, err := b.redis.Draw(ctx, inRedis(draws), owe)
	return gateway.Drawn(drawn), err
}

func (b bank) Repay(ctx context.Context, draws []gateway.Draw) error {
	return b.redis.Repay(ctx, inRedis(draws))
}

func inRedis(draws []gateway.Draw) []cache.Draw {
	out := make([]cache.Draw, len(draws))
	for i, d := range draws {
		out[i] = cache.Draw(d)
	}
	return out
}

type sharedStore interface {
	compress.Store
	Close() error
}

// nameOriginals makes markers carry hashes. The tenant is no part of the name: a client whose token
// is renewed must see the same bytes, or its provider's prompt cache would be lost. It is part of
// where the original lies.
func nameOriginals(keyer *cache.Keyer) func(*compress.Options) {
	return func(o *compress.Options) {
		o.Retrieval = func(f compress.File) string { return keyer.Key("original", f.Path, f.Language, f.Content) }
	}
}

// Describe names the model and its device for the log.
func (e *Engine) Describe() string {
	if e.remote != nil {
		return "remote: " + e.remote.About()
	}
	if e.Model == nil {
		return "none"
	}
	card := e.Model.Card()
	return card.Name + " on " + card.Device
}
