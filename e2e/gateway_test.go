package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

var keyAndHash = regexp.MustCompile(`(?s)^(pith-\S+)\n.*(sha256:[0-9a-f]{64})`)

// newKey makes a key as a user would and returns it with its line for the configuration.
func newKey(t *testing.T, name, limits string) (key, entry string) {
	t.Helper()
	out, errOut, status := pith(t, "", "key", "new", "--name", name)
	m := keyAndHash.FindStringSubmatch(out)
	if status != 0 || m == nil {
		t.Fatalf("pith key new: %d %s %s", status, out, errOut)
	}
	return m[1], fmt.Sprintf("  - {name: %s, hash: %q%s}\n", name, m[2], limits)
}

func writeConfig(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// until polls for what another process does in its own time; the test's own time limit ends it, and
// the log says what did not come.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	t.Logf("waits for %s", what)
	for !done() {
		time.Sleep(50 * time.Millisecond)
	}
}

func TestReplicasShareAllowances(t *testing.T) {
	up := newUpstream(t)
	redis, process := startRedis(t)
	config := filepath.Join(t.TempDir(), "pith.yaml")
	const limit = 3
	var keys [4]string
	text := "server: {upstream: " + up.URL + "}\nkeys:\n"
	for i := range keys {
		var entry string
		keys[i], entry = newKey(t, fmt.Sprint("client", i), fmt.Sprintf(", requests_per_minute: %d", limit))
		text += entry
	}
	writeConfig(t, config, text)
	env := []string{"PITH_REDIS_URL=" + redis, "PITH_CACHE_SECRET=e2e-secret-of-enough-length-0123456789"}
	replicas := []*proxy{
		serveArgs(t, []string{"--config", config}, env...),
		serveArgs(t, []string{"--config", config}, env...),
	}
	admitted := func(key string, p *proxy) (n int) {
		for range limit + 1 {
			res, body := post(t, p.URL+"/v1/x", "{}", "Authorization", "Bearer "+key)
			switch res.StatusCode {
			case http.StatusOK:
				n++
			case http.StatusTooManyRequests:
			default:
				t.Fatalf("status %d: %s", res.StatusCode, body)
			}
		}
		return n
	}
	// A starved machine may let Redis's 50 ms pass, and then each replica counts for itself by
	// design; three times in a row it does not.
	shared := false
	for _, key := range keys[:3] {
		if first, second := admitted(key, replicas[0]), admitted(key, replicas[1]); first == limit && second == 0 {
			shared = true
			break
		}
	}
	if !shared {
		t.Error("two replicas did not share an allowance")
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	for i, p := range replicas {
		if n := admitted(keys[3], p); n != limit {
			t.Errorf("without Redis replica %d let %d in, want its own %d", i, n, limit)
		}
	}
}

func TestReloadUnderAStream(t *testing.T) {
	next := make(chan struct{})
	named := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer sk-canary-of-"+name {
				t.Errorf("%s was sent %q", name, r.Header.Get("Authorization"))
			}
			if body, _ := io.ReadAll(r.Body); !strings.Contains(string(body), "stream") {
				_, _ = io.WriteString(w, name)
				return
			}
			w.Header().Set("Content-Type", "text/event-stream")
			for i := range 3 {
				fmt.Fprintf(w, "data: %s %d\n\n", name, i)
				_ = http.NewResponseController(w).Flush()
				<-next
			}
		}))
		t.Cleanup(s.Close)
		return s
	}
	one, two := named("one"), named("two")
	key, entry := newKey(t, "alice", "")
	bob, bobs := newKey(t, "bob", "")
	dir := t.TempDir()
	config, secret := filepath.Join(dir, "pith.yaml"), filepath.Join(dir, "upstream.key")
	writeConfig(t, secret, "sk-canary-of-one\n")
	text := func(upstream, more string) string {
		return "server: {upstream: " + upstream + ", upstream_key_file: " + secret + "}\nlog: {level: debug}\n" + more
	}
	writeConfig(t, config, text(one.URL, "keys:\n"+entry))
	p := serveArgs(t, []string{"--config", config})
	ask := func(key string) (int, string) {
		res, body := post(t, p.URL+"/v1/chat/completions", `{"model":"m"}`, "Authorization", "Bearer "+key)
		return res.StatusCode, body
	}

	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"m","stream":true}`))
	req.Header.Set("Authorization", "Bearer "+key)
	stream, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	if line, err := lines.ReadString('\n'); line != "data: one 0\n" {
		t.Fatalf("%q, %v", line, err)
	}

	// A change of the file, another client with it.
	writeConfig(t, config, text(one.URL, "keys:\n"+entry+bobs))
	until(t, "bob to be let in", func() bool { status, _ := ask(bob); return status == http.StatusOK })
	// A file with a mistake changes nothing.
	writeConfig(t, config, text(two.URL, "keys: nonsense\n"))
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.waitFor(t, "new configuration refused")
	if status, body := ask(bob); status != http.StatusOK || body != "one" {
		t.Errorf("after a file with a mistake: %d %s", status, body)
	}
	// The other upstream, whose key stands in the same file, put in place as volume mounts do it;
	// and a setting that has to wait.
	writeConfig(t, secret, "sk-canary-of-two\n")
	writeConfig(t, config+".new", text(two.URL, "keys:\n"+entry+"cache: {ttl: 1h}\n"))
	if err := os.Rename(config+".new", config); err != nil {
		t.Fatal(err)
	}
	until(t, "the other upstream", func() bool { _, body := ask(key); return body == "two" })
	if status, _ := ask(bob); status != http.StatusUnauthorized {
		t.Errorf("bob, who is gone: %d", status)
	}

	for range 3 {
		next <- struct{}{}
	}
	rest, err := io.ReadAll(lines)
	if want := "\ndata: one 1\n\ndata: one 2\n\n"; err != nil || string(rest) != want {
		t.Errorf("the stream that was running: %q, %v", rest, err)
	}
	status, log := p.terminate(t)
	if status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{
		`msg="configuration reloaded" changed=[keys]`, "the old one stays in force",
		"waiting=[cache.ttl]", "client=alice",
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %s", want)
		}
	}
	for _, canary := range []string{"sk-canary", key, bob} {
		if strings.Contains(log, canary) {
			t.Errorf("the log holds %s", canary)
		}
	}
	if t.Failed() {
		t.Log(log)
	}
}
