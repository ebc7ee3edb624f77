package evolve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fakeEndpoint answers chat requests with what reply writes, and keeps count.
type fakeEndpoint struct {
	*httptest.Server
	requests, now, most atomic.Int64
}

func newFakeEndpoint(t *testing.T, reply func(n int64, req chatRequest, w http.ResponseWriter)) *fakeEndpoint {
	f := &fakeEndpoint{}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.requests.Add(1)
		now := f.now.Add(1)
		defer f.now.Add(-1)
		for most := f.most.Load(); now > most && !f.most.CompareAndSwap(most, now); most = f.most.Load() {
		}
		var req chatRequest
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" || json.NewDecoder(r.Body).Decode(&req) != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		reply(n, req, w)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeEndpoint) open(t *testing.T, opt EndpointOptions) *Endpoint {
	t.Helper()
	opt.BaseURL, opt.Model, opt.Key, opt.Backoff = f.URL+"/v1", "m", "secret", time.Millisecond
	e, err := NewEndpoint(opt)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// say writes an answer of text, with the first token's alternatives where there are any.
func say(w http.ResponseWriter, text, top string) {
	logprobs := "null"
	if top != "" {
		logprobs = `{"content":[{"top_logprobs":[` + top + `]}]}`
	}
	fmt.Fprintf(w, `{"choices":[{"message":{"role":"assistant","content":%q},"logprobs":%s}],"usage":{"prompt_tokens":10,"completion_tokens":2}}`, text, logprobs)
}

func TestEndpointClassifies(t *testing.T) {
	tests := []struct {
		name, text, top string
		want            []float64 // a distribution over great, good, bad
	}{
		{name: "log-probabilities", text: "great", top: `{"token":" great","logprob":-0.6931471805599453},{"token":"Bad","logprob":-1.3862943611198906}`, want: []float64{2. / 3, 0, 1. / 3}},
		{name: "a token that begins two options", text: " Good!", top: `{"token":"g","logprob":-0.1}`, want: []float64{0, 1, 0}},
		{name: "no log-probabilities", text: "bad, I think", want: []float64{0, 0, 1}},
		{name: "neither", text: "as a model", want: []float64{1. / 3, 1. / 3, 1. / 3}},
	}
	for _, tt := range tests {
		f := newFakeEndpoint(t, func(_ int64, req chatRequest, w http.ResponseWriter) {
			if !req.Logprobs || req.TopLogprobs != 20 || req.Temperature != 0 {
				t.Errorf("request %+v", req)
			}
			say(w, tt.text, tt.top)
		})
		logs, err := f.open(t, EndpointOptions{}).Classify(t.Context(), []Choice{{Prompt: "p", Options: []string{" great", " good", " bad"}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range Softmax(logs[0]) {
			near(t, fmt.Sprintf("%s, option %d", tt.name, i), p, tt.want[i])
		}
	}
}

func TestEndpointRetries(t *testing.T) {
	f := newFakeEndpoint(t, func(n int64, _ chatRequest, w http.ResponseWriter) {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "1")
			http.Error(w, "slow down", http.StatusTooManyRequests)
		case 2:
			http.Error(w, "oops", http.StatusBadGateway)
		default:
			say(w, "done", "")
		}
	})
	start := time.Now()
	out, err := f.open(t, EndpointOptions{}).Generate(t.Context(), []Writing{{Prompt: "p"}})
	if err != nil || out[0] != "done" || f.requests.Load() != 3 {
		t.Errorf("Generate = %q, %v after %d requests", out, err, f.requests.Load())
	}
	if waited := time.Since(start); waited < time.Second {
		t.Errorf("Retry-After: 1 was not honoured: waited %v", waited)
	}
	refuses := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) {
		http.Error(w, "no such model", http.StatusNotFound)
	})
	if _, err := refuses.open(t, EndpointOptions{}).Generate(t.Context(), []Writing{{Prompt: "p"}}); !errors.Is(err, ErrEndpoint) || !strings.Contains(err.Error(), "no such model") || refuses.requests.Load() != 1 {
		t.Errorf("a refusal: %v after %d requests, want one and the endpoint's words", err, refuses.requests.Load())
	}
}

func TestEndpointBoundsConcurrencyOverCallers(t *testing.T) {
	f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) {
		time.Sleep(2 * time.Millisecond)
		say(w, "x", "")
	})
	e := f.open(t, EndpointOptions{Concurrency: 3})
	done := make(chan error, 2)
	for range cap(done) {
		go func() {
			_, err := e.Generate(t.Context(), make([]Writing, 20))
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if f.most.Load() > 3 {
		t.Errorf("%d requests at once, want 3 at most", f.most.Load())
	}
}

func TestEndpointStopsAtItsBudget(t *testing.T) {
	f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) { say(w, "x", "") })
	writings := make([]Writing, 50)
	for i := range writings {
		writings[i] = Writing{Prompt: strings.Repeat("word ", 6), Generation: Generation{MaxTokens: 2}}
	}
	for _, b := range []Budget{{Tokens: 120}, {Money: 120e-6, InPrice: 1, OutPrice: 1}} {
		e := f.open(t, EndpointOptions{Budget: b})
		_, err := e.Generate(context.Background(), writings)
		spent := e.Spent()
		if !errors.Is(err, ErrBudgetSpent) || spent.In+spent.Out > 120 || spent.In+spent.Out < 12 {
			t.Errorf("budget %+v: %v, spent %+v", b, err, spent)
		}
	}
}

// However many requests are under way when the budget ends, each answer that was paid for is in the memo.
func TestBudgetStopKeepsWhatWasPaid(t *testing.T) {
	f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) {
		time.Sleep(time.Millisecond)
		say(w, "good", "")
	})
	e := f.open(t, EndpointOptions{Concurrency: 8, Budget: Budget{Tokens: 900}})
	task, err := LoadTask(runTask(t))
	if err != nil {
		t.Fatal(err)
	}
	memo := NewMemo()
	j, err := NewJudge(task, e.Backend(f.URL), memo, nil)
	if err != nil {
		t.Fatal(err)
	}
	trials := make([]Trial, 20)
	for i := range trials {
		trials[i] = Trial{Text: fmt.Sprintf("%d {text}", i), To: len(task.Search)}
	}
	_, err = Parallel(j.On(task.Search), 3).Evaluate(t.Context(), trials)
	if !errors.Is(err, ErrBudgetSpent) {
		t.Fatalf("Evaluate = %v, want ErrBudgetSpent", err)
	}
	if spent, kept := e.Spent(), memo.Len(); kept == 0 || spent.In+spent.Out != int64(12*kept) {
		t.Errorf("%d answers kept of %d tokens at 12 each", kept, spent.In+spent.Out)
	}
}
