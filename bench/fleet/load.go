package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidwall/gjson"

	"pith/bench/synthetic"
)

// An outcome is what came of some conversations.
type outcome struct {
	requests, repeated, lost, wrong int
	// known and new count the answers whose blocks were all known, and the others.
	known, new int
	// decisions counts what the answers say was done, where that is not all that could be.
	decisions map[string]int
	err       error // of the last that was lost
}

func (l *outcome) add(other outcome) {
	l.requests, l.repeated, l.lost, l.wrong = l.requests+other.requests, l.repeated+other.repeated,
		l.lost+other.lost, l.wrong+other.wrong
	l.known, l.new, l.err = l.known+other.known, l.new+other.new, errors.Join(l.err, other.err)
	for decision, n := range other.decisions {
		if l.decisions == nil {
			l.decisions = map[string]int{}
		}
		l.decisions[decision] += n
	}
}

// converse has conversations, one for each client, whose turns go to the replicas in turn. Each
// turn brings a file; after it the same request goes out once more, as clients do that retry.
func (f *fleet) converse(ctx context.Context, name string) outcome {
	loads := make([]outcome, f.Clients)
	var wg sync.WaitGroup
	for c := range f.Clients {
		wg.Go(func() {
			var messages []map[string]string
			for turn := range f.Turns {
				messages = append(messages, map[string]string{"role": "user", "content": f.question(name, c, turn)})
				id := fmt.Sprintf("%s/%d/%d", name, c, turn)
				body, err := json.Marshal(map[string]any{"model": "gpt-4o", "user": id, "messages": messages})
				if err != nil {
					panic(err) // strings always encode
				}
				for range 2 {
					loads[c].add(f.ask(ctx, id, body))
				}
				messages = append(messages, map[string]string{"role": "assistant", "content": "answer to " + id})
			}
		})
	}
	wg.Wait()
	var total outcome
	for _, l := range loads {
		total.add(l)
	}
	return total
}

// question is a file nobody has seen before, and a question about it.
func (f *fleet) question(name string, client, turn int) string {
	seed := uint64(client*1000 + turn)
	for _, b := range []byte(name) {
		seed = seed*131 + uint64(b)
	}
	code := synthetic.Go(12, seed, func(n int, text string) bool { return len(text) > 6<<10 })
	return fmt.Sprintf("Which function of file %d reads the journal?\n\n```go\n%s```\n", turn, code)
}

// ask sends a request to replicas, one after the other, until one answers: what a load balancer and
// a client do.
func (f *fleet) ask(ctx context.Context, id string, body []byte) outcome {
	l := outcome{requests: 1}
	for attempt := 0; ; attempt++ {
		status, header, answer, err := f.post(ctx, f.next(), body, "")
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %.200s", status, answer)
		}
		switch {
		case err == nil:
			if got := gjson.GetBytes(answer, "choices.0.message.content").String(); got != "answer to "+id {
				l.wrong++
			}
			if header.Get("X-Pith-Cache") == "hit" {
				l.known++
			} else {
				l.new++
			}
			if decision := header.Get("X-Pith-Decision"); decision != "compressed" {
				l.decisions = map[string]int{decision: 1}
			}
			return l
		case attempt < 50 && ctx.Err() == nil && status == 0 || status == http.StatusServiceUnavailable ||
			status == http.StatusBadGateway:
			l.repeated++
			time.Sleep(20 * time.Millisecond)
		default:
			l.lost, l.err = 1, err
			return l
		}
	}
}

func (f *fleet) post(ctx context.Context, base string, body []byte, key string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if key == "" {
		key = f.Keys[1]
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := f.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	return res.StatusCode, res.Header, answer, nil
}

// An upstream answers each request with its own name and remembers the messages that it came
// with.
type upstream struct {
	*httptest.Server
	drawn atomic.Int64 // requests on the allowance
	mu    sync.Mutex
	seen  map[string][]string // by request: its messages, as they came
	more  map[string]bool     // requests that came with others than before
}

// drawn is how requests on the allowance call themselves.
const drawn = "drawn"

func newUpstream() *upstream {
	u := &upstream{}
	u.forget()
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the proxy left
		}
		id := gjson.GetBytes(body, "user").String()
		if id == drawn {
			u.drawn.Add(1)
		} else {
			u.remember(id, gjson.GetBytes(body, "messages"))
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // the proxy may have left
			"choices": []any{map[string]any{"message": map[string]any{
				"role":    "assistant",
				"content": "answer to " + id,
			}}},
			"usage": map[string]any{"prompt_tokens": len(body) / 4, "completion_tokens": 4},
		})
	}))
	return u
}

func (u *upstream) remember(id string, list gjson.Result) {
	var messages []string
	for _, m := range list.Array() {
		messages = append(messages, m.Raw)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if before, ok := u.seen[id]; ok && strings.Join(before, "\n") != strings.Join(messages, "\n") {
		u.more[id] = true
	}
	u.seen[id] = messages
}

func (u *upstream) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.drawn.Store(0)
	u.seen, u.more = map[string][]string{}, map[string]bool{}
}

// compare counts the turns that followed another, those whose older messages came with other bytes
// than in the turn before or than when the same request came again, and those whose last message
// was shortened.
func (u *upstream) compare() (turns, changed, compressed int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for id, messages := range u.seen {
		at := strings.LastIndexByte(id, '/')
		var n int
		if _, err := fmt.Sscan(id[at+1:], &n); at < 0 || err != nil {
			continue
		}
		if strings.Contains(messages[len(messages)-1], "omitted") {
			compressed++
		}
		if u.more[id] {
			changed++
		}
		if n == 0 {
			continue
		}
		turns++
		before := u.seen[fmt.Sprintf("%s/%d", id[:at], n-1)]
		if len(before) > len(messages) || strings.Join(before, "\n") != strings.Join(messages[:len(before)], "\n") {
			changed++
		}
	}
	return turns, changed, compressed
}
