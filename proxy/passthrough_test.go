package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pith/proxy"
)

func TestRequestsPassUnchanged(t *testing.T) {
	tests := []struct {
		name, method, uri, body string
		header                  []string
	}{
		{name: "other path", method: "GET", uri: "/v1/models?limit=2&after=x%20y"},
		{name: "escaped slash", method: "GET", uri: "/v1/files/a%2Fb%20c"},
		{name: "double slash and dots", method: "GET", uri: "//v1/./models/..x/x.."},
		{name: "trailing slash of an own endpoint", method: "GET", uri: "/healthz/"},
		{name: "query that does not parse", method: "GET", uri: "/v1/x?a=%zz&b;c=1&key=s"},
		{name: "bare question mark", method: "GET", uri: "/v1/x?"},
		{name: "unusual method", method: "PURGE", uri: "/v1/x"},
		{name: "delete", method: "DELETE", uri: "/v1/files/f-1"},
		{name: "upload", method: "POST", uri: "/v1/files", body: strings.Repeat("\x00\xff", 5000), header: []string{"Content-Type", "application/octet-stream"}},
		{name: "own method elsewhere", method: "DELETE", uri: "/health"},
		{name: "chat that is not JSON", method: "POST", uri: "/v1/chat/completions", body: `{"messages": [`},
		{name: "chat of another type", method: "POST", uri: "/v1/chat/completions", body: userChat("Why?\n```go\n" + source(30) + "```\n"), header: []string{"Content-Type", "text/plain"}},
		{name: "odd JSON", method: "POST", uri: "/v1/chat/completions", body: " {\"a\": 1E400, \"b\": -0.0,\t\"c\": \"\\ud83d\\ude00\\ud83d\", \"messages\": [null, 3, {\"role\": 7}]}\r\n"},
		{name: "duplicate keys", method: "POST", uri: "/v1/chat/completions", body: `{"messages":[],` + userChat("Why?\n```go\n" + source(30) + "```\n")[1:]},
		{name: "duplicate keys, one escaped", method: "POST", uri: "/v1/chat/completions", body: `{"m\u0065ssages":[],` + userChat("Why?\n```go\n" + source(30) + "```\n")[1:]},
		{name: "mode off", method: "POST", uri: "/v1/chat/completions", body: userChat("Why?\n```go\n" + source(30) + "```\n"), header: []string{"X-Pith-Mode", "off"}},
		{name: "deep nesting", method: "POST", uri: "/v1/chat/completions", body: strings.Repeat("[", 1<<20)},
		{name: "lone surrogate in code", method: "POST", uri: "/v1/chat/completions", body: strings.Replace(userChat("Why?\n```go\n"+source(30)+"```\n"), "f005", `\udc00`, 1)},
	}
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, base, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.URL.Opaque = tt.uri // as it stands, not as net/url would write it
			if strings.HasPrefix(tt.uri, "//") {
				req.URL.Opaque = base + tt.uri
			}
			if path, query, ok := strings.Cut(req.URL.Opaque, "?"); ok {
				req.URL.Opaque, req.URL.RawQuery, req.URL.ForceQuery = path, query, true
			}
			req.Header = http.Header{"User-Agent": {""}, "X-Custom": {"a", "b"}, "Accept-Encoding": {"zstd"}, "Cookie": {"c=d"}, "Content-Type": {"application/json"}}
			for i := 0; i+1 < len(tt.header); i += 2 {
				req.Header.Set(tt.header[i], tt.header[i+1])
			}
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			got := u.last(t)
			if got.method != tt.method || got.uri != tt.uri || string(got.body) != tt.body {
				t.Errorf("upstream got %s %s, %d bytes; want %s %s, %d bytes", got.method, got.uri, len(got.body), tt.method, tt.uri, len(tt.body))
			}
			if want := strings.TrimPrefix(u.URL, "http://"); got.host != want {
				t.Errorf("Host = %q, want %q", got.host, want)
			}
			want := http.Header{"X-Custom": {"a", "b"}, "Accept-Encoding": {"zstd"}, "Cookie": {"c=d"}, "Content-Type": req.Header["Content-Type"]}
			got.header.Del("Content-Length")
			if len(got.header) != len(want) {
				t.Errorf("headers = %v, want %v", got.header, want)
			}
			for name, values := range want {
				if !slices.Equal(got.header[name], values) {
					t.Errorf("%s = %q, want %q", name, got.header[name], values)
				}
			}
		})
	}
}

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

func TestAnswersPassUnchanged(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for _, status := range []string{"200", "201", "204", "301", "304", "400", "404", "429", "500", "529"} {
		res, body := post(t, client, base+"/v1/chat/completions", userChat("hello"), "X-Want-Status", status)
		if got := strconv.Itoa(res.StatusCode); got != status {
			t.Errorf("status = %s, want %s", got, status)
		}
		if res.Header.Get("X-Upstream") != "yes" {
			t.Errorf("status %s: the upstream's header is missing", status)
		}
		if want := status != "204" && status != "304"; want != (body == `{"ok": true}`) {
			t.Errorf("status %s: body %q", status, body)
		}
	}
}

