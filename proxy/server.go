// Package proxy stands in front of an LLM API and shortens the code in prompts on their way.
//
// A client changes its base URL and nothing else: paths, methods, headers, status codes, errors,
// streams and trailers of the upstream arrive as they were sent. In request bodies of a known
// dialect the proxy finds blocks of source code and has a Compressor shorten them in place; every
// other byte of the body stays. Where the model may ask for omitted lines, a tool is added behind
// the client's, and its calls are answered on the way back. It knows nothing of grammars, models,
// tokenizers and stores: those stand behind the Compressor.
//
// Three rules hold everywhere. What is sent for a block depends only on the turns up to its own, so
// that the provider's prompt cache keeps hitting. Whatever goes wrong while compressing, the
// original goes out. What the upstream cuts, the client sees cut.
package proxy

import (
	"cmp"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"sync/atomic"

	"pith/accounting"
	"pith/gateway"
	"pith/retrieval"
)

// A Server is the proxy. It is safe for concurrent use.
type Server struct {
	opts      Options
	log       *slog.Logger
	errorLog  *log.Logger // for what ReverseProxy reports
	buffers   *buffers
	handler   http.Handler
	slots     slots
	gateway   *gateway.Gateway
	originals *retrieval.Originals
	books     *accounting.Books
	tracing   *tracing
	*state
}

// A state is what a Server hands on to the one that takes its place in a Site.
type state struct {
	metrics  *metrics
	forms    *forms
	threads  *threads
	sockets  sockets
	inFlight byteBudget
	readers  chan struct{}
	draining atomic.Bool
}

// New makes a Server. The error names everything that is wrong with o.
func New(o Options) (*Server, error) { return build(o, nil) }

// build makes a Server that takes over what lasts from prev, if there is one.
func build(o Options, prev *Server) (*Server, error) {
	if prev != nil {
		o.Transport = cmp.Or(o.Transport, prev.opts.Transport)
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("proxy options: %w", err)
	}
	s := &Server{
		opts:     o,
		log:      o.Logger,
		errorLog: log.New(plainLog{slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug)}, "", 0),
		buffers:  newBuffers(),
		slots:    newSlots(o.Compression.MaxRequests),
		tracing:  newTracing(o.Tracer),
	}
	if err := s.furnish(prev); err != nil {
		return nil, err
	}
	s.inFlight.limit.Store(o.Limits.MaxInFlightBytes)
	s.handler = s.newHandler()
	return s, nil
}

// furnish makes the parts of s, or takes over those of prev what lasts of them.
func (s *Server) furnish(prev *Server) (err error) {
	o := s.opts
	if prev == nil {
		s.gateway, err = gateway.New(o.Gateway, o.Upstream, o.Tenant, o.Registry)
	} else {
		s.gateway, err = prev.gateway.Reload(o.Gateway, o.Upstream, o.Tenant)
	}
	if err != nil {
		return fmt.Errorf("proxy options: %w", err)
	}
	// A search for declarations takes a slot as a compression does: grammars are slow on hostile
	// files.
	o.Retrieval.Timeout, o.Retrieval.Admit = o.Compression.Timeout, s.slots.take
	if s.originals, err = retrieval.New(o.Retrieval); err != nil {
		return fmt.Errorf("proxy retrieval: %w", err)
	}
	if prev == nil {
		s.books, err = accounting.New(o.Accounting, o.Registry)
	} else {
		s.books, err = prev.books.Reload(o.Accounting)
	}
	if err != nil {
		return fmt.Errorf("proxy accounting: %w", err)
	}
	if prev != nil {
		s.state = prev.state
		return nil
	}
	if s.state, err = newState(o); err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	return nil
}

func newState(o Options) (l *state, err error) {
	l = &state{readers: newReaders()}
	if l.forms, err = newForms(o.Freeze); err != nil {
		return nil, err
	}
	if l.threads, err = newThreads(o.Freeze.Store, l.forms.key); err != nil {
		return nil, err
	}
	if l.metrics, err = newMetrics(o.Registry, &l.inFlight); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return l, nil
}

// Handler returns the proxy with its own endpoints, for a server that is not Serve's.
func (s *Server) Handler() http.Handler { return s.handler }
