package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pith/compress"
	"pith/proxy"
)

// question is a chat whose one block thirds shortens.
func question() string { return userChat("Why?\n```go\n" + source(30) + "```\n") }

func TestFailuresForwardTheOriginal(t *testing.T) {
	tests := []struct {
		name, want string
		engine     proxy.CompressorFunc
	}{
		{"error", "bypass; left=1; reason=error", func(context.Context, compress.Request) (compress.Result, error) {
			return compress.Result{}, errors.New("model is gone")
		}},
		{
			"panic",
			"bypass; left=1; reason=panic",
			func(context.Context, compress.Request) (compress.Result, error) { panic("at the disco") },
		},
		{"budget", "bypass; left=1; reason=budget", func(context.Context, compress.Request) (compress.Result, error) {
			return compress.Result{}, fmt.Errorf("go: %w", compress.ErrBudget)
		}},
		{
			"timeout",
			"bypass; left=1; reason=timeout",
			func(ctx context.Context, _ compress.Request) (compress.Result, error) {
				<-ctx.Done()
				return compress.Result{}, ctx.Err()
			},
		},
		{
			"deaf engine",
			"bypass; left=1; reason=timeout",
			func(ctx context.Context, req compress.Request) (compress.Result, error) {
				<-ctx.Done()
				time.Sleep(20 * time.Millisecond)
				return thirds(ctx, req)
			},
		},
		{
			"no files",
			"bypass; left=1; reason=bad-result",
			func(context.Context, compress.Request) (compress.Result, error) {
				return compress.Result{}, nil
			},
		},
		{
			"line that is not there",
			"bypass; left=1; reason=bad-result",
			broken(func(r *compress.Result) { r.Chunks[0].KeptLines[1] = [2]int{4000, 4001} }),
		},
		{
			"lines out of order",
			"bypass; left=1; reason=bad-result",
			broken(func(r *compress.Result) { r.Chunks[0].KeptLines[0] = [2]int{9, 9} }),
		},
		{"kept line not reported", "bypass; left=1; reason=bad-result", broken(func(r *compress.Result) {
			r.Chunks[0].KeptLines = slices.Delete(r.Chunks[0].KeptLines, 3, 4)
		})},
		{"kept line changed", "bypass; left=1; reason=bad-result", broken(func(r *compress.Result) {
			r.Files[0].Text = strings.Replace(r.Files[0].Text, "func", "fn", 1)
		})},
		{"marker that ends the fence", "bypass; left=1; reason=bad-result", broken(func(r *compress.Result) {
			r.Files[0].Text = strings.Replace(r.Files[0].Text, "// ...", "``` ...", 1)
		})},
		{"marker that ends an element", "bypass; left=1; reason=bad-result", broken(func(r *compress.Result) {
			r.Files[0].Text = strings.Replace(r.Files[0].Text, "// ...", "</file> ...", 1)
		})},
		{"longer than before", "pass; left=1; reason=no-gain", broken(func(r *compress.Result) {
			r.Files[0].Text = strings.Replace(r.Files[0].Text, "// ...", "// ..."+strings.Repeat(".", 5000), 1)
		})},
		{
			"hardly any lines", "pass; left=1; reason=no-gain",
			broken(func(r *compress.Result) { r.Budget, r.LineTokens = 300, 99 }),
		},
		{
			"nothing but markers", "pass; left=1; reason=no-gain",
			broken(func(r *compress.Result) { r.Chunks[0].KeptLines = nil }),
		},
		{
			"unchanged", "pass; left=1; reason=no-gain",
			func(_ context.Context, req compress.Request) (compress.Result, error) {
				return compress.Result{
					Files: []compress.FileResult{{Text: req.Files[0].Content}}, OriginalTokens: 5,
					CompressedTokens: 5,
				}, nil
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			opts := options(t, u)
			opts.Compressor = tt.engine
			if strings.Contains(tt.want, "timeout") { // a busy machine is not to make others late
				opts.Compression.Timeout = 200 * time.Millisecond
			}
			base, client := start(t, opts)
			res, body := post(t, client, base+"/v1/chat/completions", question())
			if got := res.Header.Get("X-Pith-Decision"); got != tt.want {
				t.Errorf("decision = %q, want %q", got, tt.want)
			}
			if got := string(u.last(t).body); got != question() {
				t.Errorf("the upstream got %q", got)
			}
			if body != `{"ok": true}` {
				t.Errorf("the client got %q", body)
			}
		})
	}
}

