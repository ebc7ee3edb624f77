package e2e

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestLeavingClientCancelsUpstream(t *testing.T) {
	up := newUpstream(t)
	up.hang = true
	p := serve(t, up.URL)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hello"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-up.gone // or the upstream is not cancelled, until the test's own time limit
}

// A client that leaves while the model reads for it ends that: most of what was asked for is never
// read.
func TestLeavingClientEndsTheModelsWork(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL, append([]string{"PITH_RANKER=ami", "PITH_SPEED=exact"}, withMetrics...)...)
	content, err := json.Marshal(
		"How are idle connections closed?\n```go server.go\n" + source(t, "net/http/server.go") + "\n```\n")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/v1/chat/completions",
		strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":`+string(content)+`}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	left := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		left <- err
	}()
	wait := func(what string, done func(text string) bool) (text string) {
		for text = metrics(t, p); !done(text); text = metrics(t, p) {
			if t.Context().Err() != nil {
				t.Fatalf("waited for %s:\n%s", what, text)
			}
			time.Sleep(time.Millisecond)
		}
		return text
	}
	asked := wait("the model", func(text string) bool {
		return metric(text, "pith_model_runs_active") > 0 && metric(text, "pith_model_tokens_in_flight") > 2000
	})
	cancel()
	if err := <-left; err == nil {
		t.Error("the request was answered before its client left")
	}
	text := wait("its end", func(text string) bool {
		return metric(text, "pith_model_runs_active") == 0 && metric(text, "pith_model_tokens_in_flight") == 0 &&
			metric(text, "pith_requests_active") == 0 && metric(text, "pith_body_bytes_held") == 0
	})
	read := metric(text, "pith_model_tokens_total") - metric(asked, "pith_model_tokens_total")
	if wanted := metric(asked, "pith_model_tokens_in_flight"); read > wanted/2 {
		t.Errorf("the model read %v of %v tokens for a client that had left", read, wanted)
	}
}

// post sends body as a plain HTTP client does and returns the response with its body read.
func post(t *testing.T, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer sk-e2e")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, req)
}

// do sends req and returns the response with its body read.
func do(t *testing.T, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// chatBody is a chat completion request with fields that the proxy does not know and numbers that a
// decoder would change.
func chatBody(t *testing.T) string {
	t.Helper()
	content, err := json.Marshal(prompt(t))
	if err != nil {
		t.Fatal(err)
	}
	return `{ "model":"gpt-4o","temperature":1.0,"seed":12345678901234567890,"x_unknown":{"b":1,"a":[1e2,"\u00e9"]},` +
		`"messages":[{"role":"system","content":"Answer  briefly."},{"role":"user","content":` +
		string(content) + `}] }`
}

func TestPreviewShowsWhatWouldBeSent(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	body := chatBody(t)
	res, preview := post(t, p.URL+"/v1/chat/completions", body, "X-Pith-Mode", "preview")
	if res.StatusCode != http.StatusOK || up.count() != 0 {
		t.Fatalf("preview: status %d, %d requests upstream", res.StatusCode, up.count())
	}
	checkCompressed(t, body, preview)
	post(t, p.URL+"/v1/chat/completions", body)
	if up.last(t) != preview {
		t.Error("what was sent differs from the preview")
	}
	res, _ = post(t, p.URL+"/v1/chat/completions", body, "X-Pith-Mode", "off")
	if up.last(t) != body {
		t.Errorf("mode off changed the body (decision %q)", res.Header.Get("X-Pith-Decision"))
	}
}

func TestSigtermDrains(t *testing.T) {
	up := newUpstream(t)
	p := serve(t, up.URL)
	if got, err := ask(t.Context(), p.URL+"/v1", "Say something."); err != nil || got != answer {
		t.Fatalf("got %q, %v", got, err)
	}
	status, log := p.terminate(t)
	if status != 0 {
		t.Errorf("exit status %d after SIGTERM:\n%s", status, log)
	}
	if strings.Contains(log, "sk-e2e") || strings.Contains(log, "Say something") {
		t.Errorf("the log holds a key or a prompt:\n%s", log)
	}
}
