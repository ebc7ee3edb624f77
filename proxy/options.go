package proxy

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"pith/accounting"
	"pith/compress"
	"pith/dialects"
	"pith/gateway"
	"pith/retrieval"
)

// A Compressor shortens the files of one request. compress.Engine and compress.Cache are two.
type Compressor interface {
	Compress(ctx context.Context, req compress.Request) (compress.Result, error)
}

// CompressorFunc makes a function a Compressor.
type CompressorFunc func(ctx context.Context, req compress.Request) (compress.Result, error)

// Compress calls f.
func (f CompressorFunc) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	return f(ctx, req)
}

// Options configure a Server. Upstream and Compressor are required.
type Options struct {
	// Upstream is the API for the requests that no other upstream takes: scheme, host and, where
	// there is one, a path prefix.
	Upstream *url.URL
	// Gateway says who may come in and where else requests go.
	Gateway gateway.Options
	// Compressor shortens code blocks.
	Compressor Compressor
	// Transport reaches the upstream. If nil, NewTransport().
	Transport http.RoundTripper
	// Logger gets one line per request and one per failure; never a prompt, a header value or a
	// query string. If nil, slog.Default.
	Logger *slog.Logger
	// Registry gets the metrics of this server. If nil, a new one.
	Registry *prometheus.Registry
	// Tenant names the caller that results may be shared with. It must not come from a field that a
	// client can set at will. If nil, gateway.CredentialTenant with a secret that lives as long as
	// the Server.
	Tenant func(*http.Request) string
	// Health says whether requests can be served; /readyz asks it. If nil, they can.
	Health func(context.Context) error
	// Retrieval says how omitted lines are had back.
	Retrieval retrieval.Options
	// Prompts shortens few-shot prompts in users' messages and in the prompts of legacy
	// completions. If nil, none.
	Prompts dialects.Pruner
	// Compression says when blocks are compressed and what that may cost.
	Compression Compression
	// Freeze says where forced forms of blocks are remembered.
	Freeze Freeze
	// Accounting says what tokens cost.
	Accounting accounting.Options
	// Tracer makes a span of each request. If nil, none is made and trace headers pass as they
	// came.
	Tracer trace.Tracer
	// Limits bound what a client can hold.
	Limits Limits
	// Drain says how Serve ends.
	Drain Drain
	// Admin is where metrics are shown.
	Admin Admin
	// Watcher is told what became of each request. If nil, nobody is.
	Watcher Watcher
	// Workspace answers POST /pith/v1/context. If nil, there is none.
	Workspace Workspace
	// MCP serves /mcp, behind the same keys. If nil, such requests go upstream.
	MCP Tools
}

// Compression says when blocks are compressed and what that may cost.
type Compression struct {
	// Mode is what a request without X-Pith-Mode gets: off, auto or force. If empty, auto.
	Mode Mode
	// Timeout bounds the time that compression may add to one request. If zero, 10 s. Past it the
	// blocks that are not done go out as they came. It stands above the engine's own deadline,
	// whose results repeat where this one's do not.
	Timeout time.Duration
	// MinBytes is the smallest block that is compressed, in bytes of its text. If zero, 2048 (about
	// 500 tokens of code): below that a marker and a lost line cost more than the tokens are worth.
	MinBytes int
	// MaxRequests is the number of requests that may be in compression at once. One more passes
	// uncompressed, it does not wait. If zero, 64.
	MaxRequests int
	// GroupsAtOnce is the number of messages of one request whose blocks are compressed side by
	// side. If zero, 4.
	GroupsAtOnce int
}

// Limits bound what a client can hold. Zero fields get the defaults named here.
type Limits struct {
	// MaxBodyBytes is the largest body that is read into memory, before and after decoding. If
	// zero, 32 MiB. Beyond it: 413. Bodies of paths without a dialect and of mode off stream
	// through and have no limit, unless an upstream is chosen by model.
	MaxBodyBytes int64
	// MaxInFlightBytes is the sum of bodies held at one time. If zero, 512 MiB. Beyond it: 429.
	MaxInFlightBytes int64
	// MaxResponseBytes is the longest answer. If zero, any length. Beyond it: 502 where the length
	// is announced, else a cut stream.
	MaxResponseBytes int64
	// HeaderTimeout bounds the reading of a request's head. If zero, 5 s.
	HeaderTimeout time.Duration
	// BodyIdle bounds the waits for the bytes of a request's body; bytes that come earn it back. If
	// zero, 15 s.
	BodyIdle time.Duration
	// WriteIdle bounds the waits for a client that takes none of its answer. If zero, 30 s.
	WriteIdle time.Duration
	// ConnIdle bounds the wait for the next request of a connection. If zero, 90 s.
	ConnIdle time.Duration
}

// Drain says how Serve ends once its context is done.
type Drain struct {
	// Notice is how long the listener stays open after /readyz turned 503, for load balancers to
	// see it. If zero, not at all.
	Notice time.Duration
	// Timeout is how long requests in flight may go on after that. If zero, 30 s. Then they are
	// cut.
	Timeout time.Duration
}

// Admin is where metrics are shown.
type Admin struct {
	// MetricsOnMain serves /metrics on the main listener as well. Off by default: figures about
	// other callers' traffic.
	MetricsOnMain bool
	// Token, if not empty, must come as a bearer token with each request to AdminHandler.
	Token string
}

// withDefaults returns o with every zero field filled, or says everything that is wrong with it.
func (o Options) withDefaults() (Options, error) {
	var errs []error
	if u := o.Upstream; u == nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, errors.New("upstream: want an http or https URL with a host"))
	}
	if o.Compressor == nil {
		errs = append(errs, errors.New("compressor: missing"))
	}
	switch o.Compression.Mode {
	case "":
		o.Compression.Mode = ModeAuto
	case ModeOff, ModeAuto, ModeForce:
	default:
		errs = append(errs, fmt.Errorf("compression mode %q: want off, auto or force", o.Compression.Mode))
	}
	if h := o.Accounting.Holdout; !(h >= 0 && h <= 1) {
		errs = append(errs, fmt.Errorf("holdout %g: want a share in [0, 1]", h))
	}
	if len(errs) > 0 {
		return o, errors.Join(errs...)
	}
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Tenant == nil {
		o.Tenant = gateway.CredentialTenant([]byte(rand.Text()))
	}
	if o.Health == nil {
		o.Health = func(context.Context) error { return nil }
	}
	o.Compression = o.Compression.withDefaults()
	o.Limits = o.Limits.withDefaults()
	o.Drain.Timeout = cmp.Or(o.Drain.Timeout, 30*time.Second)
	return o, nil
}

func (c Compression) withDefaults() Compression {
	c.Timeout = cmp.Or(c.Timeout, 10*time.Second)
	c.MinBytes = cmp.Or(c.MinBytes, 2048)
	c.MaxRequests = cmp.Or(c.MaxRequests, 64)
	c.GroupsAtOnce = cmp.Or(c.GroupsAtOnce, 4)
	return c
}

func (l Limits) withDefaults() Limits {
	l.MaxBodyBytes = cmp.Or(l.MaxBodyBytes, 32<<20)
	l.MaxInFlightBytes = cmp.Or(l.MaxInFlightBytes, 512<<20)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 5*time.Second)
	l.BodyIdle = cmp.Or(l.BodyIdle, 15*time.Second)
	l.WriteIdle = cmp.Or(l.WriteIdle, 30*time.Second)
	l.ConnIdle = cmp.Or(l.ConnIdle, 90*time.Second)
	return l
}
