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
	"strings"
	"testing"
	"time"

	"pith/gateway"
)

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
	req, _ := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(userChat("hi")),
	)
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
		_, _ = rw.WriteString(
			"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + r.Header.Get(
				"Upgrade",
			) + "\r\n\r\n",
		)
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("echo " + line)
		_ = rw.Flush()
	}))
	defer echo.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(echo.URL)
	opts.Gateway.DefaultSockets = gateway.SocketsAny
	base, _ := start(t, opts)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(
		conn,
		"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	)
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

func TestEventsArriveOneByOne(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	req, _ := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(userChat("hi")),
	)
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
	req, _ := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(userChat("hi")),
	)
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
			req, _ := http.NewRequestWithContext(
				ctx,
				http.MethodPost,
				base+"/v1/chat/completions",
				strings.NewReader(userChat("hi")),
			)
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
			<-u.gone // or the upstream is left waiting, until the test's own time limit
		})
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
