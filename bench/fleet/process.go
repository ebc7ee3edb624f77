package fleet

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"pith/bench/served"
)

// allowedRequests is the allowance, in requests a minute, of the key that is drawn on.
const allowedRequests = 600

// adminToken opens the replicas' metrics.
const adminToken = "token of a fleet"

// startReplica starts a replica with a configuration and waits until it serves.
func (f *fleet) startReplica(ctx context.Context, redisURL string, env ...string) (*served.Process, error) {
	config := filepath.Join(f.dir, fmt.Sprintf("pith-%d.yaml", time.Now().UnixNano()))
	text := fmt.Sprintf("server:\n  listen: 127.0.0.1:0\n  upstream: %s\n  upstream_key: none\n"+
		"admin:\n  listen: localhost:0\n  token: "+adminToken+"\n"+
		"compress:\n  deadline: 0\n  timeout: 1m\n"+
		"keys:\n  - {name: small, hash: %q, requests_per_minute: %d}\n"+
		"  - {name: large, hash: %q, requests_per_minute: 1000000, tokens_per_minute: 1000000000}\n",
		f.upstream.URL, f.Hashes[0], allowedRequests, f.Hashes[1])
	if redisURL != "" {
		text += fmt.Sprintf("cache:\n  redis_url: %s\n  secret: a secret of the fleet, for a run\n", redisURL)
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return served.Start(ctx, f.Pith, []string{"serve", "--config", config}, env)
}

// scale starts n replicas.
func (f *fleet) scale(ctx context.Context, n int, redisURL string, env ...string) error {
	for range n {
		if err := f.grow(ctx, redisURL, env...); err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) grow(ctx context.Context, redisURL string, env ...string) error {
	r, err := f.startReplica(ctx, redisURL, env...)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.replicas = append(f.replicas, r)
	return nil
}

// next is any replica: one after the other would keep clients that ask in step at the same one.
func (f *fleet) next() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.replicas[rand.IntN(len(f.replicas))].URL
}

// take removes a replica from the turns. A dead one stays in them until it is known to be dead, as
// in a load balancer.
func (f *fleet) take(i int) *served.Process {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.replicas[i]
	time.AfterFunc(200*time.Millisecond, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for k, other := range f.replicas {
			if other == r && len(f.replicas) > 1 {
				f.replicas = append(f.replicas[:k:k], f.replicas[k+1:]...)
			}
		}
	})
	return r
}

func (f *fleet) stopAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.replicas {
		r.Kill()
	}
	f.replicas = nil
}

// A redisServer is one process, a Redis or a sentinel.
type redisServer struct {
	addr string
	cmd  *exec.Cmd
}

func startRedis(ctx context.Context, binary, dir string, args ...string) (*redisServer, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err := errors.Join(err, l.Close()); err != nil {
		return nil, err
	}
	args = append(args, "--port", port, "--bind", "127.0.0.1", "--dir", dir)
	s := &redisServer{addr: addr, cmd: exec.CommandContext(context.WithoutCancel(ctx), binary, args...)}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	client := s.client()
	defer func() { _ = client.Close() }() // it was only asked
	for client.Ping(ctx).Err() != nil {
		if ctx.Err() != nil {
			s.stop()
			return nil, ctx.Err()
		}
		time.Sleep(10 * time.Millisecond)
	}
	return s, nil
}

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1})
}

func (s *redisServer) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}

// sentinels are a Redis, its replica, and three that watch them.
type sentinels struct{ servers []*redisServer }

func startSentinels(ctx context.Context, binary, dir string) (*sentinels, error) {
	g := &sentinels{}
	start := func(args ...string) (*redisServer, error) {
		s, err := startRedis(ctx, binary, dir, args...)
		if err == nil {
			g.servers = append(g.servers, s)
		}
		return s, err
	}
	first, err := start("--save", "")
	if err != nil {
		return nil, err
	}
	host, port, _ := strings.Cut(first.addr, ":")
	if _, err := start("--save", "", "--replicaof", host, port); err != nil {
		g.stop()
		return nil, err
	}
	for i := range 3 {
		file := filepath.Join(dir, fmt.Sprintf("sentinel-%d-%d.conf", i, time.Now().UnixNano()))
		text := fmt.Sprintf("sentinel monitor main %s %s 2\nsentinel down-after-milliseconds main 2000\nsentinel "+
			"failover-timeout main 3000\n", host, port)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			g.stop()
			return nil, err
		}
		if _, err := start(file, "--sentinel"); err != nil {
			g.stop()
			return nil, err
		}
	}
	return g, g.known(ctx)
}

func (g *sentinels) url() string {
	var list []string
	for _, s := range g.servers[2:] {
		list = append(list, s.addr)
	}
	return "redis+sentinel://" + strings.Join(list, ",") + "/main"
}

// known waits until the sentinels know one another and the replica.
func (g *sentinels) known(ctx context.Context) error {
	client := redis.NewSentinelClient(&redis.Options{Addr: g.servers[2].addr})
	defer func() { _ = client.Close() }() // it was only asked
	for ctx.Err() == nil {
		m := client.Master(ctx, "main").Val()
		if m["num-slaves"] == "1" && m["num-other-sentinels"] == "2" {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

// failOver kills the Redis and waits until the sentinels name the other.
func (g *sentinels) failOver(ctx context.Context) error {
	g.servers[0].stop()
	client := redis.NewSentinelClient(&redis.Options{Addr: g.servers[2].addr})
	defer func() { _ = client.Close() }() // it was only asked
	for ctx.Err() == nil {
		if now := client.GetMasterAddrByName(ctx, "main").Val(); strings.Join(now, ":") == g.servers[1].addr {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ctx.Err()
}

func (g *sentinels) stop() {
	for _, s := range g.servers {
		s.stop()
	}
}