// A file that is as good as gone is no saving: the original goes out, it is counted as what it was,
// and the rest is compressed.
func TestDestroyedFilesAreNoSaving(t *testing.T) {
	engine := func(used int) proxy.CompressorFunc {
		return func(ctx context.Context, req compress.Request) (compress.Result, error) {
			res, err := thirds(ctx, req)
			res.OriginalTokens, res.CompressedTokens, res.Budget, res.LineTokens = 1000, 310, 300, 290
			if req.Files[0].Language == "python" {
				res.CompressedTokens, res.LineTokens = used+10, used
			}
			return res, err
		}
	}
	for used, want := range map[int][]string{
		99:  {"compressed; left=1; reason=no-gain", "2000", "1310", "0.65", "1"},
		100: {"compressed", "2000", "420", "0.65", "0"},
	} {
		opts := options(t, newUpstream(t))
		opts.Compressor = engine(used)
		s := newServer(t, opts)
		front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
		res, _ := post(t, front.Client(), front.URL+"/v1/chat/completions", chatBody([]turn{
			{user: "Why?\n```go\n" + source(30) + "```\n"}, {user: "And why?\n```python\n" + source(30) + "```\n"},
		}))
		got := []string{}
		for _, name := range []string{
			"X-Pith-Decision", "X-Pith-Original-Tokens", "X-Pith-Compressed-Tokens",
			"X-Pith-Budget-Used",
		} {
			got = append(got, res.Header.Get(name))
		}
		if !slices.Equal(got, want[:4]) {
			t.Errorf("with %d tokens of lines: %q, want %q", used, got, want[:4])
		}
		eventually(t, func() bool { // a request is counted after its answer went out
			_, metrics := get(t, admin.Client(), admin.URL+"/metrics")
			return strings.Contains(metrics, `pith_results_unused_total{dialect="chat"} `+want[4]+"\n") &&
				strings.Contains(metrics, `pith_block_tokens_total{dialect="chat",side="budget"} 600`)
		})
		front.Close()
		admin.Close()
	}
}

// broken is thirds with its result spoilt by f.
func broken(f func(*compress.Result)) proxy.CompressorFunc {
	return func(ctx context.Context, req compress.Request) (compress.Result, error) {
		res, err := thirds(ctx, req)
		f(&res)
		return res, err
	}
}

// A part of a result that does not fit costs its block, and an engine that fails costs the message
// that it was asked about.
func TestOneBadBlockCostsItself(t *testing.T) {
	python := "```python\n" + source(30) + "```\n"
	three := "Why?\n```go\n" + source(30) + "```\n" + python + "```rust\n" + source(30) + "```\n"
	for _, tt := range []struct {
		body, want string
		engine     proxy.CompressorFunc
	}{
		{userChat(three), "compressed; left=1; reason=bad-result", broken(func(r *compress.Result) {
			r.Files[1].Text = strings.Replace(r.Files[1].Text, "func", "fn", 1)
		})},
		{
			chatBody([]turn{{user: strings.Replace(three, python, "", 1)}, {user: "And why?\n" + python}}),
			"compressed; left=1; reason=panic",
			func(ctx context.Context, req compress.Request) (compress.Result, error) {
				if req.Files[0].Language == "python" {
					panic("python")
				}
				return thirds(ctx, req)
			},
		},
	} {
		u := newUpstream(t)
		opts := options(t, u)
		opts.Compressor = tt.engine
		base, client := start(t, opts)
		res, _ := post(t, client, base+"/v1/chat/completions", tt.body)
		if got := res.Header.Get("X-Pith-Decision"); got != tt.want {
			t.Errorf("decision = %q, want %q", got, tt.want)
		}
		got := string(u.last(t).body)
		if !strings.Contains(got, strings.Trim(quote(python), `"`)) {
			t.Errorf("%s: the bad block was changed", tt.want)
		}
		if n := strings.Count(got, "// ... lines 2-3 omitted") +
			strings.Count(got, "// ... lines 1-1 omitted"); n != 2 {
			t.Errorf("%s: %d other blocks were compressed, want 2", tt.want, n)
		}
	}
}

func TestBusyEngineIsBypassed(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Compression.MaxRequests = 1
	entered, leave := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		if calls.Add(1) == 1 {
			close(entered)
			<-leave
		}
		return thirds(ctx, req)
	})
	base, client := start(t, opts)
	first := make(chan string, 1)
	go func() {
		res, _ := post(t, client, base+"/v1/chat/completions", question())
		first <- res.Header.Get("X-Pith-Decision")
	}()
	<-entered
	res, _ := post(t, client, base+"/v1/chat/completions", question())
	if got := res.Header.Get("X-Pith-Decision"); got != "bypass; left=1; reason=busy" {
		t.Errorf("second request: decision = %q, want a bypass", got)
	}
	if got := string(u.last(t).body); got != question() {
		t.Error("second request was changed")
	}
	close(leave)
	if got := <-first; got != "compressed" {
		t.Errorf("first request: decision = %q", got)
	}
}

func TestClientLeavingEndsCompression(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	entered, ended := make(chan struct{}), make(chan struct{})
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, _ compress.Request) (compress.Result, error) {
		close(entered)
		<-ctx.Done()
		close(ended)
		return compress.Result{}, ctx.Err()
	})
	base, client := start(t, opts)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	req, _ := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(question()),
	)
	if res, err := client.Do(req); err == nil {
		res.Body.Close()
		t.Fatal("an answer for a client that left")
	}
	<-ended // or compression goes on for nobody, until the test's own time limit
	if n := u.count(); n != 0 {
		t.Errorf("the upstream was asked %d times for a client that left", n)
	}
}

func TestUpstreamPanicsAreContained(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Transport = roundTripper(func(*http.Request) (*http.Response, error) { panic("transport") })
	base, client := start(t, opts)
	if res, body := post(
		t,
		client,
		base+"/v1/chat/completions",
		question(),
	); res.StatusCode != http.StatusInternalServerError ||
		!strings.Contains(body, "internal error") {
		t.Errorf("got %d %s", res.StatusCode, body)
	}
	if res, _ := get(t, client, base+"/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("healthz = %d after a panic", res.StatusCode)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
