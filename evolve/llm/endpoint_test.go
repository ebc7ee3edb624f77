package llm

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer secret" ||
			json.NewDecoder(r.Body).Decode(&req) != nil {
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
	fmt.Fprintf(
		w,
		`{"choices":[{"message":{"role":"assistant","content":%q},"logprobs":%s}],`+
			`"usage":{"prompt_tokens":10,"completion_tokens":2}}`,
		text,
		logprobs,
	)
}

func TestEndpointClassifies(t *testing.T) {
	top := `{"token":" great","logprob":-0.6931471805599453},{"token":"Bad","logprob":-1.3862943611198906}`
	tests := []struct {
		name, text, top string
		want            []float64 // a distribution over great, good, bad
		requests        int64
	}{
		{name: "log-probabilities", text: "great", top: top, want: []float64{2. / 3, 0, 1. / 3}, requests: 1},
		{
			name: "a token that begins two options", text: " Good!", top: `{"token":"g","logprob":-0.1}`,
			want: []float64{0, 1, 0}, requests: 2,
		},
		{
			name: "a token that is white space", text: "\n\nbad", top: `{"token":"\n","logprob":-0.1}`,
			want: []float64{0, 0, 1}, requests: 2,
		},
		{name: "no log-probabilities", text: "bad, I think", want: []float64{0, 0, 1}, requests: 2},
		{name: "neither", text: "as a model", want: []float64{1. / 3, 1. / 3, 1. / 3}, requests: 2},
	}
	for _, tt := range tests {
		f := newFakeEndpoint(t, func(n int64, req chatRequest, w http.ResponseWriter) {
			tokens := 1
			if n > 1 {
				tokens = longestOption([]string{" great"})
			}
			if req.Logprobs != (n == 1) || req.Temperature != 0 || req.MaxTokens != tokens {
				t.Errorf("%s: request %d: %+v", tt.name, n, req)
			}
			say(w, tt.text, tt.top)
		})
		choice := Choice{Prompt: "p", Options: []string{" great", " good", " bad"}}
		logs, used, err := f.open(t, EndpointOptions{}).Classify(t.Context(), []Choice{choice})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, l := range logs[0] {
			sum += math.Exp(l)
		}
		for i, l := range logs[0] {
			if p := math.Exp(l) / sum; math.Abs(p-tt.want[i]) > 1e-9 {
				t.Errorf("%s: option %d has %v, want %v", tt.name, i, p, tt.want[i])
			}
		}
		if n := f.requests.Load(); n != tt.requests || used != (Usage{10 * n, 2 * n}) {
			t.Errorf("%s: %d requests, used %+v, want %d requests and all that they used", tt.name, n,
				used, tt.requests)
		}
	}
}

// An endpoint that has shown no log-probabilities is not asked for them again.
func TestEndpointLearnsThatThereAreNoLogprobs(t *testing.T) {
	f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) { say(w, "bad", "") })
	e := f.open(t, EndpointOptions{})
	for _, want := range []int64{2, 3, 4} {
		choice := Choice{Prompt: "p", Options: []string{" good", " bad"}}
		if _, _, err := e.Classify(t.Context(), []Choice{choice}); err != nil {
			t.Fatal(err)
		}
		if n := f.requests.Load(); n != want {
			t.Errorf("%d requests, want %d", n, want)
		}
	}
}

// An endpoint that does not count is charged what its requests are taken to use.
func TestEndpointWithoutCounts(t *testing.T) {
	f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) {
		fmt.Fprint(w, `{"choices":[{"message":{"content":"x"}}]}`)
	})
	request := TextRequest{Prompt: strings.Repeat("word ", 30), Generation: Generation{MaxTokens: 7}}
	_, used, err := f.open(t, EndpointOptions{}).Generate(t.Context(), []TextRequest{request})
	if err != nil || used != Guess(request.Prompt, 7) {
		t.Errorf("used %+v, %v, want the guess %+v", used, err, Guess(request.Prompt, 7))
	}
}

// A busy endpoint is waited for, longer than any number of retries, and the user is told why, once.
func TestEndpointWaitsWhileBusy(t *testing.T) {
	f := newFakeEndpoint(t, func(n int64, _ chatRequest, w http.ResponseWriter) {
		switch {
		case n%2 == 0 && n < 12:
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
		case n < 12:
			http.Error(w, "slow down", http.StatusTooManyRequests)
		default:
			say(w, "done", "")
		}
	})
	var told []string
	opt := EndpointOptions{Retries: 2, OnWait: func(reason string) { told = append(told, reason) }}
	out, _, err := f.open(t, opt).Generate(t.Context(), []TextRequest{{Prompt: "p"}})
	if err != nil || out[0] != "done" || f.requests.Load() != 12 {
		t.Errorf("Generate = %q, %v after %d requests", out, err, f.requests.Load())
	}
	if len(told) != 12 || !strings.Contains(told[0], "429 Too Many Requests") || told[11] != "" {
		t.Errorf("told %q, want each change of the status, then that it goes on", told)
	}
}

