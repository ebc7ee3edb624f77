package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestUpstreamPrefixIsJoined(t *testing.T) {
	tests := []struct{ prefix, path, want string }{
		{"", "/v1/models", "/v1/models"},
		{"/", "/v1/models", "/v1/models"},
		{"/api", "/v1/models", "/api/v1/models"},
		{"/api/", "/v1/a%2Fb", "/api/v1/a%2Fb"},
		{"/api?team=x", "/v1/models?a=b", "/api/v1/models?team=x&a=b"},
	}
	for _, tt := range tests {
		u := newUpstream(t)
		opts := options(t, u)
		var err error
		if opts.Upstream, err = url.Parse(u.URL + tt.prefix); err != nil {
			t.Fatal(err)
		}
		base, client := start(t, opts)
		get(t, client, base+tt.path)
		if got := u.last(t).uri; got != tt.want {
			t.Errorf("upstream %q, path %q: asked for %q, want %q", tt.prefix, tt.path, got, tt.want)
		}
	}
}

func TestHopByHopAndOwnHeadersAreStripped(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	post(
		t,
		client,
		base+"/v1/chat/completions",
		userChat("hi"),
		"Connection",
		"X-Private",
		"X-Private",
		"1",
		"Keep-Alive",
		"timeout=5",
		"Proxy-Authorization",
		"Basic eA==",
		"X-Forwarded-For",
		"1.2.3.4",
		"Forwarded",
		"for=1.2.3.4",
		"X-Pith-Mode",
		"auto",
		"X-Pith-Rate",
		"0.5",
		"X-Pith-Query",
		"what",
	)
	got := u.last(t).header
	for _, name := range []string{
		"Connection", "X-Private", "Keep-Alive", "Proxy-Authorization", "X-Forwarded-For", "Forwarded",
		"X-Pith-Mode", "X-Pith-Rate", "X-Pith-Query",
	} {
		if v := got.Values(name); len(v) > 0 {
			t.Errorf("%s = %q reached the upstream", name, v)
		}
	}
}

func TestClientCannotChooseUpstream(t *testing.T) {
	u := newUpstream(t)
	base, _ := start(t, options(t, u))
	for _, head := range []string{
		"GET http://192.0.2.1/v1/models HTTP/1.1\r\nHost: 192.0.2.1\r\n",
		"GET /v1/models HTTP/1.1\r\nHost: 192.0.2.1\r\nX-Forwarded-Host: 192.0.2.1\r\n",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, head+"Connection: close\r\n\r\n")
		res, err := readAnswer(bufio.NewReader(conn))
		conn.Close()
		if err != nil || res.Header.Get("X-Upstream") != "yes" {
			t.Errorf("%q: %v %v", head, res, err)
		}
	}
	if n := u.count(); n != 2 {
		t.Errorf("the configured upstream was asked %d times, want 2", n)
	}
}

// The framing rules are net/http's; this table is what a client may count on.
func TestFraming(t *testing.T) {
	tests := []struct {
		name, request string
		want          int
	}{
		{
			"two lengths that differ",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
			400,
		},
		{"signed length", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab", 400},
		{"two hosts", "GET /v1/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		{"nul in a header", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", 400},
		{"space before the colon", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
		{"unknown transfer encoding", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
		{
			"transfer encoding twice",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" +
				"0\r\n\r\n",
			501,
		},
		{
			"transfer encodings in a list",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
			501,
		},
		{
			"transfer encoding behind a tab",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
			400,
		},
		{"negative length", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		{"no host", "GET /v1/x HTTP/1.1\r\n\r\n", 400},
		{"no such version", "GET /v1/x HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		{"name with a space", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", 400},
		{"too much of a head", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 431},
		{
			"bare line feed behind a chunk's size",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n",
			400,
		},
		{
			"the same in a body that is read",
			"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n",
			400,
		},
		{
			"size of a chunk that is none",
			"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
			400,
		},
		{
			"chunk longer than its size",
			"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
			400,
		},
		{"connect", "CONNECT /v1/x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{
			"chunked",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n" +
				"ab\r\n0\r\n\r\n",
			200,
		},
		// net/http takes the chunks and drops the length; what follows is the next request, so
		// nothing is smuggled past us.
		{
			"length beside chunks",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\nConnection: " +
				"close\r\n\r\n2\r\nab\r\n0\r\n\r\n",
			200,
		},
	}
	u := newUpstream(t)
	base, _ := start(t, options(t, u))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, tt.request)
			res, err := readAnswer(bufio.NewReader(conn))
			if err != nil || res.StatusCode != tt.want {
				t.Errorf("got %v, %v, want %d", res, err, tt.want)
			}
		})
	}
}

// What net/http lets pass reaches the upstream in plain framing of our own, and what follows it is
// a request like any other, that needs its own key.
func TestLenientFramingGoesOutClean(t *testing.T) {
	const key = "X-Api-Key: " + aliceKey + "\r\n"
	tests := []struct{ name, request, body string }{
		{
			"length beside chunks",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\n" + key + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" +
				"\r\n2\r\nab\r\n0\r\n\r\n",
			"ab",
		},
		{"bare line feeds", "POST /v1/x HTTP/1.1\nHost: x\n" + key + "Content-Length: 2\n\nab", "ab"},
		{
			"folded header",
			"POST /v1/x HTTP/1.1\r\nHost: x\r\n" + key + "A: b\r\n c\r\nContent-Length: 2\r\n\r\nab",
			"ab",
		},
	}
	u := newUpstream(t)
	opts := options(t, u)
	clients(&opts)
	base, _ := start(t, opts)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := u.count()
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, tt.request+"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
			br := bufio.NewReader(conn)
			res, err := http.ReadResponse(br, nil)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("got %v, %v", res, err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if second, err := readAnswer(
				br,
			); err == nil && second.StatusCode != http.StatusUnauthorized &&
				second.StatusCode != http.StatusBadRequest {
				t.Errorf("what follows is answered with %d", second.StatusCode)
			}
			got := u.last(t)
			if u.count() != before+1 || string(got.body) != tt.body || got.uri != "/v1/x" {
				t.Errorf("the upstream got %d requests, the last %s with %q", u.count()-before, got.uri, got.body)
			}
			if got.length >= 0 && got.length != int64(len(tt.body)) ||
				strings.ContainsAny(got.header.Get("A"), "\r\n") {
				t.Errorf("length %d, header %q", got.length, got.header)
			}
		})
	}
}
