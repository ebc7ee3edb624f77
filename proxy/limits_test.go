package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pith/proxy"
)

func TestBodyLimits(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Limits = proxy.Limits{MaxBodyBytes: 1000, MaxInFlightBytes: 5000}
	base, client := start(t, opts)
	big := userChat(strings.Repeat("x", 2000))
	res, body := post(t, client, base+"/v1/chat/completions", big)
	if res.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, `"type":"request_too_large"`) {
		t.Errorf("large body: %d %s", res.StatusCode, body)
	}
	if res, body = post(
		t,
		client,
		base+"/v1/messages",
		big,
	); res.StatusCode != http.StatusRequestEntityTooLarge || !strings.HasPrefix(body, `{"error":{"message":`) ||
		!strings.HasSuffix(body, `"type":"error"}`) {
		t.Errorf("large body in Anthropic's words: %d %s", res.StatusCode, body)
	}
	if n := u.count(); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
	exact := userChat(strings.Repeat("x", 1000-len(userChat(""))))
	if res, body := post(t, client, base+"/v1/chat/completions", exact); res.StatusCode != http.StatusOK {
		t.Errorf("body of exactly the limit: %d %s", res.StatusCode, body)
	}
	for name, header := range map[string][2]string{
		"mode off": {"X-Pith-Mode", "off"}, "other type": {"Content-Type", "text/plain"},
	} {
		if res, _ := post(
			t,
			client,
			base+"/v1/chat/completions",
			big,
			header[0],
			header[1],
		); res.StatusCode != http.StatusOK ||
			string(u.last(t).body) != big {
			t.Errorf("%s: %d, want it streamed through whatever its size", name, res.StatusCode)
		}
	}
}

// A body that is refused half read is the last of its connection, and the answer says so: no half
// of it is taken for a request.
func TestConnectionAfterRefusedBody(t *testing.T) {
	opts := options(t, newUpstream(t))
	opts.Limits.MaxBodyBytes = 1000
	base, _ := start(t, opts)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := userChat(strings.Repeat("x", 50_000))
	if _, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	res, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	err = errors.Join(err, res.Body.Close())
	if err != nil || res.StatusCode != http.StatusRequestEntityTooLarge || !res.Close {
		t.Errorf("status %d, closing %t, %v", res.StatusCode, res.Close, err)
	}
	if more, err := io.ReadAll(answers); err != nil || len(more) > 0 {
		t.Errorf("behind the answer: %.100q, %v", more, err)
	}
}

func TestBytesInFlightAreBounded(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Limits.MaxInFlightBytes = 3000
	base, client := start(t, opts)
	body := userChat(strings.Repeat("x", 2000))
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", strings.NewReader(body))
		req.Header.Set("X-Want-Hang", "1")
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	for u.count() == 0 {
		time.Sleep(time.Millisecond)
	}
	res, got := post(t, client, base+"/v1/chat/completions", body)
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "1" ||
		!strings.Contains(got, "rate_limit_error") {
		t.Errorf("second body: %d %q %s", res.StatusCode, res.Header.Get("Retry-After"), got)
	}
	cancel()
	<-kept
	<-u.gone
	eventually(t, func() bool { // the first handler gives its bytes back once it has seen the client leave
		res, _ := post(t, client, base+"/v1/chat/completions", body)
		return res.StatusCode == http.StatusOK
	})
}

