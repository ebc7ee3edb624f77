package proxy_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/proxy"
)

// conversationOf makes a conversation of n turns: questions with and without code, reads whole,
// ranged and repeated, edits, shell commands, failures.
func conversationOf(rng *rand.Rand, n int) []turn {
	files := []string{"main.go", "src/server.go", "lib/a.py", "b.ts"}
	pick := func(list ...string) string { return list[rng.IntN(len(list))] }
	var turns []turn
	for i := range n {
		if i == 0 || rng.IntN(3) == 0 {
			text := fmt.Sprintf("Question %d: why does f%03d fail?", i, rng.IntN(40))
			for range rng.IntN(3) {
				text += "\n```" + pick(
					"go",
					"python",
					"go "+pick(files...),
					"json",
					"",
				) + "\n" + source(
					10+rng.IntN(40),
				) + "```"
			}
			turns = append(turns, turn{user: text})
			continue
		}
		t := turn{say: pick("", "Let me look.", "Now the other one.")}
		for j := range 1 + rng.IntN(3) {
			file := pick(files...)
			c := toolCall{id: fmt.Sprintf("c%d-%d", i, j), result: source(10 + rng.IntN(60)), failed: rng.IntN(8) == 0}
			switch rng.IntN(6) {
			case 0:
				c.name, c.args = "Edit", fmt.Sprintf(`{"file_path":%q,"new_string":"x"}`, file)
			case 1:
				c.name, c.args = "Read", fmt.Sprintf(`{"file_path":%q,"offset":%d}`, file, rng.IntN(9))
			case 2:
				c.name, c.args = "Bash", fmt.Sprintf(`{"command":"cat %s"}`, file)
			default:
				c.name, c.args = "Read", fmt.Sprintf(`{"file_path":%q}`, file)
				c.result = numberedSource(10+rng.IntN(60), pick("→", "\t", " | "))
			}
			t.calls = append(t.calls, c)
		}
		turns = append(turns, t)
	}
	return turns
}

// withClientTool adds a tool of the client's to a body, at its head.
func withClientTool(body string) string {
	return `{"tools":[{"type":"function","function":{"name":"look","parameters":{}}}],` + strings.TrimPrefix(body, "{")
}

// previews returns what would be sent for each beginning of a conversation.
func previews(t *testing.T, opts proxy.Options, w wordingCase, turns []turn, header ...string) []string {
	t.Helper()
	base, client := start(t, opts)
	var out []string
	for n := 1; n <= len(turns); n++ {
		_, got := post(t, client, base+w.path, w.render(turns[:n]), append(header, "X-Pith-Mode", "preview")...)
		out = append(out, got)
	}
	return out
}

// checkPrefixes verifies that what is sent for some turns begins what is sent for more of them.
func checkPrefixes(t *testing.T, sent []string) {
	t.Helper()
	for n := 1; n < len(sent); n++ {
		if before := strings.TrimSuffix(sent[n-1], "]}"); !strings.HasPrefix(sent[n], before) {
			t.Fatalf("turn %d changed what was sent before\nbefore: %s\nnow:    %s", n+1, before, sent[n])
		}
	}
}

func TestOlderTurnsNeverChange(t *testing.T) {
	compressed := 0
	for seed := range uint64(8) {
		turns := conversationOf(rand.New(rand.NewPCG(seed, 1)), 8)
		for _, w := range wordings()[:3] { // counting reads as messages do
			for _, header := range [][]string{nil, {"X-Pith-Budget", "200"}, {"X-Pith-Rate", "0.4"}} {
				sent := previews(t, options(t, newUpstream(t)), w, turns, header...)
				checkPrefixes(t, sent)
				checkEdited(t, w.render(turns), sent[len(sent)-1])
				compressed += strings.Count(sent[len(sent)-1], "omitted")
			}
		}
	}
	if compressed < 300 {
		t.Errorf("only %d markers in all: the property was hardly tried", compressed)
	}
}

// With retrieval and its tool on, what is sent grows at the end of its turns alone, the tools stay
// as they are, and nothing depends on the caller's token, which may be renewed between two turns.
func TestOlderTurnsNeverChangeWithTheTool(t *testing.T) {
	turns := conversationOf(rand.New(rand.NewPCG(5, 1)), 8)
	for _, w := range wordings()[:3] {
		opts := keeping(t, newUpstream(t), &valueStore{})
		opts.Retrieval.Tool = true
		render := w.render
		w.render = func(turns []turn) string { return withClientTool(render(turns)) }
		sent := previews(t, opts, w, turns, "Authorization", "Bearer old")
		if renewed := previews(t, opts, w, turns, "Authorization", "Bearer new"); !slices.Equal(sent, renewed) {
			t.Errorf("%s: a renewed token changes bytes", w.name)
		}
		hashes := strings.Count(sent[len(sent)-1], "hash=")
		tools := ""
		for n, body := range sent {
			got := gjson.Get(body, "tools").Raw
			if !strings.Contains(got, "pith_retrieve") || tools != "" && tools != got {
				t.Fatalf("%s: turn %d has the tools %s, before %s", w.name, n+1, got, tools)
			}
			tools = got
		}
		checkPrefixes(t, sent)
		if hashes < 10 {
			t.Errorf("%s: only %d hashes: the property was hardly tried", w.name, hashes)
		}
	}
}

