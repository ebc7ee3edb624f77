// Package gateway says who may come in, where a request goes and what is sent twice.
//
// Clients have virtual keys with allowances, upstreams are chosen by model or path, and a request
// goes to its upstream again only where nothing was sent the first time. It knows nothing of
// compression.
package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say who may come in and where requests go. Their zero value lets everybody in, with the
// credentials of the upstream.
type Options struct {
	// Upstreams are tried in order before the default one.
	Upstreams []Upstream
	// Keys are the clients. If there are any, a request needs one of their keys, which goes no
	// further.
	Keys []VirtualKey
	// DefaultKey is the default upstream's own, in place of the client's.
	DefaultKey string
	// DefaultSockets says which WebSockets pass to the default upstream. If empty,
	// SocketsResponses.
	DefaultSockets Sockets
	// Bank keeps the allowances of Keys for all replicas. If nil, each replica keeps its own.
	Bank Bank
	// Retry says when a request goes to its upstream again.
	Retry Retry
}

// A Gateway is safe for concurrent use.
type Gateway struct {
	opts       Options
	targets    []*target
	tenant     func(*http.Request) string
	allowances *allowances
	metrics    *metrics
}

// New makes a Gateway whose default upstream is at fallback. Callers without a virtual key are told
// apart by tenant. The error names everything that is wrong with o.
func New(
	o Options,
	fallback *url.URL,
	tenant func(*http.Request) string,
	registry *prometheus.Registry,
) (*Gateway, error) {
	m, err := newMetrics(registry)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	first := &Gateway{allowances: &allowances{shared: o.Bank, local: newBuckets()}, metrics: m}
	return first.Reload(o, fallback, tenant)
}

// Reload makes a Gateway that takes over allowances, figures and what is known of upstreams from g.
func (g *Gateway) Reload(o Options, fallback *url.URL, tenant func(*http.Request) string) (*Gateway, error) {
	if o.Retry.MaxWait == 0 {
		o.Retry.MaxWait = 10 * time.Second
	}
	next := &Gateway{opts: o, tenant: tenant, allowances: g.allowances, metrics: g.metrics}
	var err error
	next.targets, err = newTargets(o, fallback, g.targets)
	return next, err
}

// newTargets checks the table and takes over the health of upstreams that prev knew, the last of
// all being the default one.
func newTargets(o Options, fallback *url.URL, prev []*target) ([]*target, error) {
	table := slices.Concat(o.Upstreams, []Upstream{{
		Name: "default", URL: fallback, Key: o.DefaultKey, Sockets: o.DefaultSockets,
	}})
	out := make([]*target, len(table))
	var errs []error
	for i, u := range table {
		if !isBaseURL(u.URL) {
			errs = append(errs, fmt.Errorf("upstream %s: want an http or https URL with a host", u.Name))
			continue
		}
		out[i] = &target{Upstream: u, health: newHealth(o.Retry)}
		for _, p := range prev {
			if p.Name == u.Name && p.URL.String() == u.URL.String() && p.rest == o.Retry.Rest {
				out[i].health = p.health
			}
		}
	}
	return out, errors.Join(errs...)
}

func isBaseURL(u *url.URL) bool {
	return u != nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// metrics are the figures of upstreams.
type metrics struct {
	attempts *prometheus.CounterVec
	retries  *prometheus.CounterVec
}

func newMetrics(registry *prometheus.Registry) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "pith", Name: name, Help: help}, labels)
	}
	m := &metrics{
		attempts: counter(
			"upstream_attempts_total",
			"Requests sent on, by what came of them: answered, failed (5xx), broken, "+
				"unreached, left (by the client), resting (not sent).",
			"upstream",
			"outcome",
		),
		retries: counter("upstream_retries_total", "Attempts after the first.", "upstream"),
	}
	return m, errors.Join(registry.Register(m.attempts), registry.Register(m.retries))
}
