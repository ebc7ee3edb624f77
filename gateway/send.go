package gateway

import (
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"pith/internal/apierror"
	"pith/internal/retryafter"
)

// Retry says when a request goes to its upstream again, and when an upstream is left alone.
type Retry struct {
	// Attempts is how many further ones there may be. Without Busy, only where no connection could
	// be had: then nothing was sent, and no request is billed twice. Bodies that stream through are
	// never sent again.
	Attempts int
	// Busy also tries again after the upstream's own 429 and 503.
	Busy bool
	// MaxWait is the longest wait before an attempt. Where Retry-After asks for more, the client
	// gets the answer. If zero, 10 s.
	MaxWait time.Duration
	// Rest is how long an upstream is left alone after half of its last requests failed,
	// of 20 or more within half a minute. Zero: never.
	Rest time.Duration
}

const (
	breakerShare    = 0.5
	breakerRequests = 20
	breakerWindow   = 30 * time.Second
	// budgetShare is how many retries there may be for each request, budgetSpare how many more in a
	// bad moment: retries must not be what keeps an upstream from recovering.
	budgetShare = 0.2
	budgetSpare = 10
	backoff     = 100 * time.Millisecond
)

// health is what is known about an upstream.
type health struct {
	breaker circuitbreaker.CircuitBreaker[any] // nil: none
	rest    time.Duration
	// failures are those that the breaker was told.
	failures failures

	mu     sync.Mutex
	budget float64
}

func newHealth(r Retry) *health {
	h := &health{rest: r.Rest, budget: budgetSpare}
	if r.Rest > 0 {
		h.breaker = circuitbreaker.NewBuilder[any]().
			WithFailureRateThreshold(breakerShare, breakerRequests, breakerWindow).
			WithSuccessThreshold(1).
			WithDelay(r.Rest).
			Build()
	}
	return h
}

// earn counts a request, spend takes a retry for all of them and reports whether there was one.
func (h *health) earn() {
	h.mu.Lock()
	h.budget = min(h.budget+budgetShare, budgetSpare)
	h.mu.Unlock()
}

func (h *health) spend() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.budget < 1 {
		return false
	}
	h.budget--
	return true
}

// A sender sends the rounds of one request to its upstream.
type sender struct {
	gateway *Gateway
	next    http.RoundTripper
	to      Destination
	client  *Client
}

// Sender returns what sends a client's request to its upstream by next, as often as may be.
func (g *Gateway) Sender(next http.RoundTripper, to Destination, c *Client) http.RoundTripper {
	return &sender{gateway: g, next: next, to: to, client: c}
}

// RoundTrip sends req until there is an answer to pass on or nothing more may be tried.
func (s *sender) RoundTrip(req *http.Request) (*http.Response, error) {
	h := s.to.health
	h.earn()
	s.client.ChargeBytes(req.Context(), req.ContentLength)
	retry := s.gateway.opts.Retry
	for n := 0; ; n++ {
		a := s.try(req, s.to.target)
		wait, again := a.wait(retry, n)
		if !again || n >= retry.Attempts || !canResend(req) || !h.spend() {
			return a.res, a.err
		}
		if a.res != nil {
			_, _ = io.CopyN(io.Discard, a.res.Body, 64<<10) // read to its end, a small answer gives its connection back
			_ = a.res.Body.Close()
		}
		if err := sleep(req.Context(), wait); err != nil {
			return nil, err
		}
		s.gateway.metrics.retries.WithLabelValues(s.to.Name()).Inc()
		if req.GetBody == nil {
			continue
		}
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = body
	}
}

// canResend reports that the body of req can be had once more.
func canResend(req *http.Request) bool {
	return req.Body == nil || req.Body == http.NoBody || req.GetBody != nil
}

// An attempt is what came of sending once.
type attempt struct {
	res *http.Response
	err error
	// reached says that there was a connection, so that bytes may have been sent.
	reached bool
}