func TestEmptyNotFoundStaysEmpty(t *testing.T) {
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }))
	defer empty.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(empty.URL)
	base, client := start(t, opts)
	res, body := post(t, client, base+"/v1/unknown", "{}")
	if res.StatusCode != http.StatusNotFound || body != "" || res.Header.Get("Content-Type") != "" {
		t.Errorf("got %d %q %q, want an empty 404", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
}

func TestTrailersAndEarlyHintsPass(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	var hints []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, http.StatusText(code)+" "+h.Get("Link"))
			return nil
		},
	})
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", strings.NewReader(userChat("hi")))
	req.Header.Set("X-Want-Hints", "1")
	req.Header.Set("X-Want-Trailer", "1")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	if got := res.Trailer.Get("X-Sum"); got != "42" {
		t.Errorf("trailer = %q, want 42", got)
	}
	if len(hints) != 1 || hints[0] != "Early Hints </a.css>; rel=preload" {
		t.Errorf("informational responses = %q", hints)
	}
	if got := res.Header.Get("X-Pith-Decision"); got != "pass; reason=no-code" {
		t.Errorf("X-Pith-Decision = %q after an informational response", got)
	}
}

func TestUpgradePasses(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}))
	defer echo.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(echo.URL)
	base, _ := start(t, opts)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	br := bufio.NewReader(conn)
	res, err := readAnswer(br)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols || res.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("got %v %v", res, err)
	}
	_, _ = io.WriteString(conn, "hello\n")
	if line, _ := br.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("got %q through the upgraded connection", line)
	}
}

func TestHopByHopAndOwnHeadersAreStripped(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	post(t, client, base+"/v1/chat/completions", userChat("hi"),
		"Connection", "X-Private", "X-Private", "1", "Keep-Alive", "timeout=5", "Proxy-Authorization", "Basic eA==", "X-Forwarded-For", "1.2.3.4",
		"Forwarded", "for=1.2.3.4", "X-Pith-Mode", "auto", "X-Pith-Rate", "0.5", "X-Pith-Query", "what")
	got := u.last(t).header
	for _, name := range []string{"Connection", "X-Private", "Keep-Alive", "Proxy-Authorization", "X-Forwarded-For", "Forwarded", "X-Pith-Mode", "X-Pith-Rate", "X-Pith-Query"} {
		if v := got.Values(name); len(v) > 0 {
			t.Errorf("%s = %q reached the upstream", name, v)
		}
	}
}

func TestEventsArriveOneByOne(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions", strings.NewReader(userChat("hi")))
	req.Header.Set("X-Want-Events", "5")
	res, err := client.Do(req) // returns although no event was sent: the head is flushed alone
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	br := bufio.NewReader(res.Body)
	for i := range 5 {
		u.next <- struct{}{} // the next event is only written once the one before was read here
		line, err := br.ReadString('\n')
		if want := "data: " + string(rune('0'+i)) + "\n"; err != nil || line != want {
			t.Fatalf("event %d = %q, %v", i, line, err)
		}
		if blank, err := br.ReadString('\n'); err != nil || blank != "\n" {
			t.Fatalf("event %d ends in %q, %v", i, blank, err)
		}
	}
}

func TestCutStreamIsSeenCut(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for range 2 {
		u.next <- struct{}{}
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/chat/completions", strings.NewReader(userChat("hi")))
	req.Header.Set("X-Want-Events", "2")
	req.Header.Set("X-Want-Cut", "1")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut stream ended with %v after %q, want an unexpected EOF", err, got)
	}
}

func TestClientLeavingCancelsUpstream(t *testing.T) {
	for _, when := range []string{"before the head", "in the stream"} {
		t.Run(when, func(t *testing.T) {
			u := newUpstream(t)
			base, client := start(t, options(t, u))
			ctx, cancel := context.WithCancel(t.Context())
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", strings.NewReader(userChat("hi")))
			if when == "in the stream" {
				req.Header.Set("X-Want-Events", "2")
				res, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				cancel()
			} else {
				req.Header.Set("X-Want-Hang", "1")
				go func() {
					for u.count() == 0 {
						time.Sleep(time.Millisecond)
					}
					cancel()
				}()
				if res, err := client.Do(req); err == nil {
					res.Body.Close()
					t.Fatal("an answer without an upstream")
				}
			}
			select {
			case <-u.gone:
			case <-time.After(5 * time.Second):
				t.Error("the upstream was left waiting")
			}
		})
	}
}

