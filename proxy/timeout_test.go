package proxy_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pith/compress"
	"pith/proxy"
)

// Compression adds no more than its timeout, to the tick of a clock that only the test's work
// moves: however slow the engine is, whether it ends with its context or not, for one message or
// many, and however many wait. What it did not end in time goes out as it came.
func TestTimeoutHolds(t *testing.T) {
	const timeout, slow = 10 * time.Second, 45 * time.Second
	var turns []turn
	for i := range 12 {
		turns = append(turns, turn{
			user: fmt.Sprintf("Why %d?\n```go\n%s```\n```python\n%s```\n", i, source(30+i), source(60+i)),
		})
	}
	large := userChat("Why?\n```go\n" + source(5000) + "```\n") // waits for its turn to be read
	for name, engine := range map[string]proxy.CompressorFunc{
		"deaf": func(ctx context.Context, req compress.Request) (compress.Result, error) {
			time.Sleep(slow)
			return thirds(ctx, req)
		},
		"obedient": func(ctx context.Context, req compress.Request) (compress.Result, error) {
			select {
			case <-time.After(slow):
			case <-ctx.Done():
				return compress.Result{}, ctx.Err()
			}
			return thirds(ctx, req)
		},
		"slow at some": func(ctx context.Context, req compress.Request) (compress.Result, error) {
			if strings.Contains(req.Query, "1") {
				time.Sleep(slow)
			}
			return thirds(ctx, req)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				sent := map[string]bool{}
				s := newServer(t, proxy.Options{
					Upstream:    &url.URL{Scheme: "http", Host: "upstream"},
					Logger:      slog.New(slog.DiscardHandler),
					Compressor:  engine,
					Compression: proxy.Compression{MinBytes: 200, Timeout: timeout, MaxRequests: 6},
					Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						body, err := io.ReadAll(r.Body)
						mu.Lock()
						sent[string(body)] = true
						mu.Unlock()
						answer := io.NopCloser(strings.NewReader("{}"))
						return &http.Response{
							StatusCode: http.StatusOK, Header: http.Header{},
							Body: answer, Request: r,
						}, err
					}),
				})
				var wg sync.WaitGroup
				for i := range 20 {
					body := large
					if i%2 == 0 {
						body = chatBody(turns[:1+i%len(turns)])
					}
					wg.Go(func() {
						start := time.Now()
						req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions",
							strings.NewReader(body))
						req.Header.Set("Content-Type", "application/json")
						res := httptest.NewRecorder()
						s.Handler().ServeHTTP(res, req)
						if took := time.Since(start); took > timeout || res.Code != http.StatusOK {
							t.Errorf("request %d: status %d after %v", i, res.Code, took)
						}
					})
				}
				wg.Wait()
				time.Sleep(10 * slow) // until the deaf have ended
				if whole := chatBody(turns[:1]); name != "slow at some" && (!sent[whole] || !sent[large]) {
					t.Error("what was not done in time did not go out as it came")
				}
			})
		})
	}
}

// A block that went out as it came stays so as long as a provider may have it cached, and no
// longer: an hour, or minutes where overload was the cause.
func TestFrozenFormsEnd(t *testing.T) {
	for _, tt := range []struct {
		err   error
		first string
		life  time.Duration
	}{
		{context.DeadlineExceeded, "bypass; left=1; reason=timeout", time.Hour},
		{compress.ErrBusy, "bypass; left=1; reason=busy", 5 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			s := newServer(t, proxy.Options{
				Upstream: &url.URL{Scheme: "http", Host: "upstream"},
				Logger:   slog.New(slog.DiscardHandler),
				Compressor: proxy.CompressorFunc(
					func(ctx context.Context, req compress.Request) (compress.Result, error) {
						if calls++; calls == 1 {
							return compress.Result{}, tt.err
						}
						return thirds(ctx, req)
					}),
				Compression: proxy.Compression{MinBytes: 200, Timeout: time.Minute},
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					_, err := io.Copy(io.Discard, r.Body)
					answer := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
					answer.Body = io.NopCloser(strings.NewReader("{}"))
					return answer, err
				}),
			})
			decision := func() string {
				req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions",
					strings.NewReader(question()))
				req.Header.Set("Content-Type", "application/json")
				res := httptest.NewRecorder()
				s.Handler().ServeHTTP(res, req)
				return res.Header().Get("X-Pith-Decision")
			}
			const frozen = "bypass; left=1; reason=frozen"
			if got := decision(); got != tt.first {
				t.Errorf("first: %q, want %q", got, tt.first)
			}
			time.Sleep(tt.life - time.Second)
			if got := decision(); got != frozen {
				t.Errorf("just before its end: %q, want %q", got, frozen)
			}
			time.Sleep(2 * time.Second)
			if got := decision(); !strings.HasPrefix(got, "compressed") {
				t.Errorf("after its end: %q", got)
			}
		})
	}
}
