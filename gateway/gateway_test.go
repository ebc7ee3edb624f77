package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pith/gateway"
	"pith/internal/apierror"
)

func address(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func open(t *testing.T, o gateway.Options) *gateway.Gateway {
	t.Helper()
	tenant := func(r *http.Request) string { return "by credential " + r.Header.Get("Authorization") }
	g, err := gateway.New(o, address(t, "https://default.test/base"), tenant, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func request(key string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer "+key)
	return r
}

func TestRoute(t *testing.T) {
	g := open(t, gateway.Options{Upstreams: []gateway.Upstream{
		{Name: "claude", URL: address(t, "https://api.anthropic.com"), Models: []string{"claude-*", "vendor/*"}},
		{Name: "local", URL: address(t, "http://local.test"), Paths: []string{"/local"}, StripPath: true},
		{Name: "versioned", URL: address(t, "http://versioned.test/api/v1"), Models: []string{"versioned"}},
	}})
	for _, tt := range []struct{ path, model, want, provider, url string }{
		{"/v1/messages", "claude-sonnet", "claude", "anthropic", "https://api.anthropic.com/v1/messages"},
		{"/v1/messages", "vendor/a/b", "claude", "anthropic", "https://api.anthropic.com/v1/messages"},
		{"/local/v1/x", "", "local", "", "http://local.test/v1/x"},
		{"/locally/x", "", "default", "", "https://default.test/base/locally/x"},
		{"/v1/messages", "", "default", "", "https://default.test/base/v1/messages"},
		{"/v1/messages", "versioned", "versioned", "", "http://versioned.test/api/v1/messages"},
		{"/v1/a%2Fb", "versioned", "versioned", "", "http://versioned.test/api/v1/a%2Fb"},
		{"/chat/completions", "versioned", "versioned", "", "http://versioned.test/api/v1/chat/completions"},
		{"/v1beta/models", "versioned", "versioned", "", "http://versioned.test/api/v1/v1beta/models"},
	} {
		to := g.Route(tt.path, tt.model)
		if to.Name() != tt.want || to.Provider() != tt.provider {
			t.Errorf("%s, model %q goes to %s of %q", tt.path, tt.model, to.Name(), to.Provider())
		}
		in := httptest.NewRequest(http.MethodPost, tt.path, nil)
		p := &httputil.ProxyRequest{In: in, Out: in.Clone(t.Context())}
		if g.Address(p, to, nil); p.Out.URL.String() != tt.url {
			t.Errorf("%s, model %q goes to %s, want %s", tt.path, tt.model, p.Out.URL, tt.url)
		}
	}
	if !g.ByModel() || open(t, gateway.Options{}).ByModel() {
		t.Error("bodies are read for their model where none is asked for, or not where one is")
	}
}

func TestEnter(t *testing.T) {
	g := open(t, gateway.Options{Keys: []gateway.VirtualKey{
		{Name: "alice", Hash: gateway.HashKey("pith-alice"), RequestsPerMinute: 1},
	}})
	answer := http.Header{}
	c, err := g.Enter(answer, request("pith-alice"))
	if err != nil || c.Name() != "alice" || c.Tenant(request("pith-alice")) != "key alice" || !c.Counted() {
		t.Errorf("alice: %v, %q", err, c.Name())
	}
	var refused *apierror.Error
	c, err = g.Enter(answer, request("pith-alice"))
	if !errors.As(err, &refused) || refused.Status != http.StatusTooManyRequests || refused.RetryAfter < 1 ||
		answer.Get("X-Ratelimit-Limit-Requests") != "1" || c.Name() != "alice" {
		t.Errorf("alice's second request: %v, %v", err, answer)
	}
	c, err = g.Enter(answer, request("pith-mallory"))
	if !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized || c.Name() != "" {
		t.Errorf("an unknown key: %v", err)
	}
	c, err = open(t, gateway.Options{}).Enter(answer, request("sk-own"))
	if err != nil || c.Counted() || c.Tenant(request("sk-own")) != "by credential Bearer sk-own" {
		t.Errorf("without virtual keys: %v", err)
	}
}

// Allowances and what is known of upstreams outlive a configuration.
func TestReloadKeepsAllowances(t *testing.T) {
	o := gateway.Options{Keys: []gateway.VirtualKey{
		{Name: "alice", Hash: gateway.HashKey("pith-alice"), RequestsPerMinute: 1},
	}}
	g := open(t, o)
	if _, err := g.Enter(http.Header{}, request("pith-alice")); err != nil {
		t.Fatal(err)
	}
	next, err := g.Reload(o, address(t, "https://default.test"), func(*http.Request) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.Enter(http.Header{}, request("pith-alice")); err == nil {
		t.Error("a new configuration forgets what was used")
	}
	o.Upstreams = []gateway.Upstream{{Name: "nowhere", URL: address(t, "ftp://x.test")}}
	if _, err := g.Reload(o, address(t, "https://default.test"), nil); err == nil {
		t.Error("an upstream that is not HTTP is taken")
	}
}

// failures answer the third request; no connection is had for the first two.
type failures struct{ asked int }

func (f *failures) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked++
	if f.asked < 3 {
		httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}"))}, nil
}

func TestSenderTriesAgainWhereNothingWasSent(t *testing.T) {
	for attempts, want := range map[int]int{0: 1, 1: 2, 5: 3} {
		g := open(t, gateway.Options{Retry: gateway.Retry{Attempts: attempts, MaxWait: 1}})
		c, err := g.Enter(http.Header{}, request("sk-own"))
		if err != nil {
			t.Fatal(err)
		}
		r := request("sk-own")
		r.Body = http.NoBody
		f := &failures{}
		res, err := g.Sender(f, g.Route("/v1/chat/completions", ""), c).RoundTrip(r)
		if f.asked != want || (err == nil) != (want == 3) {
			t.Errorf("%d further attempts: asked %d times, want %d: %v", attempts, f.asked, want, err)
		}
		if res != nil {
			res.Body.Close()
		}
	}
}

// A roundTrip is a transport of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// send sends one request and returns the status of what came of it.
func send(t *testing.T, g *gateway.Gateway, next roundTrip) int {
	t.Helper()
	c, err := g.Enter(http.Header{}, request("sk-own"))
	if err != nil {
		t.Fatal(err)
	}
	r := request("sk-own").WithContext(t.Context())
	r.Body = http.NoBody
	res, err := g.Sender(next, g.Route("/v1/chat/completions", ""), c).RoundTrip(r)
	if err != nil {
		return apierror.As(err).Status
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func answer(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GetConn(r.URL.Host)
	trace.GotConn(httptrace.GotConnInfo{})
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func refuseConnection(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
	return nil, errors.New("connection refused")
}

// What net/http does not want to send is the client's own fault, and no sign of the upstream's.
func TestRequestsThatCannotBeSentSayNothing(t *testing.T) {
	g := open(t, gateway.Options{Retry: gateway.Retry{Attempts: 2, MaxWait: 1, Rest: time.Hour}})
	asked := 0
	for range 50 {
		status := send(t, g, func(*http.Request) (*http.Response, error) {
			asked++
			return nil, errors.New("net/http: invalid method")
		})
		if status != http.StatusBadRequest {
			t.Fatalf("status %d", status)
		}
	}
	if status := send(t, g, answer); status != http.StatusOK || asked != 50 {
		t.Errorf("then status %d; asked %d times for 50", status, asked)
	}
}

// The request that tries an upstream after its rest may take minutes: the others wait for no more
// than another rest.
func TestTrialsAreNotWaitedForWithoutEnd(t *testing.T) {
	const rest = 5 * time.Second
	for _, reached := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := open(t, gateway.Options{Retry: gateway.Retry{Rest: rest}})
			for range 20 {
				send(t, g, refuseConnection)
			}
			time.Sleep(rest)
			done := make(chan struct{})
			go func() {
				defer close(done)
				send(t, g, func(r *http.Request) (*http.Response, error) {
					if reached {
						defer time.Sleep(time.Hour)
						return answer(r)
					}
					time.Sleep(time.Hour)
					return refuseConnection(r)
				})
			}()
			synctest.Wait()
			if status := send(t, g, answer); status != http.StatusServiceUnavailable {
				t.Errorf("beside a trial: %d", status)
			}
			time.Sleep(rest)
			synctest.Wait()
			want := http.StatusOK
			if !reached { // it was left alone once more
				want = http.StatusServiceUnavailable
			}
			if status := send(t, g, answer); status != want {
				t.Errorf("after another rest, reached %t: %d, want %d", reached, status, want)
			}
			time.Sleep(rest)
			synctest.Wait()
			if status := send(t, g, answer); status != http.StatusOK {
				t.Errorf("after two more rests, reached %t: %d", reached, status)
			}
			<-done
		})
	}
}

// A bank that is out of reach at times keeps what is taken of it, by allowance, and when each is
// full again.
type bank struct {
	gone  bool
	taken map[string]int64
	full  map[string]time.Time
}

var errGone = errors.New("no answer")

func (b *bank) Draw(_ context.Context, draws []gateway.Draw, owe bool) (gateway.Drawn, error) {
	if b.gone {
		return gateway.Drawn{}, errGone
	}
	drawn := gateway.Drawn{Refused: -1}
	for i, d := range draws {
		left := max(0, time.Until(b.full[d.Key])) + time.Duration(d.N)*time.Minute/time.Duration(d.PerMinute)
		if left > time.Minute && !owe {
			return gateway.Drawn{Refused: i, Wait: left - time.Minute}, nil
		}
		drawn.Full = append(drawn.Full, left)
	}
	for i, d := range draws {
		b.taken[strings.Fields(d.Key)[0]] += d.N
		b.full[d.Key] = time.Now().Add(drawn.Full[i])
	}
	return drawn, nil
}

func (b *bank) Repay(ctx context.Context, draws []gateway.Draw) error {
	_, err := b.Draw(ctx, draws, true)
	return err
}

// What a replica lets in while the shared bank is out of reach is repaid once it is back, unless it
// has filled up since.
func TestWhatTheBankMissedIsRepaid(t *testing.T) {
	for name, tt := range map[string]struct {
		rest time.Duration
		want int64
	}{"at once": {0, 5}, "after a minute without a request": {time.Minute, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				shared := &bank{taken: map[string]int64{}, full: map[string]time.Time{}}
				g := open(t, gateway.Options{Bank: shared, Keys: []gateway.VirtualKey{
					{Name: "alice", Hash: gateway.HashKey("pith-alice"), RequestsPerMinute: 100, TokensPerMinute: 1000},
				}})
				for _, gone := range []bool{false, true, true, true, false} {
					if shared.gone != gone && shared.gone {
						time.Sleep(tt.rest)
					}
					shared.gone = gone
					if _, err := g.Enter(http.Header{}, request("pith-alice")); err != nil {
						t.Fatal(err)
					}
				}
				if shared.taken["Requests"] != tt.want || shared.taken["Tokens"] != tt.want {
					t.Errorf("the bank counted %v, want %d of each", shared.taken, tt.want)
				}
			})
		})
	}
}
