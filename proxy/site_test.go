package proxy_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pith/proxy"
)

// serveSite runs a site on a free port until the test ends.
func serveSite(t *testing.T, site *proxy.Site, how proxy.Listen) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- site.Serve(ctx, ln, how) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve = %v", err)
		}
	})
	return ln.Addr().String()
}

// A configuration changes under a running stream, which goes on; a wrong one changes nothing.
func TestReplaceUnderAStream(t *testing.T) {
	old, next := newUpstream(t), newUpstream(t)
	opts := options(t, old)
	clients(&opts)
	opts.Gateway.Keys[0].RequestsPerMinute = 4
	first := newServer(t, opts)
	site := proxy.NewSite(first)
	base := "http://" + serveSite(t, site, proxy.Listen{})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	req, _ := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(userChat("hi")),
	)
	req.Header.Set("X-Want-Events", "2")
	req.Header.Set("X-Api-Key", aliceKey)
	stream, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()

	changed := opts
	changed.Upstream, _ = url.Parse(next.URL)
	changed.Transport = nil // as the one before
	changed.Gateway.Keys = opts.Gateway.Keys[:1]
	if err := site.Replace(changed); err != nil {
		t.Fatal(err)
	}
	if res, body := post(
		t,
		client,
		base+"/v1/x",
		"{}",
		"X-Api-Key",
		aliceKey,
	); res.StatusCode != 200 || next.count() != 1 ||
		old.count() != 1 {
		t.Errorf("after the change: %d %s, old asked %d times, new %d", res.StatusCode, body, old.count(), next.count())
	}
	if res, _ := post(t, client, base+"/v1/x", "{}", "X-Api-Key", bobKey); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("bob, who is gone: %d", res.StatusCode)
	}
	wrong := changed
	wrong.Upstream = &url.URL{Host: "nowhere"}
	if err := site.Replace(wrong); err == nil || !strings.Contains(err.Error(), "upstream") {
		t.Errorf("Replace by what is wrong = %v", err)
	}
	post(t, client, base+"/v1/x", "{}", "X-Api-Key", aliceKey)
	if next.count() != 2 {
		t.Error("a refused change took something with it")
	}
	post(t, client, base+"/v1/x", "{}", "X-Api-Key", aliceKey)
	if res, _ := post(
		t,
		client,
		base+"/v1/x",
		"{}",
		"X-Api-Key",
		aliceKey,
	); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the fifth request of four: %d: the change gave the allowance back", res.StatusCode)
	}

	for range 2 {
		old.next <- struct{}{}
	}
	if got, err := io.ReadAll(stream.Body); err != nil || string(got) != "data: 0\n\ndata: 1\n\n" {
		t.Errorf("the stream that was running ended as %q, %v", got, err)
	}
	w := httptest.NewRecorder()
	first.AdminHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if !strings.Contains(w.Body.String(), `pith_upstream_attempts_total{outcome="answered",upstream="default"} 4`) {
		t.Errorf("figures do not go on:\n%s", w.Body)
	}
}

// Clients may speak HTTP/2: with TLS, and where it is switched on without.
func TestHTTP2Clients(t *testing.T) {
	u := newUpstream(t)
	tests := []struct {
		name   string
		tls    bool
		h2c    bool
		client func(*http.Protocols)
		want   string
	}{
		{name: "TLS", tls: true, client: func(p *http.Protocols) { p.SetHTTP2(true) }, want: "HTTP/2.0"},
		{name: "TLS, old client", tls: true, client: func(p *http.Protocols) { p.SetHTTP1(true) }, want: "HTTP/1.1"},
		{name: "h2c", h2c: true, client: func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }, want: "HTTP/2.0"},
		{name: "beside h2c", h2c: true, client: func(p *http.Protocols) { p.SetHTTP1(true) }, want: "HTTP/1.1"},
		{name: "h2c that is off", client: func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			how, scheme := proxy.Listen{H2C: tt.h2c}, "http"
			transport := &http.Transport{Protocols: new(http.Protocols)}
			defer transport.CloseIdleConnections()
			tt.client(transport.Protocols)
			if tt.tls {
				donor := httptest.NewTLSServer(nil) // for its certificate
				defer donor.Close()
				scheme, how.TLS = "https", &tls.Config{Certificates: donor.TLS.Certificates}
				transport.TLSClientConfig = donor.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			}
			addr := serveSite(t, proxy.NewSite(newServer(t, options(t, u))), how)
			req, _ := http.NewRequestWithContext(
				t.Context(),
				http.MethodPost,
				scheme+"://"+addr+"/v1/chat/completions",
				strings.NewReader(question()),
			)
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("X-Want-Hints", "1")
			req.Header.Set("X-Want-Trailer", "1")
			req.Header.Set("X-Want-Events", "1")
			u.next <- struct{}{}
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				<-u.next
				if tt.want != "" {
					t.Error(err)
				}
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if res.Proto != tt.want || err != nil || string(body) != "data: 0\n\n" ||
				res.Trailer.Get("X-Sum") != "42" ||
				res.Header.Get("X-Pith-Decision") != "compressed" {
				t.Errorf(
					"%s %d %v %q %v %v, want %s",
					res.Proto,
					res.StatusCode,
					res.Header,
					body,
					res.Trailer,
					err,
					tt.want,
				)
			}
		})
	}
}