// Replicas without anything in common, under concurrent load, send the same bytes as one idle
// server.
func TestReplicasAgree(t *testing.T) {
	turns := conversationOf(rand.New(rand.NewPCG(11, 1)), 8)
	for _, w := range withCompletions() {
		want := previews(t, options(t, newUpstream(t)), w, turns)
		var wg sync.WaitGroup
		for range 2 {
			base, client := start(t, options(t, newUpstream(t)))
			for n := range turns {
				for range 4 {
					wg.Go(func() {
						if _, got := post(
							t,
							client,
							base+w.path,
							w.render(turns[:n+1]),
							"X-Pith-Mode",
							"preview",
						); got != want[n] {
							t.Errorf("%s: turn %d differs under load", w.name, n+1)
						}
					})
				}
			}
		}
		wg.Wait()
	}
}

// The same history gives the same bytes in every dialect: asked again, and of a server that starts
// in the middle of the conversation with the same secret and empty stores.
func TestSameHistorySameBytesAfterRestart(t *testing.T) {
	turns := conversationOf(rand.New(rand.NewPCG(7, 1)), 7)
	restarted := func() proxy.Options {
		opts := keeping(t, newUpstream(t), &valueStore{})
		key := func(parts ...string) string {
			return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "secret %q", parts)))
		}
		opts.Retrieval.Key = key
		opts.Freeze = proxy.Freeze{Store: &sharedStore{held: map[string][]byte{}}, Key: key}
		opts.Tenant = func(*http.Request) string { return "one" }
		return opts
	}
	for _, w := range withCompletions() {
		running := restarted()
		want := previews(t, running, w, turns)
		if !strings.Contains(want[len(want)-1], "omitted") {
			t.Errorf("%s: nothing was compressed: the property was not tried", w.name)
		}
		if again := previews(t, running, w, turns); !slices.Equal(again, want) {
			t.Errorf("%s: the same store gives other bytes the second time", w.name)
		}
		for n := range turns { // each length of the conversation meets a server that has seen nothing
			base, client := start(t, restarted())
			if _, got := post(t, client, base+w.path, w.render(turns[:n+1]), "X-Pith-Mode", "preview"); got != want[n] {
				t.Errorf("%s: turn %d differs after a restart", w.name, n+1)
			}
		}
	}
}

// withCompletions are the wordings and legacy completions, which know no turns: a file grows with
// each.
func withCompletions() []wordingCase {
	return append(wordings(), wordingCase{"completions", "/v1/completions", completionsBody})
}

func completionsBody(turns []turn) string {
	return `{"model":"codestral","prompt":` + quote(
		source(200+20*len(turns))+"func here() {\n\tret",
	) + `,"suffix":` + quote(
		source(200),
	) + `}`
}

// A moody engine fails half of what it is asked for the first time and nothing after that: what a
// load spike or a deadline does.
type moody struct {
	mu    sync.Mutex
	rng   *rand.Rand
	asked map[string]bool
}

func (m *moody) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	m.mu.Lock()
	fail := !m.asked[req.Files[0].Content+req.Query] && m.rng.IntN(2) == 0
	m.asked[req.Files[0].Content+req.Query] = true
	m.mu.Unlock()
	if fail {
		return compress.Result{}, errors.New("no mood")
	}
	return thirds(ctx, req)
}

func TestOlderTurnsNeverChangeUnderFailures(t *testing.T) {
	left := 0
	for seed := range uint64(10) {
		turns := conversationOf(rand.New(rand.NewPCG(seed, 2)), 8)
		opts := options(t, newUpstream(t))
		opts.Compressor = &moody{rng: rand.New(rand.NewPCG(seed, 3)), asked: map[string]bool{}}
		sent := previews(t, opts, wordings()[0], turns)
		checkPrefixes(t, sent)
		whole := previews(t, options(t, newUpstream(t)), wordings()[0], turns)
		if sent[len(sent)-1] != whole[len(whole)-1] {
			left++
		}
	}
	if left == 0 {
		t.Error("no failure left a trace: the property was not tried")
	}
}

// A second replica, or the same one after a restart, sends what the first one sent.
func TestReplicasAgreeOnFrozenBlocks(t *testing.T) {
	turns := conversationOf(rand.New(rand.NewPCG(5, 4)), 6)
	w := wordings()[2]
	freeze := proxy.Freeze{
		Store: &sharedStore{held: map[string][]byte{}},
		Key:   func(parts ...string) string { return fmt.Sprintf("%q", parts) },
	}
	first := options(t, newUpstream(t))
	first.Freeze = freeze
	first.Tenant = func(_ *http.Request) string { return "one" }
	second := first
	first.Compressor = proxy.CompressorFunc(func(context.Context, compress.Request) (compress.Result, error) {
		return compress.Result{}, errors.New("down")
	})
	before := previews(t, first, w, turns[:5])
	after := previews(t, second, w, turns)
	if got := strings.TrimSuffix(
		before[4],
		"]}",
	); got != strings.TrimSuffix(w.render(turns[:5]), "]}") ||
		!strings.HasPrefix(after[5], got) {
		t.Error("the second replica rewrote what the first one had sent")
	}
	fresh := options(t, newUpstream(t))
	if alone := previews(t, fresh, w, turns); alone[5] == after[5] {
		t.Error("nothing in this conversation would have been compressed: the test shows nothing")
	}
}

// A sharedStore is a store that replicas share.
type sharedStore struct {
	mu   sync.Mutex
	held map[string][]byte
}

func (s *sharedStore) Get(_ context.Context, key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.held[key]
	return value, ok
}

func (s *sharedStore) Add(_ context.Context, key string, value []byte, _ time.Duration) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, ok := s.held[key]; ok {
		return now
	}
	s.held[key] = value
	return value
}
