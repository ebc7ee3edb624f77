package proxy_test

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pith/gateway"
)

// What could mean another path, another protocol or a body that nobody reads is refused before
// anything is sent on.
func TestSideDoorsAreShut(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Upstream, _ = url.Parse(u.URL + "/tenant-a")
	addr, stop := serve(t.Context(), t, newServer(t, opts))
	defer func() { _ = stop() }()
	rows := map[string]int{
		"GET /../x HTTP/1.1":                         400,
		"GET /v1/../../x HTTP/1.1":                   400,
		"GET /v1/%2e%2e/%2e%2e/x HTTP/1.1":           400,
		"GET /v1/%2E./x HTTP/1.1":                    400,
		"GET /v1/%252e%252e/x HTTP/1.1":              400,
		"GET /v1/..%2f..%2fx HTTP/1.1":               400,
		"GET /v1/..%5c..%5cx HTTP/1.1":               400,
		"GET /v1/..;/x HTTP/1.1":                     400,
		"GET /v1/.. HTTP/1.1":                        400,
		"GET /v1/%25252e%25252e/x HTTP/1.1":          400,
		"GET /v1/%252e%252e/%25zz/x HTTP/1.1":        400,
		"GET /v1/..%00/x HTTP/1.1":                   400,
		"GET /v1/..%20/x HTTP/1.1":                   400,
		"GET /v1/..%23/x HTTP/1.1":                   400,
		"GET /v1/..%253fa/x HTTP/1.1":                400,
		"GET /v1/%c0%ae%c0%ae/x HTTP/1.1":            400,
		"GET /v1/%ef%bc%8e%ef%bc%8e%c0%afx HTTP/1.1": 400,
		"POST /v1/%2e%2e/chat/completions HTTP/1.1":  400,
		"TRACE /v1/x HTTP/1.1":                       405,
		"TRACK /v1/x HTTP/1.1":                       405,
		"PRI * HTTP/1.1":                             405,
		"CONNECT h:443 HTTP/1.1":                     405,
		"POST /v1/x HTTP/1.0":                        411,
		"QUERY /v1/x HTTP/1.0":                       411,
	}
	for line, want := range rows {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		rest := "\r\nHost: x\r\n\r\n"
		if want == 411 {
			rest = "\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
		}
		if _, err := io.WriteString(conn, line+rest); err != nil {
			t.Fatal(err)
		}
		if res, err := readAnswer(bufio.NewReader(conn)); err != nil || res.StatusCode != want {
			t.Errorf("%s: got %v, %v, want %d", line, res, err, want)
		}
		_ = conn.Close()
	}
	if n := u.count(); n != 0 {
		t.Errorf("%d of them went on, last %q", n, u.last(t).uri)
	}
}

// A virtual key goes no further, wherever a client repeats it.
func TestVirtualKeyGoesNoFurther(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	clients(&opts)
	opts.Gateway.DefaultKey = "sk-upstream"
	log := &logBuffer{}
	opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	base, client := start(t, opts)
	other := gateway.NewKey() // of whoever it is
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + aliceKey))
	escaped := url.QueryEscape(aliceKey[:5]) + "%" + fmt.Sprintf("%02x", aliceKey[5]) + aliceKey[6:]
	for _, tt := range []struct {
		query  string
		header []string
	}{
		{"", []string{"Cookie", "session=" + aliceKey}},
		{"", []string{"Sec-Websocket-Protocol", "realtime, openai-insecure-api-key." + aliceKey}},
		{"", []string{"X-Custom", aliceKey}},
		{"", []string{"X_Api_Key", aliceKey}},
		{"", []string{"X-Custom", "token " + escaped}},
		{"", []string{"X-Custom", "Basic " + basic}},
		{"", []string{"X-Custom", "a=" + base64.RawURLEncoding.EncodeToString([]byte(aliceKey)) + ";b"}},
		{"", []string{"X-Custom", "Bearer " + other}},
		{"", []string{"K-" + aliceKey, "1"}},
		{"?a=1&b=2&c=" + other, nil},
		{"?a=1;key=" + aliceKey + ";b=2", nil},
		{"?a=1&token=" + aliceKey + "&b=2", nil},
		{"?a=1&token=" + escaped + "&b=2", nil},
	} {
		header := append([]string{"Authorization", "Bearer " + aliceKey}, tt.header...)
		if a, _ := post(t, client, base+"/v1/files/f"+tt.query, "{}",
			header...); a.StatusCode != http.StatusOK {
			t.Fatalf("%v: %d", tt, a.StatusCode)
		}
		got := u.last(t)
		_, query, _ := strings.Cut(got.uri, "?")
		all := strings.ToLower(query + fmt.Sprint(got.header))
		if slices.ContainsFunc([]string{aliceKey, escaped, other, "x-custom"}, func(key string) bool {
			return strings.Contains(all, strings.ToLower(key))
		}) {
			t.Errorf("the key goes on: %s", all)
		}
		if tt.query != "" && (!strings.Contains(query, "a=1") || !strings.Contains(query, "b=2")) {
			t.Errorf("query %q lost more than the key", query)
		}
		if got.header.Get("Authorization") != "Bearer sk-upstream" {
			t.Errorf("the upstream's key is %q", got.header.Get("Authorization"))
		}
	}
	seen := u.count()
	for _, path := range []string{
		"/v1/files/" + aliceKey, "/v1/files;key=" + aliceKey, "/v1/" + escaped + "/f",
		"/v1/" + strings.ReplaceAll(escaped, "%", "%25") + "/f", "/v1/" + escaped + "/%25zz",
	} {
		a, body := post(t, client, base+path, "{}", "Authorization", "Bearer "+aliceKey)
		if a.StatusCode != http.StatusBadRequest || strings.Contains(body, aliceKey) {
			t.Errorf("%s: %d %s", path, a.StatusCode, body)
		}
	}
	if u.count() != seen {
		t.Error("a path with the key in it goes on")
	}
	if strings.Contains(log.String(), aliceKey) {
		t.Error("the key is in the log")
	}
}

