package proxy_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pith/gateway"
	"pith/proxy"
)

// No request is sent twice unless that was asked for: the counts are the upstream's.
func TestRetries(t *testing.T) {
	tests := []struct {
		name        string
		refuseDials int      // connections that cannot be had at first
		script      []string // what the upstream does with each request that arrives
		retry       gateway.Retry
		stream      bool // a body that cannot be read again
		want        int
		arrived     int
	}{
		{name: "nothing wrong", want: 200, arrived: 1, retry: gateway.Retry{Attempts: 2}},
		{name: "no connection twice", refuseDials: 2, retry: gateway.Retry{Attempts: 2}, want: 200, arrived: 1},
		{name: "no connection three times", refuseDials: 3, retry: gateway.Retry{Attempts: 2}, want: 502, arrived: 0},
		{name: "retries off", refuseDials: 1, want: 502, arrived: 0},
		{
			name:        "a body that streams through",
			refuseDials: 1,
			stream:      true,
			retry:       gateway.Retry{Attempts: 2},
			want:        502,
			arrived:     0,
		},
		{
			name:    "closed after it was sent",
			script:  []string{"close"},
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    502,
			arrived: 1,
		},
		{
			name:    "nonsense after it was sent",
			script:  []string{"nonsense"},
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    502,
			arrived: 1,
		},
		{name: "500", script: []string{"500"}, retry: gateway.Retry{Attempts: 2, Busy: true}, want: 500, arrived: 1},
		{name: "502", script: []string{"502"}, retry: gateway.Retry{Attempts: 2, Busy: true}, want: 502, arrived: 1},
		{name: "503 not asked for", script: []string{"503"}, retry: gateway.Retry{Attempts: 2}, want: 503, arrived: 1},
		{
			name:    "503 asked for",
			script:  []string{"503"},
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    200,
			arrived: 2,
		},
		{
			name:    "429 and 503",
			script:  []string{"429", "503"},
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    200,
			arrived: 3,
		},
		{
			name:    "429 for ever",
			script:  []string{"429", "429", "429"},
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    429,
			arrived: 3,
		},
		{
			name:    "429 with a body that streams",
			script:  []string{"429"},
			stream:  true,
			retry:   gateway.Retry{Attempts: 2, Busy: true},
			want:    429,
			arrived: 1,
		},
		{
			name:    "a short Retry-After",
			script:  []string{"429 0.01"},
			retry:   gateway.Retry{Attempts: 1, Busy: true},
			want:    200,
			arrived: 2,
		},
		{
			name:    "a long Retry-After",
			script:  []string{"429 3600"},
			retry:   gateway.Retry{Attempts: 1, Busy: true},
			want:    429,
			arrived: 1,
		},
		{
			name:    "a date",
			script:  []string{"429 Fri, 01 Jan 2100 00:00:00 GMT"},
			retry:   gateway.Retry{Attempts: 1, Busy: true},
			want:    429,
			arrived: 1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var arrived atomic.Int32
			up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if string(body) != userChat("hi") {
					t.Errorf("body = %q", body)
				}
				n := int(arrived.Add(1))
				if n <= len(tt.script) {
					misbehave(w, tt.script[n-1])
				}
			}))
			defer up.Close()
			opts := options(t, newUpstream(t))
			opts.Upstream, _ = url.Parse(up.URL)
			opts.Gateway.Retry = tt.retry
			opts.Gateway.Retry.MaxWait = 30 * time.Millisecond
			transport := proxy.NewTransport()
			defer transport.CloseIdleConnections()
			var dials atomic.Int32
			transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if int(dials.Add(1)) <= tt.refuseDials {
					return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
				}
				return new(net.Dialer).DialContext(ctx, network, addr)
			}
			opts.Transport = transport
			base, client := start(t, opts)
			header := []string{}
			if tt.stream {
				header = []string{"X-Pith-Mode", "off"}
			}
			res, body := post(t, client, base+"/v1/chat/completions", userChat("hi"), header...)
			if res.StatusCode != tt.want || int(arrived.Load()) != tt.arrived {
				t.Errorf(
					"%d after %d requests at the upstream, want %d after %d: %s",
					res.StatusCode,
					arrived.Load(),
					tt.want,
					tt.arrived,
					body,
				)
			}
		})
	}
}

