package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// startRedis runs a real redis-server on a free port, with further arguments, and returns its URL
// and process.
func startRedis(t *testing.T, args ...string) (string, *os.Process) {
	t.Helper()
	server := os.Getenv("PITH_REDIS_SERVER")
	if server == "" {
		server = filepath.Join(root, ".deps/redis/redis-server")
	}
	if _, err := os.Stat(server); err != nil {
		if server, err = exec.LookPath("redis-server"); err != nil {
			t.Fatal("no redis-server; `make testdeps` fetches one")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(server, append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir(),
	}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	until(t, "redis-server to listen", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return "redis://" + addr + "/0", cmd.Process
}

// send posts the conversation and returns the cache header and the body that reached the upstream.
func send(t *testing.T, p *proxy, up *scriptedAPI) (cache, got string) {
	t.Helper()
	res, body := post(t, p.URL+"/v1/chat/completions", chatBody(t))
	if res.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	return res.Header.Get("X-Pith-Cache"), up.last(t)
}

func TestSameRequestSameBytes(t *testing.T) {
	up := newUpstream(t)
	redis, _ := startRedis(t)
	withRedis := []string{"PITH_REDIS_URL=" + redis, "PITH_CACHE_SECRET=e2e-secret-of-enough-length-0123456789"}

	memory := serve(t, up.URL)
	cache, want := send(t, memory, up)
	if cache != "miss" {
		t.Errorf("first request: cache %q", cache)
	}
	checkCompressed(t, chatBody(t), want)
	steps := []struct {
		name, cache string
		proxy       func() *proxy
	}{
		{"memory, again", "hit", func() *proxy { return memory }},
		{"memory, after a restart", "miss", func() *proxy { memory.kill(); return serve(t, up.URL) }},
		{"redis, first", "miss", func() *proxy { return serve(t, up.URL, withRedis...) }},
	}
	for _, step := range steps {
		cache, got := send(t, step.proxy(), up)
		if got != want {
			t.Errorf("%s: other bytes than the first time", step.name)
		}
		if cache != step.cache {
			t.Errorf("%s: cache %q, want %q", step.name, cache, step.cache)
		}
	}
	// A starved machine may let Redis's 50 ms pass, which is a miss by design; three replicas in a
	// row it does not.
	for range 3 {
		cache, got := send(t, serve(t, up.URL, withRedis...), up)
		if got != want {
			t.Error("redis, another replica: other bytes than the first time")
		}
		if cache == "hit" {
			return
		}
	}
	t.Error("no replica found in Redis what another had put there")
}

func TestRedisKilledInTheMiddleLosesNoRequest(t *testing.T) {
	up := newUpstream(t)
	redis, process := startRedis(t)
	p := serve(t, up.URL, "PITH_REDIS_URL="+redis, "PITH_CACHE_SECRET=e2e-secret-of-enough-length-0123456789")
	_, want := send(t, p, up)
	for i := range 20 {
		if i == 5 {
			if err := process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		question := fmt.Sprintf(`{"model":"gpt-4o","messages":[{"role":"user","content":"request %d"}]}`, i)
		if res, body := post(t, p.URL+"/v1/chat/completions", question); res.StatusCode != http.StatusOK {
			t.Fatalf("request %d: status %d: %s", i, res.StatusCode, body)
		}
		if _, got := send(t, p, up); got != want {
			t.Fatalf("request %d: other bytes than the first time", i)
		}
	}
}

var showing = regexp.MustCompile(`msg="serving metrics and the dashboard" admin="?([0-9.]+:[0-9]+)`)

// withMetrics are the settings of a proxy whose metrics can be read.
var withMetrics = []string{"PITH_ADMIN_LISTEN=localhost:0", "PITH_ADMIN_TOKEN=token-of-e2e"}

// metrics reads those of a proxy served withMetrics.
func metrics(t *testing.T, p *proxy) string {
	t.Helper()
	admin := showing.FindStringSubmatch(p.soFar())
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+admin[1]+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer token-of-e2e")
	_, text := do(t, req)
	return text
}

// metric is the value of one without labels, 0 where it is not there.
func metric(text, name string) (value float64) {
	_, after, _ := strings.Cut(text, "\n"+name+" ")
	_, _ = fmt.Sscan(after, &value)
	return value
}

// The metrics say how Redis answers.
func TestMetricsTellOfRedis(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL, "PITH_REDIS_URL=redis://127.0.0.1:1",
		"PITH_CACHE_SECRET=e2e-secret-of-enough-length-0123456789",
		withMetrics[0], withMetrics[1])
	send(t, p, up)
	text := metrics(t, p)
	value := func(name string) int { return int(metric(text, "pith_redis_"+name+"_total")) }
	calls, failures, skipped := value("calls"), value("failures"), value("skipped")
	// The form in which the block went out, its result, and the result put there.
	if failures < 1 || failures != calls || calls+skipped < 3 {
		t.Errorf("%d calls, %d failures, %d skipped without a Redis", calls, failures, skipped)
	}
}
