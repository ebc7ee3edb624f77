package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// Hundreds of streams open at one time get their own bytes, all of them, in order.
func TestManyStreams(t *testing.T) {
	const streams, events = 500, 5
	event := func(id string, i int) string { return fmt.Sprintf("data: stream %s event %d\n\n", id, i) }
	var open sync.WaitGroup
	open.Add(streams)
	all := make(chan struct{})
	go func() { open.Wait(); close(all) }()
	back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Id")
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			_, _ = io.WriteString(w, event(id, i))
			_ = http.NewResponseController(w).Flush()
			if i == 0 {
				open.Done()
				<-all // until every stream stands open
			}
		}
	}))
	defer back.Close()
	base, client := start(t, options(t, &upstream{Server: back}))
	client.Timeout = time.Minute
	var wg sync.WaitGroup
	for n := range streams {
		wg.Go(func() {
			id, want := fmt.Sprint(n), ""
			for i := range events {
				want += event(id, i)
			}
			if res, got := post(
				t,
				client,
				base+"/v1/chat/completions",
				userChat("hi"),
				"X-Id",
				id,
			); res.StatusCode != http.StatusOK ||
				got != want {
				t.Errorf("stream %s: status %d, %q", id, res.StatusCode, got)
			}
		})
	}
	wg.Wait()
}

// Requests that end well, that are cut by the upstream and that their clients leave hold no
// goroutine and no file afterwards.
func TestAbortsHoldNothing(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	base, client := start(t, opts)
	kinds := [][]string{
		{},
		{"X-Want-Events", "1"},
		{"X-Want-Events", "1", "X-Want-Cut", "1"},
		{"X-Want-Hang", "1"},   // left before the head
		{"X-Want-Events", "2"}, // left in the middle
	}
	n := func(n int) {
		for i := range n {
			oneOfMany(t, u, client, base, kinds[i%len(kinds)])
		}
		client.CloseIdleConnections()
		opts.Transport.(*http.Transport).CloseIdleConnections()
	}
	n(20)
	goroutines, files := holding(t)
	n(300)
	// Connections are being closed; what stays is seen by the test's own time limit, with a list of
	// the goroutines.
	eventually(t, func() bool {
		nowGoroutines, nowFiles := holding(t)
		return nowGoroutines <= goroutines && nowFiles <= files
	})
}

// oneOfMany asks once, as header tells the upstream to answer, and leaves where that would not end.
func oneOfMany(t *testing.T, u *upstream, client *http.Client, base string, header []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(question()),
	)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if req.Header.Get("X-Want-Events") != "" {
		u.next <- struct{}{}
	}
	if req.Header.Get("X-Want-Hang") != "" {
		before := u.count()
		go func() {
			for u.count() == before {
				time.Sleep(100 * time.Microsecond)
			}
			cancel()
		}()
	}
	res, err := client.Do(req)
	switch {
	case err != nil && ctx.Err() == nil:
		t.Fatal(err)
	case err != nil:
	case req.Header.Get("X-Want-Events") == "2":
		_, _ = io.ReadFull(res.Body, make([]byte, 1))
		_ = res.Body.Close()
	default:
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return
	}
	<-u.gone // or the upstream is left waiting, until the test's own time limit
}

// holding is what this process holds: goroutines and open files.
func holding(t *testing.T) (goroutines, files int) {
	t.Helper()
	open, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(open)
}
