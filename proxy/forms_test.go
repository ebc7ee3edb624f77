package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"pith/compress"
	"pith/proxy"
)

// An unreliable engine is too late for as long as a test wants it to be.
type unreliable struct{ late atomic.Bool }

func (e *unreliable) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	if e.late.Load() {
		return compress.Result{}, context.DeadlineExceeded
	}
	return thirds(ctx, req)
}

// decisionOn posts a question and returns what was done to it.
func decisionOn(t *testing.T, client *http.Client, base, body string, header ...string) string {
	t.Helper()
	a, _ := post(t, client, base+"/v1/chat/completions", body, header...)
	return a.Header.Get("X-Pith-Decision")
}

// A block that went out whole because of the clock stays whole for whom and for what it was sent,
// and for nobody and nothing else.
func TestFrozenFormIsOfOneRequest(t *testing.T) {
	const frozen, compressed = "bypass; left=1; reason=frozen", "compressed"
	ask := func(model, question, code string) string {
		return `{"model":"` + model + `","messages":[{"role":"user","content":` + quote(
			question+"\n```go\n"+code+"```\n",
		) + `}]}`
	}
	asked := ask("gpt-4o", "Why?", source(30))
	tests := []struct {
		name, body string
		header     []string
		want       string
	}{
		{"same", asked, []string{"Authorization", "Bearer one"}, frozen},
		{"other tenant", asked, []string{"Authorization", "Bearer two"}, compressed},
		{"other question", ask("gpt-4o", "How so?", source(30)), []string{"Authorization", "Bearer one"}, compressed},
		{"other model", ask("gpt-4", "Why?", source(30)), []string{"Authorization", "Bearer one"}, compressed},
		{"other code", ask("gpt-4o", "Why?", source(31)), []string{"Authorization", "Bearer one"}, compressed},
		{"rate", asked, []string{"Authorization", "Bearer one", "X-Pith-Rate", "0.5"}, compressed},
		{"budget", asked, []string{"Authorization", "Bearer one", "X-Pith-Budget", "100"}, compressed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			engine := &unreliable{}
			opts := options(t, newUpstream(t))
			opts.Compressor = engine
			base, client := start(t, opts)
			engine.late.Store(true)
			if got := decisionOn(
				t,
				client,
				base,
				asked,
				"Authorization",
				"Bearer one",
			); got != "bypass; left=1; reason=timeout" {
				t.Fatalf("the first time: %q", got)
			}
			engine.late.Store(false)
			if got := decisionOn(t, client, base, tt.body, tt.header...); got != tt.want {
				t.Errorf("decision %q, want %q", got, tt.want)
			}
		})
	}
}

// One timeout does not change what the provider holds: a block that was once sent compressed is
// sent compressed again, here and on other replicas.
func TestTimeoutDoesNotUndoACompressedForm(t *testing.T) {
	u := newUpstream(t)
	engine := &unreliable{}
	opts := options(t, u)
	opts.Compressor = engine
	opts.Tenant = func(*http.Request) string { return "one" }
	opts.Freeze = proxy.Freeze{
		Store: &sharedStore{held: map[string][]byte{}},
		Key:   func(parts ...string) string { return strings.Join(parts, "\x00") },
	}
	base, client := start(t, opts)
	replica, _ := start(t, opts)

	if got := decisionOn(t, client, base, question()); got != "compressed" {
		t.Fatalf("the first time: %q", got)
	}
	first := string(u.last(t).body)
	engine.late.Store(true)
	if got := decisionOn(t, client, base, question()); got != "bypass; left=1; reason=timeout" {
		t.Fatalf("with a late engine: %q", got)
	}
	engine.late.Store(false)
	for name, address := range map[string]string{"the same server": base, "a replica": replica} {
		if got := decisionOn(t, client, address, question()); got != "compressed" || string(u.last(t).body) != first {
			t.Errorf("after the timeout %s: %q, and other bytes", name, got)
		}
	}
}

// A busy engine turns new blocks away. Those that went out compressed before still do: the cache
// behind the engine answers for them.
func TestBusyEngineKeepsCompressedForms(t *testing.T) {
	u := newUpstream(t)
	began, end := make(chan struct{}), make(chan struct{})
	opts := options(t, u)
	opts.Compression.MaxRequests = 1
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		if strings.Contains(req.Query, "Slowly") {
			close(began)
			<-end
		}
		return thirds(ctx, req)
	})
	base, client := start(t, opts)
	if got := decisionOn(t, client, base, question()); got != "compressed" {
		t.Fatalf("the first time: %q", got)
	}
	first := string(u.last(t).body)
	slow := make(chan string)
	go func() {
		// The first request's place may be free a moment after its answer: another text until one
		// is let in.
		got := "reason=busy"
		for i := 0; strings.Contains(got, "reason=busy"); i++ {
			got = decisionOn(t, client, base, userChat(fmt.Sprintf("Slowly, %d.\n```go\n", i)+source(30)+"```\n"))
		}
		slow <- got
	}()
	<-began
	if got := decisionOn(t, client, base, question()); got != "compressed" || string(u.last(t).body) != first {
		t.Errorf("while the engine is busy: %q, and other bytes", got)
	}
	if got := decisionOn(
		t,
		client,
		base,
		userChat("New.\n```go\n"+source(30)+"```\n"),
	); got != "bypass; left=1; reason=busy" {
		t.Errorf("a new block while the engine is busy: %q", got)
	}
	close(end)
	if got := <-slow; got != "compressed" {
		t.Errorf("the slow one: %q", got)
	}
}
