//go:build soak

package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidwall/gjson"
)

const (
	soakClients = 4
	otherAsked  = "Where is a connection put back among the idle ones, and what is checked before?"
)

// soakSizes are the sizes of texts, in thousands of tokens. Most are small, so that thousands of
// requests take minutes.
var soakSizes = []int{2, 2, 2, 3, 2, 2, 5, 2, 2, 20}

// TestSoak has one proxy with the default settings answer SOAK_REQUESTS (10,000 if not set)
// requests of several clients at once, and holds that its resident memory is flat: its highest over
// the last tenth is at most 15 % above that over the second tenth, and below 400 MiB. Of a hundred
// requests ten may be turned away, as a busy machine is no reason to fail.
func TestSoak(t *testing.T) {
	requests := 10_000
	if s := os.Getenv("SOAK_REQUESTS"); s != "" {
		var err error
		if requests, err = strconv.Atoi(s); err != nil || requests < 10 {
			t.Fatalf("SOAK_REQUESTS=%s: want a number of at least 10", s)
		}
	}
	up := newUpstream(t)
	// Defaults that other tests change, and a rate, so that how much stays depends on no question.
	p := serve(t, up.URL, "PITH_DEADLINE=3s", "PITH_TIMEOUT=10s", "PITH_RATE=0.25")
	l := &load{
		url:    p.URL,
		pieces: strings.SplitAfter(source(t, "net/http/server.go")+source(t, "net/http/transport.go"), "\n}\n"),
	}
	answered := make(chan error, requests)
	var next atomic.Int64
	for range soakClients {
		go func() {
			for n := int(next.Add(1)) - 1; n < requests; n = int(next.Add(1)) - 1 {
				answered <- l.send(t.Context(), n)
			}
		}()
	}
	highest := make([]int, 10)
	for n := range requests {
		if err := <-answered; err != nil {
			t.Fatal(err)
		}
		up.forget()
		size, tenth := resident(t, p, "VmRSS:"), n*10/requests
		highest[tenth] = max(highest[tenth], size)
		if (n+1)*10/requests > tenth {
			t.Logf("after %d requests %d MiB, at most %d since the last line", n+1, size>>10, highest[tenth]>>10)
		}
	}
	if early, late := highest[1], highest[9]; late > early+early*15/100 {
		t.Errorf("resident memory grew from %d to %d MiB", early>>10, late>>10)
	}
	if most := slices.Max(highest); most > 400<<10 {
		t.Errorf("resident memory was %d MiB", most>>10)
	}
	if n := l.away.Load(); n*10 > int64(requests) {
		t.Errorf("%d of %d requests were turned away", n, requests)
	}
}

// A load is a mixture of requests: of ten, six bring new code, two ask something else of code that
// was sent before, and two are the same as others before them.
type load struct {
	url    string
	pieces []string // declarations with their comments
	away   atomic.Int64
}

func (l *load) send(ctx context.Context, n int) error {
	path, body, err := l.request(n)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-e2e")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if turned := res.Header.Get("X-Pith-Decision"); res.StatusCode == http.StatusTooManyRequests ||
		strings.Contains(turned, "reason=busy") || strings.Contains(turned, "reason=frozen") {
		l.away.Add(1)
		return nil
	}
	// Pith says so in a header of the upstream's answer, or in its own answer.
	ratio, err := strconv.ParseFloat(cmp.Or(res.Header.Get("X-Pith-Ratio"), gjson.GetBytes(got, "ratio").Raw), 64)
	if res.StatusCode != http.StatusOK || err != nil || ratio < 2 {
		return fmt.Errorf("request %d to %s: status %d, %s: %.300s", n, path, res.StatusCode,
			res.Header.Get("X-Pith-Decision"), got)
	}
	return nil
}

// request is the n-th one. What is asked on, and how, depends on the text, so that a repeated
// request has the same bytes.
func (l *load) request(n int) (path string, body []byte, err error) {
	of, asked := n, question
	switch n % 10 {
	case 6, 7:
		of, asked = n-4, otherAsked
	case 8, 9:
		of = n - 8
	}
	code := l.text(of)
	type object = map[string]any
	ask := object{
		"model":    "gpt-4o",
		"messages": []object{{"role": "user", "content": "```go\n" + code + "```\n\n" + asked}},
	}
	switch of % 4 {
	case 0:
		path = "/pith/v1/compress"
		ask = object{"files": []object{{"path": sourceFile, "content": code}}, "query": asked}
	case 1:
		path, ask["max_tokens"] = "/v1/messages", 100
	default:
		path, ask["stream"] = "/v1/chat/completions", of%4 == 2
	}
	body, err = json.Marshal(ask)
	return path, body, err
}

// text is Go code that differs from every other text in each declaration, from the first word on.
func (l *load) text(n int) string {
	const thousandTokens = 3500 // bytes
	size := soakSizes[(n+n/10)%len(soakSizes)] * thousandTokens
	var b strings.Builder
	b.WriteString("package http\n")
	for i := n; b.Len() < size; i++ {
		fmt.Fprintf(&b, "\n// Text %d.\n%s", n, strings.TrimLeft(l.pieces[i%len(l.pieces)], "\n"))
	}
	return b.String()
}

// resident is the proxy's resident memory in KiB, as a field of its status says it.
func resident(t *testing.T, p *proxy, field string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(status))
	size, err := strconv.Atoi(fields[slices.Index(fields, field)+1])
	if err != nil {
		t.Fatal(err)
	}
	return size
}

// forget drops the recorded bodies, which would be the growth that is looked for.
func (u *scriptedAPI) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.got = nil
}
