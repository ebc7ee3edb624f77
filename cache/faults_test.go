package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"pith/cache"
)

// proxied starts a server and a proxy in front of it whose network can be made to fail.
func proxied(t testing.TB) (*redisServer, *toxiproxy.Proxy) {
	t.Helper()
	s := startServer(t)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(api, t.Name(), "127.0.0.1:0", s.addr)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Toxics.ResetToxics(context.Background()) // a toxic would outlive the proxy's connections
		p.Stop()
	})
	return s, p
}

func poison(t testing.TB, p *toxiproxy.Proxy, toxic string) {
	t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		t.Fatal(err)
	}
}

// outage is a way in which Redis stops answering, begun by its function.
type outage struct {
	name  string
	begin func(t testing.TB, s *redisServer, p *toxiproxy.Proxy)
}

func outages() []outage {
	toxic := func(spec string) func(testing.TB, *redisServer, *toxiproxy.Proxy) {
		return func(t testing.TB, _ *redisServer, p *toxiproxy.Proxy) { poison(t, p, spec) }
	}
	return []outage{
		{"slow", toxic(`{"type": "latency", "attributes": {"latency": 20000}}`)},
		{"black hole for answers", toxic(`{"type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}`)},
		{"black hole for requests", toxic(`{"type": "timeout", "stream": "upstream", "attributes": {"timeout": 0}}`)},
		{"reset", toxic(`{"type": "reset_peer", "attributes": {"timeout": 0}}`)},
		{"closed after five bytes", toxic(`{"type": "limit_data", "attributes": {"bytes": 5}}`)},
		{
			"a byte each 20 s",
			toxic(`{"type": "slicer", "attributes": {"average_size": 1, "size_variation": 0, "delay": 20000000}}`),
		},
		{"port closed", func(_ testing.TB, _ *redisServer, p *toxiproxy.Proxy) { p.Stop() }},
		{"stopped", func(t testing.TB, s *redisServer, _ *toxiproxy.Proxy) { s.signal(t, syscall.SIGSTOP) }},
		{"killed", func(t testing.TB, s *redisServer, _ *toxiproxy.Proxy) { s.signal(t, syscall.SIGKILL) }},
	}
}

// However Redis fails, one call pays for it, finds nothing and loses nothing, and the next ones are
// not sent. What it pays at most is TestBudgetIsTheLongestTime's.
func TestOutageCostsOneBudget(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			s, p := proxied(t)
			r := open(t, p.Listen, cache.RedisOptions{})
			r.Add(t.Context(), "key", []byte("value"), time.Hour)
			if got, ok := r.Get(t.Context(), "key"); !ok || string(got) != "value" {
				t.Fatalf("before the outage: Get = %q, %t", got, ok)
			}
			o.begin(t, s, p)
			quick := open(t, p.Listen, cache.RedisOptions{Budget: 50 * time.Millisecond})
			if got, ok := quick.Get(t.Context(), "key"); ok {
				t.Errorf("Get = %q", got)
			}
			if now := quick.Add(t.Context(), "other", []byte("mine"), time.Hour); string(now) != "mine" {
				t.Errorf("Add = %q", now)
			}
			for range 100 {
				quick.Get(t.Context(), "key")
			}
			if got, want := quick.Stats(), (cache.RedisStats{Calls: 1, Failures: 1, Skipped: 101}); got != want {
				t.Errorf("Stats = %+v, want %+v", got, want)
			}
			if got := quick.State(); got != "open" {
				t.Errorf("State = %s, want open", got)
			}
		})
	}
}

// A connection that worked and then meets the outage is no worse than a new one.
func TestOutageOnOpenConnections(t *testing.T) {
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			s, p := proxied(t)
			r := open(t, p.Listen, cache.RedisOptions{})
			l := cache.NewLayered(cache.NewMemory(1<<20), r)
			l.Add(t.Context(), "key", []byte("value"), time.Hour)
			o.begin(t, s, p)
			for i := range 10 { // more calls than a pool of stale connections could fail by accident
				if now := l.Add(t.Context(), fmt.Sprint(i), []byte("mine"), time.Hour); string(now) != "mine" {
					t.Errorf("Add = %q", now)
				}
			}
			if got := r.State(); got != "open" {
				t.Errorf("State = %s, want open", got)
			}
			if got, ok := l.Get(t.Context(), "key"); !ok || string(got) != "value" {
				t.Errorf("Get from memory = %q, %t", got, ok)
			}
		})
	}
}

