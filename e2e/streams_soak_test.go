//go:build soak

package e2e

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestSoakStreams holds ten thousand silent streams open at one time, then lets all of them speak
// and end: each is whole and in order. What a silent one adds to the proxy's resident memory is
// logged, with what the collector leaves on top of what is held, and bounded. The upstream speaks
// HTTP/2, as the providers do, so that a stream costs the proxy one file, and this process one as
// well.
func TestSoakStreams(t *testing.T) {
	streams := filesFor(t, 10_000)
	up := newHolder(t)
	p := serve(t, up.server.URL, "SSL_CERT_FILE="+up.certificate(t))
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	before := resident(t, p, "VmRSS:")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	dialing := make(chan struct{}, 100) // the listener's queue is short
	for n := range streams {
		dialing <- struct{}{}
		wg.Go(func() {
			id := fmt.Sprint(n)
			got, err := listen(ctx, client, p.URL, id, dialing)
			if want := up.first(id) + up.rest(id); err != nil || got != want {
				t.Errorf("stream %s: %v, %d bytes of %d", id, err, len(got), len(want))
				cancel()
			}
		})
	}
	for range cap(dialing) {
		dialing <- struct{}{} // each stream has had its first event
	}
	added := float64(resident(t, p, "VmRSS:")-before) / float64(streams)
	t.Logf("%d streams open at one time, %.1f KiB added by each", streams, added)
	close(up.speak)
	wg.Wait()
	if added > 80 {
		t.Errorf("a silent stream costs %.1f KiB, want at most 80", added)
	}
}

// filesFor is how many of some streams can be open with one file each. Go programs raise their own
// limit to the hard one as they start.
func filesFor(t *testing.T, streams int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	const others = 500
	if limit.Max < uint64(streams+others) {
		t.Logf("at most %d open files: fewer streams than %d", limit.Max, streams)
		return int(limit.Max) - others
	}
	return streams
}

// listen asks for a stream, reads its first bytes, gives its place in dialing back and reads the
// rest.
func listen(ctx context.Context, client *http.Client, url, id string, dialing <-chan struct{}) (string, error) {
	leave := sync.OnceFunc(func() { <-dialing })
	defer leave()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Id", id)
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		return "", err
	}
	leave()
	rest, err := io.ReadAll(res.Body)
	return string(first) + string(rest), err
}

// A holder is an API over HTTP/2 that sends one event of each stream, is silent until speak is
// closed, and sends the rest.
type holder struct {
	server *httptest.Server
	speak  chan struct{}
}

func newHolder(t *testing.T) *holder {
	u := &holder{speak: make(chan struct{})}
	u.server = httptest.NewUnstartedServer(http.HandlerFunc(u.serve))
	u.server.EnableHTTP2 = true
	u.server.StartTLS()
	t.Cleanup(u.server.Close)
	return u
}

func (u *holder) first(id string) string { return "data: {\"stream\":" + id + "}\n\n" }

func (u *holder) rest(id string) string {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, "data: {\"stream\":%s,\"event\":%d}\n\n", id, i)
	}
	return b.String() + "data: [DONE]\n\n"
}

func (u *holder) serve(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("X-Id")
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, u.first(id))
	err := http.NewResponseController(w).Flush()
	select {
	case <-u.speak:
		_, _ = io.WriteString(w, u.rest(id))
	case <-r.Context().Done():
		err = errors.Join(err, r.Context().Err())
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// certificate writes what the server's certificate is checked against.
func (u *holder) certificate(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upstream.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: u.server.Certificate().Raw})
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
