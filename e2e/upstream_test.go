package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const answer = "It closes the idle ones."

// An upstream plays the LLM API: it answers every chat completion and message with the same words and records what it got.
type upstream struct {
	URL string

	mu     sync.Mutex
	bodies []string
	// cut makes a stream end in the middle, without its last chunk.
	cut bool
	// hang makes a stream stay open after its first event until the client leaves; gone reports that.
	hang bool
	gone chan struct{}
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{gone: make(chan struct{}, 1)}
	s := httptest.NewServer(http.HandlerFunc(u.serve))
	t.Cleanup(s.Close)
	u.URL = s.URL
	return u
}

// last returns the newest recorded body.
func (u *upstream) last(t *testing.T) string {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.bodies) == 0 {
		t.Fatal("nothing reached the upstream")
	}
	return u.bodies[len(u.bodies)-1]
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.bodies)
}

func (u *upstream) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	u.mu.Lock()
	u.bodies = append(u.bodies, string(body))
	cut, hang := u.cut, u.hang
	u.mu.Unlock()

	if r.URL.Path == "/v1/messages" {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"m1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":%q}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}`, answer)
		return
	}
	if !strings.Contains(string(body), `"stream":true`) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, answer)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	for i, word := range strings.SplitAfter(answer, " ") {
		fmt.Fprintf(w, "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", word)
		_ = flush()
		if i == 1 && cut {
			panic(http.ErrAbortHandler)
		}
		if i == 0 && hang {
			select {
			case <-r.Context().Done():
				u.gone <- struct{}{}
			case <-time.After(time.Minute):
			}
			return
		}
	}
	io.WriteString(w, "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
}
