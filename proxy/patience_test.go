package proxy_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pith/gateway"
	"pith/proxy"
)

// Whoever does not send the body that was announced is let go, whichever endpoint it was for and
// whether or not it may come in, at once or by the byte; a client that sends a broken one gets its
// own error.
func TestSilentBodiesAreLetGo(t *testing.T) {
	head := func(line string, more ...string) string {
		return line + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n" +
			strings.Join(more, "\r\n") + "\r\n\r\n{"
	}
	const key = "Authorization: Bearer " + aliceKey + "\r\n"
	tests := []struct {
		name, sent string
		want       int
	}{
		{"healthz", head("GET /healthz"), 200},
		{"readyz", head("GET /readyz"), 200},
		{"no key", head("POST /v1/chat/completions"), 401},
		{"no key, own endpoint", head("POST /v1/compress"), 401},
		{"own endpoint", head("POST /v1/compress", key), 408},
		{"editors", head("POST /pith/v1/compress", key), 408},
		{"retrieve", head("GET /v1/retrieve/0123456789abcdef01234567", key), 404},
		{"chat", head("POST /v1/chat/completions", key), 408},
		{"mode off", head("POST /v1/chat/completions", "X-Pith-Mode: off\r\n"+key), 408},
		{"streamed", head("POST /v1/files", key), 408},
		{"bad header", head("POST /v1/chat/completions", "X-Pith-Rate: 7\r\n"+key), 400},
		{"broken chunks", "POST /v1/files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + key +
			"\r\n5\r\nhello\r\nZZ\r\n", 400},
	}
	opts := options(t, newUpstream(t))
	clients(&opts)
	opts.Limits = proxy.Limits{BodyIdle: 200 * time.Millisecond}
	addr, stop := serve(t.Context(), t, newServer(t, opts))
	defer func() { _ = stop() }()
	for _, tt := range tests {
		for _, drip := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/drip=%t", tt.name, drip), func(t *testing.T) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if _, err := io.WriteString(conn, tt.sent); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				dripped := make(chan struct{})
				go func() {
					defer close(dripped)
					for drip {
						select {
						case <-ended:
							return
						case <-time.After(50 * time.Millisecond):
							_, _ = io.WriteString(conn, " ")
						}
					}
				}()
				in := bufio.NewReader(conn)
				res, err := readAnswer(in)
				if err != nil || res.StatusCode != tt.want {
					t.Errorf("got %v, %v, want %d", res, err, tt.want)
				}
				_, _ = io.Copy(io.Discard, in) // or the connection stays open, until the test's own time limit
				close(ended)
				<-dripped
			})
		}
	}
}

// A client that takes nothing of its answer is let go, and the upstream with it.
func TestReadersThatNeverReadAreLetGo(t *testing.T) {
	gone := make(chan struct{})
	flood := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		event := []byte("data: " + strings.Repeat("x", 32<<10) + "\n\n")
		for r.Context().Err() == nil {
			if _, err := w.Write(event); err != nil {
				break
			}
		}
		<-r.Context().Done()
		close(gone)
	}))
	defer flood.Close()
	opts := options(t, &upstream{Server: flood})
	opts.Limits.WriteIdle = 200 * time.Millisecond
	addr, stop := serve(t.Context(), t, newServer(t, opts))
	defer func() { _ = stop() }()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-gone // or the upstream is left writing for nobody, until the test's own time limit
}

// No client alone opens an upstream's breaker, neither with bodies that it breaks off nor with
// failures that it provokes; several together do.
func TestBreakerIsNoClientsAlone(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		switch {
		case err != nil:
		case r.Header.Get("X-Make") == "500":
			w.WriteHeader(http.StatusInternalServerError)
		case r.Header.Get("X-Make") == "reset":
			panic(http.ErrAbortHandler)
		}
	}))
	defer up.Close()
	begin := func(t *testing.T) (string, *http.Client) {
		opts := options(t, newUpstream(t))
		opts.Upstream, _ = url.Parse(up.URL)
		opts.Gateway.Retry = gateway.Retry{Rest: time.Hour}
		clients(&opts)
		return start(t, opts)
	}
	attacks := map[string]func(t *testing.T, base string, client *http.Client, key string){
		"broken chunks": func(t *testing.T, base string, _ *http.Client, key string) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+
				"Authorization: Bearer %s\r\n\r\n5\r\nhello\r\nZZ\r\n", key)
			if res, err := readAnswer(bufio.NewReader(conn)); err != nil || res.StatusCode != http.StatusBadRequest {
				t.Errorf("a broken body gets %v, %v, want 400", res, err)
			}
		},
		"names that cannot be sent": func(t *testing.T, base string, _ *http.Client, key string) {
			conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(conn, "POST /v1/files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"+
				"Trailer: A B\r\nAuthorization: Bearer %s\r\n\r\n0\r\n\r\n", key)
			if res, err := readAnswer(bufio.NewReader(conn)); err != nil || res.StatusCode >= 500 {
				t.Errorf("a trailer without a name gets %v, %v", res, err)
			}
		},
		"failures": func(t *testing.T, base string, client *http.Client, key string) {
			post(t, client, base+"/v1/files", "{}", "Authorization", "Bearer "+key, "X-Make", "500")
		},
		"resets": func(t *testing.T, base string, client *http.Client, key string) {
			post(t, client, base+"/v1/files", "{}", "Authorization", "Bearer "+key, "X-Make", "reset")
		},
	}
	for name, attack := range attacks {
		t.Run(name, func(t *testing.T) {
			base, client := begin(t)
			for range 50 {
				attack(t, base, client, aliceKey)
			}
			if a, body := post(t, client, base+"/v1/files", "{}", "Authorization",
				"Bearer "+bobKey); a.StatusCode != http.StatusOK {
				t.Errorf("another client gets %d %s", a.StatusCode, body)
			}
		})
	}
	t.Run("several", func(t *testing.T) {
		base, client := begin(t)
		for range 15 {
			attacks["failures"](t, base, client, aliceKey)
			attacks["failures"](t, base, client, bobKey)
		}
		if a, _ := post(t, client, base+"/v1/files", "{}", "Authorization",
			"Bearer "+bobKey); a.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("after failures of two clients: %d", a.StatusCode)
		}
	})
}
