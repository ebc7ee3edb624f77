package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"pith/internal/panics"
	"pith/perplexity"
)

// The protocols.
const (
	KServe = "kserve"
	OpenAI = "openai"
)

// Options configure a Scorer. URL and Protocol are required, with KServe also Layout and Golden.
type Options struct {
	// URL is the server's base: http://triton:8000, https://vllm:8000.
	URL string
	// Protocol is KServe or OpenAI.
	Protocol string
	// Model is the model's name there; Version, where there are several, which one, and part of the
	// identity of what it says.
	Model, Version string
	// Key is sent as a bearer token if not empty.
	Key string
	// Layout turns text into the model's tokens. With OpenAI the server does so itself.
	Layout *perplexity.Layout
	// Golden are the scores that the server's weights have to give. With OpenAI they may be
	// missing.
	Golden *perplexity.Golden
	// Timeout bounds one call of Score. If zero, 2 s.
	Timeout time.Duration
	// Requests are those at once. If zero, 32.
	Requests int
	// Rest is how long a server that failed is left alone before it is probed; it doubles with each
	// failure up to a minute. If zero, 1 s.
	Rest time.Duration
	// Changed is told of each change between asked and left alone; may be nil.
	Changed func(ready bool, why error)
}

// ErrResting means that the server failed a moment ago and is not asked.
var ErrResting = errors.New("the remote scorer failed and is left alone")

// ErrRefused means that a server answers but cannot be a scorer; the message says why.
var ErrRefused = errors.New("refused as a scorer")

// longestRest bounds the doubling of Options.Rest.
const longestRest = time.Minute

// A protocol asks a server for the losses of one text.
type protocol interface {
	// describe asks what the server is, once for each probe.
	describe(ctx context.Context) (about string, err error)
	score(ctx context.Context, s perplexity.Sequence) (losses perplexity.Losses, tokens int, err error)
}

// A Scorer is safe for concurrent use.
type Scorer struct {
	opt    Options
	id     string
	proto  protocol
	client *http.Client
	slots  chan struct{}
	stats  stats
	about  atomic.Pointer[string]
	door   door

	// life is that of the probes beside the requests.
	life   context.Context //nolint:containedctx // it ends with Close
	end    context.CancelFunc
	probes sync.WaitGroup
}

