package proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/gateway"
)

// A bankFunc is a shared Bank of a test.
type bankFunc func(draws []gateway.Draw, owe bool) (gateway.Drawn, error)

func (f bankFunc) Draw(_ context.Context, draws []gateway.Draw, owe bool) (gateway.Drawn, error) {
	return f(draws, owe)
}

func (f bankFunc) Repay(context.Context, []gateway.Draw) error { return nil }

func TestAllowances(t *testing.T) {
	u := newUpstream(t)
	for name, meter := range map[string]gateway.Bank{
		"this replica's own": nil,
		"Redis is down": bankFunc(func([]gateway.Draw, bool) (gateway.Drawn, error) {
			return gateway.Drawn{}, errors.New("no answer")
		}),
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t, u)
			clients(&opts)
			opts.Gateway.Keys[0].RequestsPerMinute = 3
			opts.Gateway.Keys[1].TokensPerMinute = 100
			opts.Gateway.Bank = meter
			base, client := start(t, opts)
			ask := func(path, key, body string) (responseHead, string) {
				return post(t, client, base+path, body, "X-Api-Key", key)
			}
			for i := range 3 {
				if res, body := ask("/v1/chat/completions", aliceKey, "{}"); res.StatusCode != 200 {
					t.Fatalf("request %d of 3: %d %s", i+1, res.StatusCode, body)
				}
			}
			before := u.count()
			res, body := ask("/v1/chat/completions", aliceKey, "{}")
			if res.StatusCode != 429 || !strings.Contains(body, "rate_limit_error") ||
				res.Header.Get("X-Ratelimit-Limit-Requests") != "3" ||
				res.Header.Get("X-Ratelimit-Remaining-Requests") != "0" ||
				!slices.Contains([]string{"19", "20"}, res.Header.Get("Retry-After")) {
				t.Errorf("the fourth of three: %d %v %s", res.StatusCode, res.Header, body)
			}
			res, body = ask("/v1/messages", aliceKey, "{}")
			if res.StatusCode != 429 || !strings.HasSuffix(body, `"type":"error"}`) ||
				res.Header.Get("Anthropic-Ratelimit-Requests-Limit") != "3" ||
				res.Header.Get("Retry-After") == "" {
				t.Errorf("in Anthropic's words: %d %v %s", res.StatusCode, res.Header, body)
			}
			if u.count() != before {
				t.Error("a refused request reached the upstream")
			}
			// 400 bytes are about the hundred tokens; the request that uses them up is let in
			// whole.
			big := userChat(strings.Repeat("x", 2000))
			if res, _ := ask("/v1/chat/completions", bobKey, big); res.StatusCode != 200 {
				t.Errorf("the first of bob's: %d", res.StatusCode)
			}
			res, body = ask("/v1/other", bobKey, "{}")
			if res.StatusCode != 429 || res.Header.Get("X-Ratelimit-Limit-Tokens") != "100" ||
				!strings.Contains(body, "tokens per minute") {
				t.Errorf("behind a debt: %d %v %s", res.StatusCode, res.Header, body)
			}
		})
	}
}

// What is known of the shared allowances is not forgotten while they are out of reach.
func TestAllowancesOutOfReach(t *testing.T) {
	opts := options(t, newUpstream(t))
	clients(&opts)
	opts.Gateway.Keys[0].RequestsPerMinute = 3
	var mu sync.Mutex
	gone := false
	opts.Gateway.Bank = bankFunc(func([]gateway.Draw, bool) (gateway.Drawn, error) {
		mu.Lock()
		defer mu.Unlock()
		if gone {
			return gateway.Drawn{}, errors.New("no answer")
		}
		return gateway.Drawn{Refused: 0, Wait: 50 * time.Second}, nil // other replicas used it up
	})
	base, client := start(t, opts)
	for _, what := range []string{"within reach", "out of reach"} {
		if res, body := post(t, client, base+"/v1/chat/completions", "{}", "X-Api-Key",
			aliceKey); res.StatusCode != 429 {
			t.Errorf("%s: %d %s", what, res.StatusCode, body)
		}
		mu.Lock()
		gone = true
		mu.Unlock()
	}
}

// A body of unannounced length that streams through is charged as well.
func TestStreamedBodiesAreCharged(t *testing.T) {
	opts := options(t, newUpstream(t))
	clients(&opts)
	opts.Gateway.Keys[0].TokensPerMinute = 100
	var mu sync.Mutex
	var owed int64
	opts.Gateway.Bank = bankFunc(func(draws []gateway.Draw, owe bool) (gateway.Drawn, error) {
		mu.Lock()
		defer mu.Unlock()
		if owe {
			owed += draws[0].N
		}
		return gateway.Drawn{Refused: -1}, nil
	})
	base, client := start(t, opts)
	req, _ := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		base+"/v1/files",
		io.MultiReader(strings.NewReader(strings.Repeat("x", 4000))),
	)
	req.Header.Set("X-Api-Key", aliceKey)
	if res, _ := do(t, client, req); res.StatusCode != 200 {
		t.Fatalf("upload: %d", res.StatusCode)
	}
	eventually(t, func() bool { // charged when the handler ends, a moment after its answer
		mu.Lock()
		defer mu.Unlock()
		if owed != 0 && owed != 1000 {
			t.Fatalf("charged %d tokens for 4000 bytes, want 1000", owed)
		}
		return owed == 1000
	})
}

// What the provider reports takes the place of what was reckoned from the body's length.
func TestAllowancesAreSettled(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"usage":{"prompt_tokens":70,"completion_tokens":50,"total_tokens":120}}`)
	}))
	defer up.Close()
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(up.URL)
	clients(&opts)
	opts.Gateway.Keys[0].TokensPerMinute = 1000
	owed := make(chan int64, 8)
	opts.Gateway.Bank = bankFunc(func(draws []gateway.Draw, owe bool) (gateway.Drawn, error) {
		if owe {
			owed <- draws[0].N
		}
		return gateway.Drawn{Refused: -1}, nil
	})
	base, client := start(t, opts)
	body := userChat(strings.Repeat("word ", 400))
	post(t, client, base+"/v1/chat/completions", body, "X-Api-Key", aliceKey)
	if first, second := <-owed, <-owed; first != int64(len(body)/4) || first+second != 120 {
		t.Errorf("charged %d for %d bytes, then %d, want 120 tokens in the end", first, len(body), second)
	}
}

func TestAnswersOverTheLimit(t *testing.T) {
	long := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", "2000")
		}
		for range 20 {
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
			_ = http.NewResponseController(w).Flush()
		}
	}))
	defer long.Close()
	for limit, wants := range map[int64][2]string{
		0: {"whole", "whole"}, 2000: {"whole", "whole"}, 1999: {"502", "cut"},
	} {
		opts := options(t, newUpstream(t))
		opts.Upstream, _ = url.Parse(long.URL)
		opts.Limits.MaxResponseBytes = limit
		base, client := start(t, opts)
		for i, path := range []string{"/announced", "/stream"} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil)
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			res.Body.Close()
			got := "whole"
			switch {
			case res.StatusCode == http.StatusBadGateway && strings.Contains(string(body), "larger"):
				got = "502"
			case errors.Is(err, io.ErrUnexpectedEOF) && len(body) <= 2000:
				got = "cut"
			case err != nil || len(body) != 2000:
				got = "neither whole nor cut"
			}
			if got != wants[i] {
				t.Errorf("limit %d, %s: %s, want %s (%d bytes, %v)", limit, path, got, wants[i], len(body), err)
			}
		}
	}
}
