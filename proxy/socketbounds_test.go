package proxy_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/proxy"
)

// One connection may have so many requests without an answer; what is kept of each for later turns
// would else have no bound.
func TestSocketTurnsAreBounded(t *testing.T) {
	u := newSocketUpstream(t, func(string) []string { return nil })
	base, _ := start(t, socketOptions(t, u))
	c := open(t, base)
	for range 40 {
		say(t, c, `{"type":"response.create","model":"gpt-4o","input":"Why?"}`)
	}
	for range 8 {
		if refused := until(t, c, "error"); gjson.Get(refused, "status").Int() != http.StatusTooManyRequests {
			t.Errorf("one too many was answered %s", refused)
		}
	}
	waitFor(t, func() bool { u.mu.Lock(); defer u.mu.Unlock(); return len(u.got) == 32 })
}

// What is kept of the turns of a connection counts among the bytes in flight. Where there is no
// more room, later turns go on without; with the connection all is given back.
func TestSocketThreadsAreInFlight(t *testing.T) {
	u := newSocketUpstream(t, func(m string) []string { return completed("r" + gjson.Get(m, "n").Raw) })
	opts := socketOptions(t, u)
	opts.Limits.MaxInFlightBytes = 256 << 10
	s := newServer(t, opts)
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	c := open(t, front.URL)
	ask := `{"type":"response.create","store":false,"model":"m","n":N,"input":"` + strings.Repeat("a ", 20_000) + `"}`
	for _, n := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		say(t, c, strings.ReplaceAll(ask, "N", n))
		until(t, c, "response.completed")
	}
	held := bytesHeld(t, admin)
	if held < 100_000 || held > 256<<10 {
		t.Errorf("%d bytes are held for seven turns of 40,000", held)
	}
	_ = c.CloseNow()
	waitFor(t, func() bool { return bytesHeld(t, admin) == 0 })
}

// A connection that ends in the middle of anything leaves nothing behind.
func TestSocketLeavesNothing(t *testing.T) {
	u := newSocketUpstream(t, func(string) []string { return nil })
	opts := socketOptions(t, u)
	at := make(chan struct{})
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, _ compress.Request) (compress.Result, error) {
		at <- struct{}{}
		<-ctx.Done()
		return compress.Result{}, ctx.Err()
	})
	s := newServer(t, opts)
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	for name, message := range map[string]string{
		"compressing": `{"type":"response.create","model":"gpt-4o","input":[` + askItem + `,` +
			readCall("c1", "main.go") + `,` + callOutput("c1", source(60)) + `]}`,
		"answering": `{"type":"response.create","model":"gpt-4o","input":"Why?"}`,
	} {
		c := open(t, front.URL)
		say(t, c, message)
		if name == "compressing" {
			<-at
		} else {
			waitFor(t, func() bool { u.mu.Lock(); defer u.mu.Unlock(); return len(u.got) > 0 })
		}
		if bytesHeld(t, admin) == 0 {
			t.Errorf("%s: nothing is held", name)
		}
		_ = c.CloseNow()
		waitFor(t, func() bool { return bytesHeld(t, admin) == 0 })
		waitFor(t, func() bool { return strings.Contains(metricsOf(t, admin), "\npith_requests_active 0\n") })
	}
}

func bytesHeld(t *testing.T, admin *httptest.Server) int64 {
	t.Helper()
	_, held, _ := strings.Cut(metricsOf(t, admin), "\npith_body_bytes_held ")
	line, _, _ := strings.Cut(held, "\n")
	return gjson.Parse(line).Int()
}

func metricsOf(t *testing.T, admin *httptest.Server) string {
	t.Helper()
	_, text := get(t, http.DefaultClient, admin.URL+"/metrics")
	return text
}

// A message that comes a byte at a time is let go, as a body is: it would hold what came of it for
// ever.
func TestDrippingSocketMessagesAreLetGo(t *testing.T) {
	u := newSocketUpstream(t, agent)
	opts := socketOptions(t, u)
	opts.Limits.BodyIdle = 100 * time.Millisecond
	base, _ := start(t, opts)
	conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(res.Status)
	}
	// A text of 10,000 bytes, masked with zeroes.
	head := append(binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, 10_000), 0, 0, 0, 0)
	if _, err := conn.Write(head); err != nil {
		t.Fatal(err)
	}
	for n := range 5_000 {
		if _, err := conn.Write([]byte("a")); err != nil {
			t.Logf("let go after %d bytes", n)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("5,000 bytes were waited for, one at a time")
}
