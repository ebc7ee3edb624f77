package proxy_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pith/proxy"
)

// saying answers each request with raw bytes and closes the connection.
func saying(t *testing.T, text func() string) *upstream {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte(text()))
		_ = conn.Close()
	}))
	t.Cleanup(up.Close)
	return &upstream{Server: up}
}

// Whatever status an upstream answers with, the client gets it or a 502, and the process lives.
// (ReverseProxy flushes from a timer, where net/http's panic about a status would find no recover.)
func TestNoAnswerEndsTheProcess(t *testing.T) {
	var text string
	up := saying(t, func() string { return text })
	base, client := start(t, options(t, up))
	for _, status := range []string{"000", "001", "042", "099", "600", "799", "999"} {
		for _, kind := range []string{"application/json", "text/event-stream"} {
			for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/models"} {
				for _, mode := range []string{"auto", "off"} {
					text = fmt.Sprintf("HTTP/1.1 %s X\r\nContent-Type: %s\r\n\r\n{}", status, kind)
					a, body := post(t, client, base+path, `{}`, "X-Pith-Mode", mode)
					if a.StatusCode != http.StatusBadGateway || !strings.Contains(body, "upstream_error") {
						t.Errorf("%s %s, mode %s: got %d %.100q, want 502", status, path, mode, a.StatusCode, body)
					}
				}
			}
		}
	}
	for _, status := range []int{200, 204, 299, 304, 399, 418, 599} {
		text = fmt.Sprintf("HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status)
		if a, _ := post(t, client, base+"/v1/models", `{}`); a.StatusCode != status {
			t.Errorf("status %d arrives as %d", status, a.StatusCode)
		}
	}
}

// A panickyWriter panics where an answer is sent.
type panickyWriter struct{ http.ResponseWriter }

func (w panickyWriter) FlushError() error { panic("flush") }

// A panickyBody panics where it is read.
type panickyBody struct{}

func (panickyBody) Read([]byte) (int, error) { panic("read") }
func (panickyBody) Close() error             { return nil }

// What net/http has read or written on goroutines of its own panics on none of them.
func TestPanicsElsewhereEndNothing(t *testing.T) {
	base, client := start(t, options(t, newUpstream(t)))
	if a, _ := post(t, client, base+"/v1/models", `{}`); a.StatusCode != http.StatusOK {
		t.Fatal(a.StatusCode)
	}
	s, err := proxy.New(options(t, newUpstream(t)))
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/files" {
			_, _ = io.Copy(io.Discard, r.Body)
			r.Body = panickyBody{}
		} else {
			w = panickyWriter{w}
		}
		s.Handler().ServeHTTP(w, r)
	}))
	defer front.Close()
	for range 20 { // the timer may come too late to be met
		for _, path := range []string{"/v1/files", "/v1/chat/completions"} {
			res, err := front.Client().Post(front.URL+path, "application/json",
				strings.NewReader(`{"model":"m"}`))
			if err == nil {
				_, err = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
			}
			if opError := (*net.OpError)(nil); errors.As(err, &opError) && opError.Op == "dial" {
				t.Fatalf("%s: nobody answers any more: %v", path, err)
			}
		}
	}
}