// X-Pith headers are between a client and its Pith: no others of a client's pass, and none of an
// upstream's.
func TestOwnHeadersStayHere(t *testing.T) {
	var got http.Header
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.Header().Set("X-Pith-Decision", "compressed")
		w.Header().Set("X-Pith-Hello", "1")
		w.Header().Set("X_Pith_Decision", "compressed")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "X-Pith-Ratio")
		w.Header().Set("X-Pith-Ratio", "99")
		_, _ = io.WriteString(w, "{}")
		w.(http.Flusher).Flush()
		w.Header().Set(http.TrailerPrefix+"X-Pith-Cache", "hit")
		w.Header().Set(http.TrailerPrefix+"X-Theirs", "kept")
	}))
	defer up.Close()
	base, client := start(t, options(t, &upstream{Server: up}))
	var hints http.Header
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { hints = http.Header(h); return nil },
	})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/files", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"X-Pith-Other": "zz", "X_Pith_Mode": "off", "Transfer_Encoding": "chunked", "X_Other": "kept",
		"X_Forwarded_For": "10.0.0.1",
	} {
		req.Header.Set(name, value)
	}
	a, _ := do(t, client, req)
	for name := range got {
		if plain := strings.ReplaceAll(name, "_", "-"); strings.HasPrefix(plain, "X-Pith-") ||
			strings.Contains(name, "_") && name != "X_other" {
			t.Errorf("%s goes on", name)
		}
	}
	if got["X_other"] == nil {
		t.Errorf("a header of the client's own is gone: %v", got)
	}
	if a.Header.Get("X-Pith-Decision") != "" || a.Header["X_pith_decision"] != nil ||
		a.Header.Get("X-Pith-Hello") != "" ||
		hints == nil || hints.Get("X-Pith-Hello") != "" || len(a.Trailer) != 1 || a.Trailer.Get("X-Theirs") != "kept" {
		t.Errorf("an upstream speaks for us: %v, hints %v, trailers %v", a.Header, hints, a.Trailer)
	}
}

// What an upstream says in place of HTTP is in no log: it may be a key or an answer.
func TestUnreadableAnswersStayOutOfLogs(t *testing.T) {
	const canary = "canary-4711"
	var text string
	up := saying(t, func() string { return text })
	opts := options(t, up)
	log := &logBuffer{}
	opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	base, client := start(t, opts)
	for _, text = range []string{
		"HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n", "HTTP/1.1 " + canary + "\r\n\r\n", canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + canary + "\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + canary + "\r\n\r\n",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/models", nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := client.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
	if strings.Contains(log.String(), canary) {
		t.Errorf("the log quotes an upstream: %s", log)
	}
}

// One who is alone at a machine may let Pith hold the upstream's key; web pages open there may not
// spend it.
func TestHeldKeyServesItsMachine(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Gateway = gateway.Options{DefaultKey: "sk-held"}
	base, client := start(t, opts)
	local := strings.TrimPrefix(base, "http://")
	for _, tt := range []struct {
		host, origin string
		want         int
	}{
		{local, "", 200},
		{"localhost:8484", "", 200},
		{"[::1]:8484", "", 200},
		{local, "http://localhost:3000", 200},
		{local, "https://evil.example", 403},
		{local, "null", 403},
		{"evil.example", "", 403},
		{"127.0.0.1.evil.example", "", 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/files", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Host = tt.host
		req.Header.Set("Authorization", "Bearer dummy")
		if tt.origin != "" {
			req.Header.Set("Origin", tt.origin)
		}
		if a, _ := do(t, client, req); a.StatusCode != tt.want {
			t.Errorf("%+v: got %d", tt, a.StatusCode)
		}
	}
	if got := u.last(t).header.Get("Authorization"); got != "Bearer sk-held" {
		t.Errorf("the upstream's key is %q", got)
	}
}

// An event too long to be looked at passes, with all that follows.
func TestLongEventsPassWithTheTool(t *testing.T) {
	long := "data: {\"choices\":[{\"delta\":{\"content\":\"" + strings.Repeat("x", 17<<20) +
		"\"}}]}\n\ndata: [DONE]\n\n"
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, long)
	}))
	defer up.Close()
	opts := keeping(t, &upstream{Server: up}, &valueStore{})
	opts.Retrieval.Tool = true
	base, client := start(t, opts)
	if _, got := post(t, client, base+"/v1/chat/completions",
		`{"stream":true,"messages":[{"role":"user","content":"hi"}]}`); got != long {
		t.Errorf("got %d bytes of %d", len(got), len(long))
	}
}