// New returns a Scorer that asks nothing yet: Start probes the server.
func New(opt Options) (*Scorer, error) {
	if opt.Timeout == 0 {
		opt.Timeout = 2 * time.Second
	}
	if opt.Requests == 0 {
		opt.Requests = 32
	}
	if opt.Rest == 0 {
		opt.Rest = time.Second
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = opt.Requests, opt.Requests
	transport.Proxy = nil // the server is one's own
	s := &Scorer{
		opt: opt, slots: make(chan struct{}, opt.Requests), door: door{failed: make(chan struct{}, 1)},
		client: &http.Client{
			Transport: transport,
			// A redirect would take texts and key elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	c := caller{base: opt.URL, key: opt.Key, client: s.client, stats: &s.stats}
	parts := fmt.Appendf(nil, "remote scorer 1\n%s\n%s\n%s\n", opt.Protocol, opt.Model, opt.Version)
	switch {
	case opt.Protocol == KServe && opt.Layout != nil && opt.Golden != nil:
		s.proto = &kserve{caller: c, model: opt.Model, version: opt.Version, layout: opt.Layout, timeout: opt.Timeout}
		parts = fmt.Appendf(parts, "%s\n%s\n", opt.Layout.ID(), opt.Golden.Model)
	case opt.Protocol == OpenAI:
		s.proto = &openAI{caller: c, model: opt.Model}
		if opt.Golden != nil {
			parts = fmt.Appendf(parts, "%s\n", opt.Golden.Model)
		}
	default:
		return nil, fmt.Errorf("protocol %q with what was given: want %s, with layout and golden scores, or %s",
			opt.Protocol, KServe, OpenAI)
	}
	sum := sha256.Sum256(parts)
	s.id = hex.EncodeToString(sum[:])
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Info names the identity of what the server says, for cache keys: protocol, model, version, and
// where they are known tokenizer and weights, to which the probe holds the server. The device is
// "remote".
func (s *Scorer) Info() (id, device string) { return s.id, "remote" }

// Start probes the server, and from then on beside the requests, until Close. ErrRefused means that
// the server answered and is no scorer; then nothing goes on.
func (s *Scorer) Start(ctx context.Context) error {
	err := s.probe(ctx)
	if errors.Is(err, ErrRefused) {
		return err
	}
	if err == nil {
		s.door.open(s.life)
	}
	s.probes.Go(func() { s.watch(err == nil) })
	return err
}

// Score returns the losses of each sequence, in order. While the server is left alone it returns
// ErrResting at once. A call that takes the timeout, or outlasts its own context's deadline, and an
// answer that cannot be right, have the server left alone.
func (s *Scorer) Score(ctx context.Context, seqs []perplexity.Sequence) ([]perplexity.Losses, error) {
	asked := s.door.enter()
	if asked == nil {
		s.stats.skipped.Add(1)
		return nil, ErrResting
	}
	start := time.Now()
	bounded, cancel := context.WithTimeout(ctx, s.opt.Timeout)
	defer cancel()
	defer context.AfterFunc(asked, cancel)() // another call found the server dead
	out, err := s.each(bounded, seqs)
	switch {
	case err == nil:
		return out, nil
	case ctx.Err() != nil && (!errors.Is(ctx.Err(), context.DeadlineExceeded) || time.Since(start) < s.opt.Timeout/4):
		return nil, ctx.Err() // the caller left, or came late, which says nothing of the server
	case asked.Err() != nil:
		return nil, fmt.Errorf("%w: %w", ErrResting, context.Cause(asked))
	case errors.Is(err, errText):
		s.stats.refused.Add(1)
		return nil, err // about this text alone
	}
	if bounded.Err() != nil {
		err = fmt.Errorf("no answer within %v", s.opt.Timeout)
	}
	s.stats.failures.Add(1)
	s.door.shut(asked, err)
	return nil, fmt.Errorf("remote scorer: %w", err)
}

// each asks for each text once, however often it is in seqs.
func (s *Scorer) each(ctx context.Context, seqs []perplexity.Sequence) ([]perplexity.Losses, error) {
	found := make(map[perplexity.Sequence]*perplexity.Losses, len(seqs))
	g, ctx := panics.NewGroup(ctx)
	g.SetLimit(cap(s.slots))
	for _, seq := range seqs {
		if found[seq] != nil {
			continue
		}
		losses := new(perplexity.Losses)
		found[seq] = losses
		g.Go(func() error {
			start := time.Now()
			s.stats.queued.Add(1)
			select {
			case s.slots <- struct{}{}:
			case <-ctx.Done():
			}
			s.stats.queued.Add(-1)
			s.stats.waited.Add(int64(time.Since(start)))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.stats.active.Add(1)
			defer func() { s.stats.active.Add(-1); <-s.slots }()
			got, tokens, err := s.proto.score(ctx, seq)
			if err == nil {
				err = plausible(got)
			}
			if err != nil {
				return err
			}
			*losses = got
			s.stats.runs.Add(1)
			s.stats.tokens.Add(uint64(tokens))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out := make([]perplexity.Losses, len(seqs))
	for i, seq := range seqs {
		out[i] = *found[seq]
	}
	return out, nil
}

// About describes the server as of the last probe that it passed.
func (s *Scorer) About() string {
	if about := s.about.Load(); about != nil {
		return *about
	}
	return ""
}

// Close ends the probes and the connections.
func (s *Scorer) Close() {
	s.end()
	s.probes.Wait()
	s.client.CloseIdleConnections()
}
