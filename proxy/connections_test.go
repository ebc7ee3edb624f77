package proxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"pith/proxy"
)

// What tells a client when to come back is the upstream's to say; what concerns one connection
// stays on it.
func TestHeadersOfAnswersPass(t *testing.T) {
	pass := map[string]string{
		"Retry-After":                          "17",
		"Retry-After-Ms":                       "17000",
		"X-Ratelimit-Limit-Requests":           "60",
		"X-Ratelimit-Remaining-Tokens":         "149984",
		"X-Ratelimit-Reset-Tokens":             "6m0s",
		"Anthropic-Ratelimit-Tokens-Remaining": "5",
		"X-Request-Id":                         "req_1",
		"Openai-Processing-Ms":                 "12",
		"X-Should-Retry":                       "false",
	}
	stay := map[string]string{
		"Keep-Alive":         "timeout=5",
		"X-Private":          "1",
		"Proxy-Authenticate": "Basic",
		"Te":                 "trailers",
	}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range []map[string]string{pass, stay} {
			for name, value := range m {
				w.Header().Set(name, value)
			}
		}
		w.Header().Set("Connection", "X-Private")
		w.WriteHeader(map[string]int{"/ok": 200, "/busy": 429, "/over": 529}[r.URL.Path])
	}))
	defer up.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(up.URL)
	clients(&opts)
	opts.Gateway.Keys[0].RequestsPerMinute = 10
	base, client := start(t, opts)
	for path, status := range map[string]int{"/ok": 200, "/busy": 429, "/over": 529} {
		res, _ := post(t, client, base+path, "{}", "X-Api-Key", aliceKey)
		if res.StatusCode != status {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		for name, value := range pass {
			if got := res.Header.Values(name); len(got) != 1 || got[0] != value {
				t.Errorf("%s: %s = %q, want %q", path, name, got, value)
			}
		}
		for name := range stay {
			if got := res.Header.Values(name); len(got) > 0 {
				t.Errorf("%s: %s = %q came through", path, name, got)
			}
		}
	}
}

// Requests after one another share a connection, and so do streams beside one another where the
// upstream speaks HTTP/2.
func TestConnectionsAreReused(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var conns atomic.Int32
		protos := make(chan string, 64)
		up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			protos <- r.Proto
		}))
		up.EnableHTTP2 = h2
		up.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			if s == http.StateNew {
				conns.Add(1)
			}
		}
		up.StartTLS()
		transport := proxy.NewTransport()
		roots := x509.NewCertPool()
		roots.AddCert(up.Certificate())
		transport.TLSClientConfig = &tls.Config{RootCAs: roots}
		opts := options(t, newUpstream(t))
		opts.Upstream, _ = url.Parse(up.URL)
		opts.Transport = transport
		base, client := start(t, opts)
		want := "HTTP/1.1"
		if h2 {
			want = "HTTP/2.0"
		}
		for range 10 {
			post(t, client, base+"/v1/chat/completions", userChat("hi"))
			if got := <-protos; got != want {
				t.Errorf("upstream spoken to in %s, want %s", got, want)
			}
		}
		if n := conns.Load(); n != 1 {
			t.Errorf("%s: %d connections for ten requests", want, n)
		}
		transport.CloseIdleConnections()
		up.Close()
	}
}