func TestRedisComesBack(t *testing.T) {
	s := startServer(t)
	r := open(t, s.addr, cache.RedisOptions{Budget: 100 * time.Millisecond, Cooldown: 10 * time.Millisecond})
	// With time for a busy machine.
	open(t, s.addr, cache.RedisOptions{}).Add(t.Context(), "key", []byte("value"), time.Hour)
	s.signal(t, syscall.SIGSTOP)
	r.Get(t.Context(), "key")
	if got := r.State(); got != "open" {
		t.Fatalf("State of a stopped Redis = %s, want open", got)
	}
	if err := r.Ping(t.Context()); err == nil {
		t.Error("Ping of a stopped Redis succeeds")
	}
	s.signal(t, syscall.SIGCONT)
	for ; ; time.Sleep(time.Millisecond) { // the test's own time limit ends it
		if got, ok := r.Get(t.Context(), "key"); ok {
			if string(got) != "value" {
				t.Errorf("Get = %q", got)
			}
			break
		}
	}
	if got := r.State(); got != "closed" {
		t.Errorf("State = %s, want closed", got)
	}
	if err := r.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// One client that leaves does not take Redis away from the others.
func TestCancelledCallersKeepTheBreakerClosed(t *testing.T) {
	r := open(t, startServer(t).addr, cache.RedisOptions{})
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		r.Get(ctx, "key")
		r.Add(ctx, "key", []byte("value"), time.Hour)
	}
	if got := r.State(); got != "closed" {
		t.Errorf("State = %s, want closed", got)
	}
}

// Answers that arrive in small pieces are put together.
func TestSlicedAnswers(t *testing.T) {
	_, p := proxied(t)
	poison(t, p, `{"type": "slicer", "attributes": {"average_size": 64, "size_variation": 32, "delay": 1}}`)
	r := open(t, p.Listen, cache.RedisOptions{Budget: 10 * time.Second})
	want := bytes.Repeat([]byte("0123456789abcdef\r\n"), 1000)
	r.Add(t.Context(), "key", want, time.Hour)
	if got, ok := r.Get(t.Context(), "key"); !ok || !bytes.Equal(got, want) {
		t.Errorf("Get returned %d bytes, %t", len(got), ok)
	}
}

// A server that refuses to write still serves reads.
func TestRefusedWrites(t *testing.T) {
	s := startServer(t)
	r := open(t, s.addr, cache.RedisOptions{})
	r.Add(t.Context(), "key", []byte("value"), time.Hour)
	if err := s.client.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if now := r.Add(t.Context(), "other", []byte("mine"), time.Hour); string(now) != "mine" {
		t.Errorf("Add = %q", now)
	}
	if got, ok := r.Get(t.Context(), "key"); !ok || string(got) != "value" {
		t.Errorf("Get = %q, %t", got, ok)
	}
}

// Whatever speaks on the port, nothing of it is taken for a value.
func TestLyingServer(t *testing.T) {
	answers := map[string]string{
		"not Redis":             "HTTP/1.1 200 OK\r\n\r\n",
		"someone else's answer": "$5\r\nother\r\n:1000\r\n",
		"nonsense":              "\x00\xff*-9999999\r\n",
		"an endless array":      "*2147483647\r\n",
		"a huge string":         "$536870912\r\nx",
		"the wrong type":        "*1\r\n*1\r\n*1\r\n:1\r\n",
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			r := open(t, liar(t, answer), cache.RedisOptions{Budget: 50 * time.Millisecond})
			if got, ok := r.Get(t.Context(), "key"); ok {
				t.Errorf("Get = %q", got)
			}
			if now := r.Add(t.Context(), "key", []byte("mine"), time.Hour); string(now) != "mine" {
				t.Errorf("Add = %q", now)
			}
		})
	}
}

// liar listens on loopback and gives every request the same answer.
func liar(t *testing.T, answer string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := conn.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// BenchmarkOutage reports what a call pays in a black hole: the first one, and those that the open
// breaker turns away.
func BenchmarkOutage(b *testing.B) {
	s := startServer(b)
	s.signal(b, syscall.SIGSTOP)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			r := open(b, s.addr, cache.RedisOptions{Budget: 50 * time.Millisecond})
			b.StartTimer()
			r.Get(b.Context(), "key")
		}
	})
	b.Run("open", func(b *testing.B) {
		r := open(b, s.addr, cache.RedisOptions{Budget: 50 * time.Millisecond})
		r.Get(b.Context(), "key")
		for b.Loop() {
			r.Get(b.Context(), "key")
		}
	})
}

// BenchmarkRedis reports a round trip on loopback with a value of 16 KB.
func BenchmarkRedis(b *testing.B) {
	value := bytes.Repeat([]byte("\tif err != nil {\n\t\treturn fmt.Errorf(\"read: %w\", err)\n\t}\n"), 300)
	for name, secret := range map[string][]byte{"plain": nil, "encrypted": []byte("secret")} {
		r := open(b, startServer(b).addr, cache.RedisOptions{Secret: secret})
		r.Add(b.Context(), "key", value, time.Hour)
		b.Run(name+"/Get", func(b *testing.B) {
			for b.Loop() {
				r.Get(b.Context(), "key")
			}
		})
		b.Run(name+"/Add", func(b *testing.B) {
			for b.Loop() {
				r.Add(b.Context(), "key", value, time.Hour)
			}
		})
	}
}