func TestDeadUpstreamIsAnErrorOfTheDialect(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	u.Close()
	base, client := start(t, opts)
	for path, want := range map[string]string{
		"/v1/chat/completions": `{"error":{"code":null,"message":"pith: the upstream did not answer","param":null,"type":"upstream_error"}}`,
		"/v1/messages":         `{"error":{"message":"pith: the upstream did not answer","type":"upstream_error"},"type":"error"}`,
	} {
		if res, body := post(t, client, base+path, "{}"); res.StatusCode != http.StatusBadGateway || body != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
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
		{"two lengths that differ", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
		{"signed length", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\nab", 400},
		{"two hosts", "GET /v1/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
		{"nul in a header", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", 400},
		{"space before the colon", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA : b\r\n\r\n", 400},
		{"unknown transfer encoding", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
		{"transfer encoding twice", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
		{"transfer encodings in a list", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 501},
		{"transfer encoding behind a tab", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400},
		{"negative length", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
		{"no host", "GET /v1/x HTTP/1.1\r\n\r\n", 400},
		{"no such version", "GET /v1/x HTTP/9.9\r\nHost: x\r\n\r\n", 505},
		{"name with a space", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n", 400},
		{"too much of a head", "GET /v1/x HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", 431},
		{"bare line feed behind a chunk's size", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n", 400},
		{"the same in a body that is read", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n", 400},
		{"size of a chunk that is none", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n", 400},
		{"chunk longer than its size", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400},
		{"connect", "CONNECT /v1/x HTTP/1.1\r\nHost: x\r\n\r\n", 405},
		{"chunked", "POST /v1/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200},
		// net/http takes the chunks and drops the length; what follows is the next request, so nothing is smuggled past us.
		{"length beside chunks", "POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n", 200},
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

// What net/http lets pass reaches the upstream in plain framing of our own, and what follows it is a request like any other, that
// needs its own key.
func TestLenientFramingGoesOutClean(t *testing.T) {
	const key = "X-Api-Key: " + aliceKey + "\r\n"
	tests := []struct{ name, request, body string }{
		{"length beside chunks", "POST /v1/x HTTP/1.1\r\nHost: x\r\n" + key + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "ab"},
		{"bare line feeds", "POST /v1/x HTTP/1.1\nHost: x\n" + key + "Content-Length: 2\n\nab", "ab"},
		{"folded header", "POST /v1/x HTTP/1.1\r\nHost: x\r\n" + key + "A: b\r\n c\r\nContent-Length: 2\r\n\r\nab", "ab"},
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
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, tt.request+"GET /v1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
			br := bufio.NewReader(conn)
			res, err := http.ReadResponse(br, nil)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Fatalf("got %v, %v", res, err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if second, err := readAnswer(br); err == nil && second.StatusCode != http.StatusUnauthorized && second.StatusCode != http.StatusBadRequest {
				t.Errorf("what follows is answered with %d", second.StatusCode)
			}
			got := u.last(t)
			if u.count() != before+1 || string(got.body) != tt.body || got.uri != "/v1/x" {
				t.Errorf("the upstream got %d requests, the last %s with %q", u.count()-before, got.uri, got.body)
			}
			if got.length >= 0 && got.length != int64(len(tt.body)) || strings.ContainsAny(got.header.Get("A"), "\r\n") {
				t.Errorf("length %d, header %q", got.length, got.header)
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := proxy.New(proxy.Options{Compression: proxy.Compression{Mode: "fast"}})
	for _, want := range []string{"upstream:", "compressor:", "mode"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New of bad options = %v, want it to speak of %s", err, want)
		}
	}
}

// The transport reads a body again when a kept connection turns out to be closed before anything was sent.
func TestBodyCanBeSentAgain(t *testing.T) {
	opts := options(t, newUpstream(t))
	var first, again []byte
	opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		first, _ = io.ReadAll(r.Body)
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		again, err = io.ReadAll(body)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, err
	})
	base, client := start(t, opts)
	post(t, client, base+"/v1/chat/completions", userChat("hi"))
	if string(first) != userChat("hi") || string(again) != userChat("hi") {
		t.Errorf("sent %q, then %q", first, again)
	}
}

// An answer may begin before the request's body has ended: both go on side by side.
func TestAnswerBeginsBeforeTheBodyEnds(t *testing.T) {
	early := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		_ = rc.EnableFullDuplex()
		first := make([]byte, 5)
		_, _ = io.ReadFull(r.Body, first)
		_, _ = w.Write(first)
		_ = rc.Flush()
		rest, _ := io.ReadAll(r.Body)
		_, _ = w.Write(rest)
	}))
	t.Cleanup(early.Close)
	base, client := start(t, options(t, &upstream{Server: early}))
	body, send := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/files", body)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(send, "first") }()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(send, " and the rest")
	_ = send.Close()
	rest, err := io.ReadAll(res.Body)
	if got := string(first) + string(rest); err != nil || got != "first and the rest" {
		t.Errorf("got %q, %v", got, err)
	}
}
