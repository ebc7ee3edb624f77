// Package proxy stands in front of an LLM API and shortens the code in prompts on their way.
//
// A client changes its base URL and nothing else: paths, methods, headers, status codes, errors, streams and trailers of the
// upstream arrive as they were sent. In request bodies of a known dialect the proxy finds blocks of source code and has a
// Compressor shorten them in place; every other byte of the body stays. Where the model may ask for omitted lines, a tool is added
// behind the client's, and its calls are answered on the way back. It knows nothing of grammars, models, tokenizers and
// stores: those stand behind the Compressor.
//
// Three rules hold everywhere. What is sent for a block depends only on the turns up to its own, so that the provider's prompt
// cache keeps hitting. Whatever goes wrong while compressing, the original goes out. What the upstream cuts, the client sees cut.
package proxy

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
)

// A Server is the proxy. It is safe for concurrent use.
type Server struct {
	opts      Options
	log       *slog.Logger
	dialects  []*dialect
	targets   []*target
	byModel   bool
	forward   *httputil.ReverseProxy
	handler   http.Handler
	slots     slots
	originals *originals
	prices    prices
	tracing   *tracing
	*lasting
}

// lasting is what a Server hands on to the one that takes its place in a Site.
type lasting struct {
	metrics    *metrics
	ledger     *ledger
	calibrator *calibrator
	allowances *allowances
	inFlight   byteBudget
	draining   atomic.Bool
}

// New makes a Server. The error names everything that is wrong with o.
func New(o Options) (*Server, error) { return build(o, nil) }

// build makes a Server that takes over what lasts from prev, if there is one.
func build(o Options, prev *Server) (*Server, error) {
	if prev != nil {
		o.Transport = orElse(o.Transport, prev.opts.Transport)
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("proxy options: %w", err)
	}
	s := &Server{
		opts:     o,
		log:      o.Logger,
		dialects: dialects(),
		slots:    newSlots(o.Compression.MaxRequests),
		byModel:  byModel(o.Gateway.Upstreams),
	}
	var known []*target
	if prev != nil {
		known = prev.targets
	}
	if s.targets, err = newTargets(o, known); err != nil {
		return nil, fmt.Errorf("proxy options: %w", err)
	}
	if s.originals, err = newOriginals(o.Retrieval); err != nil {
		return nil, fmt.Errorf("proxy retrieval: %w", err)
	}
	if s.prices, err = newPrices(o.Accounting.Prices); err != nil {
		return nil, fmt.Errorf("proxy accounting: %w", err)
	}
	s.tracing = newTracing(o.Tracer)
	if prev != nil {
		s.lasting = prev.lasting
	} else if s.lasting, err = newLasting(o); err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	s.inFlight.limit.Store(o.Limits.MaxInFlightBytes)
	s.forward = s.newForward()
	s.handler = s.newEngine()
	return s, nil
}

func newLasting(o Options) (l *lasting, err error) {
	l = &lasting{allowances: &allowances{shared: o.Gateway.Bank, local: newBuckets()}}
	if l.ledger, err = newLedger(o.Freeze); err != nil {
		return nil, err
	}
	if l.calibrator, err = newCalibrator(o.Accounting); err != nil {
		return nil, fmt.Errorf("accounting: %w", err)
	}
	if l.metrics, err = newMetrics(o.Registry, &l.inFlight); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return l, nil
}

// Handler returns the proxy with its own endpoints, for a server that is not Serve's.
func (s *Server) Handler() http.Handler { return s.handler }