// misbehave plays one line of a script: "close", "nonsense", or a status with a Retry-After.
func misbehave(w http.ResponseWriter, what string) {
	if what == "close" || what == "nonsense" {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		if what == "nonsense" {
			_, _ = rw.WriteString("what?\r\n\r\n")
			_ = rw.Flush()
		}
		_ = conn.Close()
		return
	}
	status, after, _ := strings.Cut(what, " ")
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	codes := map[string]int{"429": 429, "500": 500, "502": 502, "503": 503}
	w.WriteHeader(codes[status])
}

// Of many requests to an upstream that is down no more than the spare ones and a fifth are sent
// again.
func TestRetriesHaveABudget(t *testing.T) {
	opts := options(t, newUpstream(t))
	opts.Gateway.Retry = gateway.Retry{Attempts: 1, MaxWait: time.Millisecond}
	var tries atomic.Int32
	opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		tries.Add(1)
		return nil, unreachable(r)
	})
	base, client := start(t, opts)
	const requests = 100
	for range requests {
		if res, _ := post(t, client, base+"/v1/chat/completions", "{}"); res.StatusCode != http.StatusBadGateway {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	if n := tries.Load(); n < requests+10 || n > requests+10+requests/5+1 {
		t.Errorf("%d tries for %d requests, want ten and a fifth more", n, requests)
	}
}

// unreachable is the error of a transport that looked for a connection in vain.
func unreachable(r *http.Request) error {
	httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
	return errors.New("no route")
}

// askDirectly asks a handler without a network, so that time may be a test's own.
func askDirectly(ctx context.Context, h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader("{}")))
	return w
}

// An upstream that fails is left alone, alone, and found again.
func TestBreakerOpensAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick, leave := true, false
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		asked := map[string]int{}
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			asked[r.URL.Host]++
			if leave {
				cancel()
				return nil, ctx.Err()
			}
			if r.URL.Host == "sick" && sick {
				return nil, unreachable(r)
			}
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
		})
		opts := proxy.Options{
			Upstream: &url.URL{
				Scheme: "http",
				Host:   "well",
			},
			Compressor: proxy.CompressorFunc(thirds),
			Transport:  transport,
			Logger:     slog.New(slog.DiscardHandler),
			Gateway: gateway.Options{
				Upstreams: []gateway.Upstream{
					{Name: "sick", URL: &url.URL{Scheme: "http", Host: "sick"}, Paths: []string{"/sick"}},
				},
				Retry: gateway.Retry{Rest: 5 * time.Second},
			},
		}
		h := newServer(t, opts).Handler()
		status := func(path string) int { return askDirectly(t.Context(), h, path).Code }
		for i := range 20 {
			if got := status("/sick/v1/x"); got != 502 {
				t.Fatalf("failure %d of 20 is not the upstream's own: %d", i+1, got)
			}
		}
		w := askDirectly(t.Context(), h, "/sick/v1/messages")
		if w.Code != 503 || w.Header().Get("Retry-After") != "5" ||
			!strings.Contains(w.Body.String(), `"type":"error"`) ||
			asked["sick"] != 20 {
			t.Errorf("after 20 failures: %d %v %s, asked %d times", w.Code, w.Header(), w.Body, asked["sick"])
		}
		if got := status("/v1/x"); got != 200 {
			t.Errorf("the other upstream answers %d", got)
		}
		time.Sleep(5 * time.Second)
		if got := status("/sick/v1/x"); got != 502 || asked["sick"] != 21 {
			t.Errorf("the trial: %d, asked %d times", got, asked["sick"])
		}
		if got := status("/sick/v1/x"); got != 503 || asked["sick"] != 21 {
			t.Errorf("after a failed trial: %d, asked %d times", got, asked["sick"])
		}
		time.Sleep(5 * time.Second)
		leave = true
		askDirectly(ctx, h, "/sick/v1/x") // a client that leaves during a trial must not take the upstream with it
		leave, sick = false, false
		time.Sleep(5 * time.Second)
		for range 3 {
			if got := status("/sick/v1/x"); got != 200 {
				t.Errorf("after recovery: %d", got)
			}
		}
	})
}
