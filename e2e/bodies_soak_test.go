//go:build soak

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestSoakLargeBodies has 200 clients send bodies of 10 MB at once, code and text that costs much
// to read, to a proxy that may hold 256 MiB of bodies. Its memory stays within four times that, and
// each client gets an answer: what is too much, one that says so.
func TestSoakLargeBodies(t *testing.T) {
	const (
		clients = 200
		held    = 256 << 20
	)
	up := newUpstream(t)
	p := serve(t, up.URL, "PITH_TIMEOUT=10s", "PITH_IN_FLIGHT_BYTES=256MiB", "GOMEMLIMIT=1GiB")
	idle := resident(t, p, "VmRSS:") << 10
	code := source(t, "net/http/server.go")
	texts := []string{
		"```go\n" + strings.Repeat(code, 10<<20/len(code)) + "```\n", strings.Repeat("\n", 10<<20),
		strings.Repeat("```go a.go\nx\n```\n", 10<<20/18), strings.Repeat("a ", 5<<20),
	}
	var bodies []string
	for _, text := range texts {
		content, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, `{"model":"gpt-4o","messages":[{"role":"user","content":`+string(content)+`}]}`)
	}
	answers := make(chan string, clients)
	for n := range clients {
		go func() {
			res, err := http.Post(p.URL+"/v1/chat/completions", "application/json", strings.NewReader(bodies[n%len(bodies)]))
			if err != nil {
				answers <- err.Error()
				return
			}
			_, _ = io.Copy(io.Discard, res.Body) // the status counts
			_ = res.Body.Close()
			answers <- strconv.Itoa(res.StatusCode)
		}()
	}
	statuses := map[string]int{}
	for range clients {
		statuses[<-answers]++
		up.forget()
	}
	peak := resident(t, p, "VmHWM:") << 10
	t.Logf("%v; resident memory %d MiB, at most %d MiB", statuses, idle>>20, peak>>20)
	if peak > idle+4*held {
		t.Errorf("resident memory was %d MiB for %d MiB of bodies", peak>>20, held>>20)
	}
	if statuses["200"] == 0 || statuses["429"] == 0 || statuses["200"]+statuses["429"]+statuses["503"] != clients {
		t.Errorf("answers: %v", statuses)
	}
}
