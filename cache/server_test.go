package cache_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"pith/cache"
)

// redisServer is a real redis-server on loopback that belongs to one test.
type redisServer struct {
	addr   string
	cmd    *exec.Cmd
	client *redis.Client // with the library's defaults, to look behind the store's back
}

// startServer starts a server and stops it when the test ends.
func startServer(t testing.TB, args ...string) *redisServer {
	t.Helper()
	binary := findServer(t)
	for range 5 { // another process may take the port between our look and the server's
		s := &redisServer{addr: freeAddr(t)}
		for len(args) > 0 && s.port(t) > 55000 { // a cluster's bus has the port 10,000 above
			s.addr = freeAddr(t)
		}
		if s.start(t, binary, args...) {
			return s
		}
	}
	t.Fatal("redis-server did not start in five attempts")
	return nil
}

func findServer(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("PITH_REDIS_SERVER"); path != "" {
		return path
	}
	if path, err := exec.LookPath("redis-server"); err == nil {
		return path
	}
	path, err := filepath.Abs("../.deps/redis/redis-server")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal("no redis-server: run scripts/fetch-redis, or set PITH_REDIS_SERVER to one")
	}
	return path
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (s *redisServer) port(t testing.TB) int {
	t.Helper()
	addr, err := net.ResolveTCPAddr("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	return addr.Port
}

func (s *redisServer) start(t testing.TB, binary string, args ...string) bool {
	t.Helper()
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	// Not the test's context: it ends before the cleanup that stops the server.
	args = append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir",
		t.TempDir(),
	}, args...)
	s.cmd = exec.CommandContext(context.Background(), binary, args...)
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", binary, err)
	}
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		_ = s.cmd.Wait() // killed, so never nil
	}()
	s.client = redis.NewClient(&redis.Options{Addr: s.addr})
	t.Cleanup(func() {
		s.client.Close()
		s.signal(t, syscall.SIGKILL)
		<-exited
	})
	for {
		select {
		case <-exited:
			t.Logf("redis-server ended: %s", out.String())
			return false
		case <-time.After(5 * time.Millisecond):
			if s.client.Ping(context.Background()).Err() == nil {
				return true
			}
		}
	}
}

// signal stops (SIGSTOP), continues (SIGCONT) or kills the server.
func (s *redisServer) signal(t testing.TB, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal redis-server: %v", err)
	}
}

// dump returns the values of all keys, by name.
func (s *redisServer) dump(t testing.TB) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, name := range s.client.Keys(t.Context(), "*").Val() {
		all[name] = s.client.Get(t.Context(), name).Val()
	}
	return all
}

// open returns a Redis store on an address, with a budget that a busy machine keeps and a breaker
// that tries again only when told by options.
func open(t testing.TB, addr string, opt cache.RedisOptions) *cache.Redis {
	t.Helper()
	opt.URL = "redis://" + addr
	if opt.Budget == 0 {
		opt.Budget = 2 * time.Second
	}
	if opt.Cooldown == 0 {
		opt.Cooldown = time.Hour
	}
	r, err := cache.NewRedis(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
