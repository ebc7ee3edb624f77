//go:build soak

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestSoak keeps one proxy busy for SOAK (ten minutes if not set) with new code, repeated code and streams, and holds that its
// memory is flat: the mean of the last quarter is within a tenth and 16 MiB of the second quarter's.
func TestSoak(t *testing.T) {
	length := 10 * time.Minute
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	up := newUpstream(t)
	p := serve(t, up.URL)
	file := source(t, sourceFile)[:20_000] + "\n"
	var sizes []int
	requests := 0
	for end := time.Now().Add(length); time.Now().Before(end); requests++ {
		message := fmt.Sprintf("```go\n// variant %d\n%s```\n\n%s", requests, file, question)
		if requests%2 == 1 {
			message = prompt(t)
		}
		content, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		// One plain client: each SDK client would keep a connection of its own open, which the proxy would have to hold.
		body := fmt.Sprintf(`{"model":"gpt-4o","stream":%t,"messages":[{"role":"user","content":%s}]}`, requests%3 == 0, content)
		if res, got := post(t, p.URL+"/v1/chat/completions", body); res.StatusCode != http.StatusOK || !strings.Contains(got, "idle") {
			t.Fatalf("request %d: status %d: %s", requests, res.StatusCode, got)
		}
		up.forget()
		sizes = append(sizes, resident(t, p))
	}
	quarter := len(sizes) / 4
	if quarter == 0 {
		t.Fatalf("only %d requests in %v", requests, length)
	}
	early, late := mean(sizes[quarter:2*quarter]), mean(sizes[3*quarter:])
	for i := 0; i < len(sizes); i += max(1, len(sizes)/12) {
		t.Logf("after %d requests %d KiB", i, sizes[i])
	}
	t.Logf("%d requests, %d KiB early, %d KiB late", requests, early, late)
	if late > early+early/10+16<<10 {
		t.Errorf("memory grew from %d to %d KiB over %d requests", early, late, requests)
	}
}

func mean(list []int) int {
	sum := 0
	for _, v := range list {
		sum += v
	}
	return sum / len(list)
}

// resident is the proxy's resident memory in KiB.
func resident(t *testing.T, p *proxy) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-o", "rss=", "-p", strconv.Itoa(p.cmd.Process.Pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// forget drops the recorded bodies, which would be the growth that is looked for.
func (u *upstream) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.got = nil
}