// Many bodies at once get an answer each, and never more memory than there is.
func TestManyBodiesAtOnceAreBounded(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Limits.MaxInFlightBytes = 4 << 20
	s := newServer(t, opts)
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	const clients = 48
	body := userChat("q\n" + strings.Repeat("```go a.go\nx\n```\n", 20_000))
	statuses := make(chan int, clients)
	for range clients {
		go func() {
			res, err := http.Post(front.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
			if err != nil {
				t.Error(err)
				statuses <- 0
				return
			}
			_ = res.Body.Close()
			statuses <- res.StatusCode
		}()
	}
	most, count := int64(0), map[int]int{}
	for range clients {
		most = max(most, bytesHeld(t, admin))
		count[<-statuses]++
	}
	// What does not fit is counted for a moment before it is turned away.
	if limit := opts.Limits.MaxInFlightBytes; most > 2*limit {
		t.Errorf("%d bytes were held, where %d may be", most, limit)
	}
	if count[http.StatusOK] == 0 || count[http.StatusOK]+count[http.StatusTooManyRequests] != clients {
		t.Errorf("answers: %v", count)
	}
	eventually(t, func() bool { return bytesHeld(t, admin) == 0 })
}

// A stream may last for minutes; the request that asked for it is not kept in memory for that long.
func TestStreamsDoNotHoldBodies(t *testing.T) {
	u := newUpstream(t)
	s := newServer(t, options(t, u))
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	req, _ := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		front.URL+"/v1/chat/completions",
		strings.NewReader(question()),
	)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Want-Events", "1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	eventually(t, func() bool { // what reads the body may let go of it after the first event
		_, metrics := get(t, http.DefaultClient, admin.URL+"/metrics")
		return strings.Contains(metrics, "pith_body_bytes_held 0") &&
			strings.Contains(metrics, "pith_requests_active 1")
	})
	u.next <- struct{}{}
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != "data: 0\n\n" {
		t.Errorf("stream = %q, %v", got, err)
	}
}

func TestSlowClientsAreLetGo(t *testing.T) {
	tests := []struct {
		name, sent string
		want       int // status, or 0 for a connection that is closed with 400 or no word
	}{
		{"head", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A", 0},
		{
			"body",
			"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
				"100\r\n\r\n{\"mod",
			408,
		},
		{
			"chunked body",
			"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"mod\r\n",
			408,
		},
		{
			"body of the editor door",
			"POST /pith/v1/compress HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"fil",
			408,
		},
	}
	u := newUpstream(t)
	opts := options(t, u)
	opts.Limits = proxy.Limits{HeaderTimeout: 100 * time.Millisecond, BodyIdle: 100 * time.Millisecond}
	addr, stop := serve(t.Context(), t, newServer(t, opts))
	defer func() { _ = stop() }()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, tt.sent)
			res, err := readAnswer(bufio.NewReader(conn))
			if tt.want == 0 {
				if err == nil && res.StatusCode != http.StatusBadRequest ||
					err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, %v, want the connection closed", res, err)
				}
				return
			}
			if err != nil || res.StatusCode != tt.want {
				t.Errorf("got %v, %v, want %d", res, err, tt.want)
			}
		})
	}
}

// serve runs Serve on a free port until stop or ctx's end; stop returns Serve's error.
func serve(ctx context.Context, t *testing.T, s *proxy.Server) (addr string, stop func() error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- proxy.NewSite(s).Serve(ctx, ln, proxy.Listen{}) }()
	return ln.Addr().String(), func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
}

func TestDrain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		whole   bool
	}{{"streams finish", 10 * time.Second, true}, {"then they are cut", 50 * time.Millisecond, false}} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			opts := options(t, u)
			opts.Drain = proxy.Drain{Timeout: tt.timeout, Notice: 100 * time.Millisecond}
			ctx, cancel := context.WithCancel(t.Context())
			addr, stop := serve(ctx, t, newServer(t, opts))
			const streams = 8
			answers := make(chan error, streams)
			for range streams {
				go func() {
					req, _ := http.NewRequestWithContext(
						t.Context(),
						http.MethodPost,
						"http://"+addr+"/v1/chat/completions",
						strings.NewReader(userChat("hi")),
					)
					req.Header.Set("X-Want-Events", "1")
					res, err := http.DefaultClient.Do(req)
					if err == nil {
						_, err = io.ReadAll(res.Body)
						res.Body.Close()
					}
					answers <- err
				}()
			}
			for u.count() < streams {
				time.Sleep(time.Millisecond)
			}
			cancel()
			for {
				res, err := http.Get("http://" + addr + "/readyz")
				if err != nil {
					t.Fatalf("readyz while draining: %v", err)
				}
				res.Body.Close()
				if res.StatusCode == http.StatusServiceUnavailable {
					break
				}
			}
			if tt.whole {
				for range streams {
					u.next <- struct{}{}
				}
			}
			for range streams {
				if err := <-answers; (err == nil) != tt.whole {
					t.Errorf("stream ended with %v, whole = %v", err, tt.whole)
				}
			}
			if err := stop(); (err == nil) != tt.whole {
				t.Errorf("Serve = %v", err)
			}
		})
	}
}