func (s *sender) try(req *http.Request, t *target) attempt {
	if t.breaker != nil && !t.breaker.TryAcquirePermit() {
		s.gateway.metrics.attempts.WithLabelValues(t.Name, "resting").Inc()
		rest := int(math.Ceil(max(1, t.breaker.RemainingDelay().Seconds())))
		return attempt{
			reached: true, // there is nothing to try again before its rest is over
			err: &apierror.Error{
				Status: http.StatusServiceUnavailable, Kind: apierror.Upstream, RetryAfter: rest,
				Msg: "the upstream is failing and left alone for a moment",
			},
		}
	}
	var asked, reached atomic.Bool
	said := t.watchTrial(&reached)
	ctx := httptrace.WithClientTrace(
		req.Context(),
		&httptrace.ClientTrace{
			GetConn: func(string) { asked.Store(true) },
			GotConn: func(httptrace.GotConnInfo) { reached.Store(true) },
		},
	)
	res, err := s.next.RoundTrip(req.WithContext(ctx)) //nolint:bodyclose // the answer is the caller's
	a := attempt{res: res, err: err, reached: reached.Load()}
	switch {
	case err != nil && !asked.Load() && req.Context().Err() == nil:
		// No connection was wanted: net/http writes no such request. It says nothing of the
		// upstream (TestBreakerIsNoClientsAlone in proxy).
		a.err = &apierror.Error{
			Status: http.StatusBadRequest, Kind: apierror.Request,
			Msg: "a method, or a name or a value of a header, that cannot be sent on", Err: err,
		}
	case err == nil && (res.StatusCode < 100 || res.StatusCode > 599):
		// net/http writes no such status but panics (TestNoAnswerEndsTheProcess in proxy), and
		// clients know none.
		_ = res.Body.Close() // it is not read: its error is no news
		a.res, a.err = nil, &apierror.Error{
			Status: http.StatusBadGateway, Kind: apierror.Upstream,
			Msg: "the upstream answered with a status that is none",
		}
	}
	s.gateway.metrics.attempts.WithLabelValues(t.Name, a.outcome(req.Context())).Inc()
	if said() {
		t.record(req.Context(), s.client.identity(req), a)
	}
	return a
}

// watchTrial has a trial of an upstream that was left alone count as what is known of it once
// another rest has passed: it may be one client's answer of minutes, and all others wait for it.
// The function that it returns ends the watch, and says whether the outcome is still to be told.
func (h *health) watchTrial(reached *atomic.Bool) (said func() bool) {
	if h.breaker == nil || !h.breaker.IsHalfOpen() {
		return func() bool { return true }
	}
	timer := time.AfterFunc(h.rest, func() {
		if reached.Load() {
			h.breaker.RecordSuccess()
		} else {
			h.breaker.RecordFailure()
		}
	})
	return timer.Stop
}

// outcome is the label of an attempt.
func (a *attempt) outcome(ctx context.Context) string {
	switch {
	case a.err == nil && a.res.StatusCode < 500:
		return "answered"
	case a.err == nil:
		return "failed"
	case ownFault(a.err), errors.Is(ctx.Err(), context.Canceled):
		return "left"
	case a.reached:
		return "broken"
	default:
		return "unreached"
	}
}

// ownFault reports an error out of the request's own body, which is the client's doing.
func ownFault(err error) bool {
	e, ok := errors.AsType[*apierror.Error](err)
	return ok && e.Status < http.StatusInternalServerError
}

// record tells the breaker, which is everybody's: no client alone may open it. So what the client
// cut short says nothing, and an upstream that was reached fails only where it fails several
// clients. A trial has to end somehow: one that shows that the upstream can be reached ends well.
func (h *health) record(ctx context.Context, who string, a attempt) {
	if h.breaker == nil {
		return
	}
	switch outcome := a.outcome(ctx); {
	case outcome == "unreached":
		h.breaker.RecordFailure()
	case outcome == "answered":
		h.breaker.RecordSuccess()
	case outcome != "left" && h.failures.count(who, time.Now()):
		h.breaker.RecordFailure()
	case h.breaker.IsHalfOpen() && a.reached && outcome != "broken":
		h.breaker.RecordSuccess()
	case h.breaker.IsHalfOpen():
		h.breaker.RecordFailure()
	}
}

// wait says whether what came of an attempt allows another, and after how long.
func (a *attempt) wait(r Retry, n int) (time.Duration, bool) {
	// Half of it is chance, so that the clients of an upstream that comes back do not come back as
	// one.
	d := min(time.Duration(float64(backoff<<n)*(0.5+rand.Float64()/2)), r.MaxWait)
	if a.err != nil {
		return d, !a.reached && !ownFault(a.err)
	}
	if !r.Busy || a.res.StatusCode != http.StatusTooManyRequests && a.res.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	asked, _ := retryafter.Parse(a.res.Header.Get("Retry-After"), time.Now())
	d = max(d, asked)
	return d, d <= r.MaxWait
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