func TestEndpointFailures(t *testing.T) {
	tests := []struct {
		name, body string
		status     int
		requests   int64
	}{
		{"refusal", "no such model", http.StatusNotFound, 1},
		{"an empty account", `{"error":{"code":"insufficient_quota"}}`, http.StatusTooManyRequests, 1},
		{"a failure that stays", "oops", http.StatusBadGateway, 3},
		{"no choice", `{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":0}}`, http.StatusOK, 1},
	}
	for _, tt := range tests {
		f := newFakeEndpoint(t, func(_ int64, _ chatRequest, w http.ResponseWriter) {
			w.WriteHeader(tt.status)
			fmt.Fprint(w, tt.body)
		})
		told := 0
		opt := EndpointOptions{Retries: 2, OnWait: func(string) { told++ }}
		_, used, err := f.open(t, opt).Generate(t.Context(), []TextRequest{{Prompt: "p"}})
		if (told > 0) != (tt.requests > 1) {
			t.Errorf("%s: told %d times why nothing moves", tt.name, told)
		}
		if !errors.Is(err, ErrEndpoint) || f.requests.Load() != tt.requests {
			t.Errorf("%s: %v after %d requests, want ErrEndpoint after %d", tt.name, err,
				f.requests.Load(), tt.requests)
		}
		if tt.status != http.StatusOK && (used != Usage{} || !strings.Contains(err.Error(), tt.body)) {
			t.Errorf("%s: used %+v, %v, want nothing used and the endpoint's words", tt.name, used, err)
		}
		if tt.status == http.StatusOK && used.In != 4 {
			t.Errorf("%s: used %+v, want what was counted", tt.name, used)
		}
	}
}

// Where no connection was ever had nothing is waited for: nothing is lost yet, and the address may
// be wrong.
func TestEndpointThatIsNotThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler()) // of a certificate that nobody vouches for
	defer stranger.Close()
	for _, base := range []string{gone.URL, stranger.URL} {
		told := 0
		e, err := NewEndpoint(EndpointOptions{BaseURL: base, Model: "m", OnWait: func(string) { told++ }})
		if err != nil {
			t.Fatal(err)
		}
		_, used, err := e.Generate(t.Context(), []TextRequest{{Prompt: "p"}})
		if !errors.Is(err, ErrUnreached) || used != (Usage{}) || told > 0 {
			t.Errorf("%s: %v, used %+v, told %d times to wait; want ErrUnreached at once", base, err, used, told)
		}
	}
}

// What was given up once is not tried again and again by all other requests, until it answers.
func TestEndpointThatIsGoneIsAskedOnce(t *testing.T) {
	answers := []bool{false, false, false, false, true, false, true} // then nothing comes any more
	f := newFakeEndpoint(t, func(n int64, _ chatRequest, w http.ResponseWriter) {
		if !answers[n-1] {
			http.Error(w, "oops", http.StatusBadGateway)
			return
		}
		say(w, "fine", "")
	})
	e := f.open(t, EndpointOptions{Retries: 2})
	for i, want := range []struct {
		requests int64 // all together
		ok       bool
	}{{3, false}, {4, false}, {5, true}, {7, true}} {
		_, _, err := e.Generate(t.Context(), []TextRequest{{Prompt: "p"}})
		if got := f.requests.Load(); got != want.requests || (err == nil) != want.ok {
			t.Errorf("call %d: %v after %d requests, want %+v", i, err, got, want)
		}
	}
}

func TestEndpointIsChecked(t *testing.T) {
	for _, opt := range []EndpointOptions{
		{BaseURL: "http://x"}, {Model: "m"}, {BaseURL: "127.0.0.1:80/v1", Model: "m"}, {BaseURL: "x/v1", Model: "m"},
	} {
		if _, err := NewEndpoint(opt); !errors.Is(err, ErrOptions) {
			t.Errorf("NewEndpoint(%+v) = %v, want ErrOptions", opt, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		header    string
		low, high time.Duration
	}{
		{"", -1, -1},
		{"soon", -1, -1},
		{"-3", -1, -1},
		{"2", 2500 * time.Millisecond, 2500 * time.Millisecond}, // two seconds after the jitter
		{"0.4", 500 * time.Millisecond, 500 * time.Millisecond},
		{"999999", -1, -1},
		{time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0},
		{time.Now().Add(time.Hour).UTC().Format(http.TimeFormat), 70 * time.Minute, 76 * time.Minute},
	}
	for _, tt := range tests {
		if got := retryAfter(tt.header); got < tt.low || got > tt.high {
			t.Errorf("retryAfter(%q) = %v, want %v to %v", tt.header, got, tt.low, tt.high)
		}
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
			_, _, err := e.Generate(t.Context(), make([]TextRequest, 20))
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
