package proxy_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pith/compress"
	"pith/proxy"
)

// Bodies that are made to exhaust whoever reads them pass as they came.
func TestHostileBodiesPassUnchanged(t *testing.T) {
	const mega = 1 << 20
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for name, body := range map[string]string{
		"open brackets":       strings.Repeat("[", mega),
		"deep nesting":        deep(mega / 2),
		"deep nesting inside": `{"messages":[{"role":"user","content":` + deep(9000) + `}]}`,
		"deep arguments": `{"messages":[{"role":"assistant","tool_calls":[{"id":"1",` +
			`"function":{"name":"Read","arguments":` + quote(deep(mega/4)) + `}}]}]}`,
		"one line of a mega":   userChat("Why?\n" + strings.Repeat("x", mega)),
		"a mega of openers":    userChat("Why?\n" + strings.Repeat("```a\n~~~~b\n<file>\n", mega/18)),
		"a mega of newlines":   userChat("Why?\n" + strings.Repeat("\n", mega)),
		"a mega of attributes": userChat("Why?\n<file " + strings.Repeat("a=\"b\" ", mega/6) + ">\nx\n</file>"),
		"many messages":        `{"messages":[` + strings.Repeat(`{"role":"user","content":""},`, 30_000) + `{}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			if res, _ := post(
				t,
				client,
				base+"/v1/chat/completions",
				body,
			); res.StatusCode != http.StatusOK ||
				string(u.last(t).body) != body {
				t.Errorf("status %d, decision %q", res.StatusCode, res.Header.Get("X-Pith-Decision"))
			}
		})
	}
}

// A client that does not read what it asked for holds its own stream and no other, and is let go of
// when it leaves.
func TestSlowReaderHoldsNobody(t *testing.T) {
	u := newUpstream(t)
	flood := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event := []byte("data: " + strings.Repeat("x", 32<<10) + "\n\n")
		for r.Context().Err() == nil {
			if _, err := w.Write(event); err != nil {
				break
			}
		}
		<-r.Context().Done()
		u.gone <- struct{}{}
	}))
	defer flood.Close()
	base, client := start(t, options(t, &upstream{Server: flood}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if res, _ := get(t, client, base+"/healthz"); res.StatusCode != http.StatusOK {
			t.Fatalf("beside a slow reader: %d", res.StatusCode)
		}
	}
	_ = conn.Close()
	<-u.gone // or the upstream is left writing, until the test's own time limit
}

// Keys are in no metric, and in no answer of the proxy's own after a panic that quotes one.
func TestSecretsStayOutOfMetricsAndPanics(t *testing.T) {
	const canary = "sk-canary-4711"
	opts := options(t, newUpstream(t))
	var log logBuffer
	opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	opts.Compressor = proxy.CompressorFunc(
		func(context.Context, compress.Request) (compress.Result, error) { panic("I saw " + canary) },
	)
	s := newServer(t, opts)
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	client := front.Client()
	_, got := post(
		t,
		client,
		front.URL+"/v1/chat/completions?key="+canary,
		userChat(canary+"?\n```go\n"+source(30)+"```\n"),
		credentials(canary)...,
	)
	var metrics string
	eventually(t, func() bool { // a request is counted after its answer went out
		_, metrics = get(t, admin.Client(), admin.URL+"/metrics")
		return strings.Contains(metrics, `reason="panic"`)
	})
	for what, text := range map[string]string{"answer": got, "metrics": metrics, "log": log.String()} {
		if strings.Contains(text, canary) {
			t.Errorf("%s:\n%s", what, text)
		}
	}
}

// An upstream that breaks off, lies about its length or speaks no HTTP is an error that the client
// sees, never a whole answer.
func TestLyingUpstreams(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		status int // 0: an answer that breaks off
	}{
		"silence":             {"", http.StatusBadGateway},
		"no HTTP":             {"hello\r\n\r\n", http.StatusBadGateway},
		"half a head":         {"HTTP/1.1 200 OK\r\nContent-Le", http.StatusBadGateway},
		"less than announced": {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 0},
		"chunk cut":           {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 0},
		"no last chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", 0},
		"chunk size garbled":  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			liar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write([]byte(tt.answer))
				_ = conn.Close()
			}))
			defer liar.Close()
			base, client := start(t, options(t, &upstream{Server: liar}))
			req, err := http.NewRequestWithContext(
				t.Context(),
				http.MethodPost,
				base+"/v1/chat/completions",
				strings.NewReader(userChat("hi")),
			)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if tt.status != 0 {
				if err != nil || res.StatusCode != tt.status {
					t.Errorf("got %v, %v, want %d", res, err, tt.status)
				}
				if err == nil {
					_ = res.Body.Close()
				}
				return
			}
			if err != nil {
				return // cut before a byte of it was passed on
			}
			defer res.Body.Close()
			if _, err := io.Copy(io.Discard, res.Body); err == nil {
				t.Error("a cut answer was taken for a whole one")
			}
		})
	}
}
