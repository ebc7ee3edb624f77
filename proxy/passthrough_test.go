package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

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
		{
			name:   "upload",
			method: "POST",
			uri:    "/v1/files",
			body:   strings.Repeat("\x00\xff", 5000),
			header: []string{"Content-Type", "application/octet-stream"},
		},
		{name: "own method elsewhere", method: "DELETE", uri: "/health"},
		{name: "chat that is not JSON", method: "POST", uri: "/v1/chat/completions", body: `{"messages": [`},
		{
			name:   "chat of another type",
			method: "POST",
			uri:    "/v1/chat/completions",
			body:   userChat("Why?\n```go\n" + source(30) + "```\n"),
			header: []string{"Content-Type", "text/plain"},
		},
		{
			name:   "odd JSON",
			method: "POST",
			uri:    "/v1/chat/completions",
			body: " {\"a\": 1E400, \"b\": -0.0,\t\"c\": \"\\ud83d\\ude00\\ud83d\", \"messages\": [null, 3, " +
				"{\"role\": 7}]}\r\n",
		},
		{
			name:   "duplicate keys",
			method: "POST",
			uri:    "/v1/chat/completions",
			body:   `{"messages":[],` + userChat("Why?\n```go\n" + source(30) + "```\n")[1:],
		},
		{
			name:   "duplicate keys, one escaped",
			method: "POST",
			uri:    "/v1/chat/completions",
			body:   `{"m\u0065ssages":[],` + userChat("Why?\n```go\n" + source(30) + "```\n")[1:],
		},
		{
			name:   "mode off",
			method: "POST",
			uri:    "/v1/chat/completions",
			body:   userChat("Why?\n```go\n" + source(30) + "```\n"),
			header: []string{"X-Pith-Mode", "off"},
		},
		{name: "deep nesting", method: "POST", uri: "/v1/chat/completions", body: strings.Repeat("[", 1<<20)},
		{
			name:   "lone surrogate in code",
			method: "POST",
			uri:    "/v1/chat/completions",
			body:   strings.Replace(userChat("Why?\n```go\n"+source(30)+"```\n"), "f005", `\udc00`, 1),
		},
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
			req.Header = http.Header{
				"User-Agent":      {""},
				"X-Custom":        {"a", "b"},
				"Accept-Encoding": {"zstd"},
				"Cookie":          {"c=d"},
				"Content-Type":    {"application/json"},
			}
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
				t.Errorf(
					"upstream got %s %s, %d bytes; want %s %s, %d bytes",
					got.method,
					got.uri,
					len(got.body),
					tt.method,
					tt.uri,
					len(tt.body),
				)
			}
			if want := strings.TrimPrefix(u.URL, "http://"); got.host != want {
				t.Errorf("Host = %q, want %q", got.host, want)
			}
			want := http.Header{
				"X-Custom":        {"a", "b"},
				"Accept-Encoding": {"zstd"},
				"Cookie":          {"c=d"},
				"Content-Type":    req.Header["Content-Type"],
			}
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
	empty := httptest.NewServer(
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }),
	)
	defer empty.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(empty.URL)
	base, client := start(t, opts)
	res, body := post(t, client, base+"/v1/unknown", "{}")
	if res.StatusCode != http.StatusNotFound || body != "" || res.Header.Get("Content-Type") != "" {
		t.Errorf("got %d %q %q, want an empty 404", res.StatusCode, res.Header.Get("Content-Type"), body)
	}
}

func TestDeadUpstreamIsAnErrorOfTheDialect(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	u.Close()
	base, client := start(t, opts)
	for path, want := range map[string]string{
		"/v1/chat/completions": `{"error":{"code":null,` +
			`"message":"pith: the upstream did not answer; Pith's log says why","param":null,"type":"upstream_error"}}`,
		"/v1/messages": `{"error":{"message":"pith: the upstream did not answer; Pith's log says why",` +
			`"type":"upstream_error"},"type":"error"}`,
	} {
		if res, body := post(t, client, base+path, "{}"); res.StatusCode != http.StatusBadGateway || body != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
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

// The transport reads a body again when a kept connection turns out to be closed before anything
// was sent.
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
