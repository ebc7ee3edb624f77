package proxy_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/compress"
	"pith/proxy"
)

// filesChat is a message that shows files, each of another size, and asks a question.
func filesChat(question string, paths ...string) string {
	var b strings.Builder
	b.WriteString(question + "\n")
	for i, path := range paths {
		fmt.Fprintf(&b, "```go %s\n%s```\n", path, source(30+i))
	}
	return userChat(b.String())
}

// forgetful keeps nothing of the files that it is told to forget, for as often as it is told.
func forgetful(times map[string]int) (proxy.CompressorFunc, func() [][]string) {
	var mu sync.Mutex
	var asked [][]string
	engine := func(ctx context.Context, req compress.Request) (compress.Result, error) {
		res, err := thirds(ctx, req)
		mu.Lock()
		defer mu.Unlock()
		var paths []string
		for i, f := range req.Files {
			paths = append(paths, f.Path)
			if times[f.Path] > 0 {
				times[f.Path]--
				res.Files[i].Text = fmt.Sprintf("// ... lines 1-%d omitted\n", strings.Count(f.Content, "\n"))
				res.Chunks[i].KeptLines = nil
			}
		}
		asked = append(asked, paths)
		return res, err
	}
	return engine, func() [][]string {
		mu.Lock()
		defer mu.Unlock()
		return asked
	}
}

// The files of one message go to the engine together. Those of which it keeps nothing it is asked
// for again, and what is still gone then is sent as it came: no file becomes a marker.
func TestFilesOfOneMessageAreRankedTogether(t *testing.T) {
	for _, tt := range []struct {
		name, want, asked string
		forget            map[string]int
		whole             []string
	}{
		{"all kept", "compressed", "[[a.go b.go c.go]]", map[string]int{}, nil},
		{"gone once", "compressed", "[[a.go b.go c.go] [b.go]]", map[string]int{"b.go": 1}, nil},
		{
			"gone for good", "compressed; left=1; reason=no-gain", "[[a.go b.go c.go] [b.go]]",
			map[string]int{"b.go": 9}, []string{"b.go"},
		},
		{
			"all gone", "pass; left=3; reason=no-gain", "[[a.go b.go c.go]]",
			map[string]int{"a.go": 9, "b.go": 9, "c.go": 9}, []string{"a.go", "b.go", "c.go"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			opts := options(t, u)
			engine, asked := forgetful(tt.forget)
			opts.Compressor = engine
			base, client := start(t, opts)
			body := filesChat("Why?", "a.go", "b.go", "c.go")
			if got := decisionOn(t, client, base, body); got != tt.want {
				t.Errorf("decision %q, want %q", got, tt.want)
			}
			if got := fmt.Sprint(asked()); got != tt.asked {
				t.Errorf("asked for %s, want %s", got, tt.asked)
			}
			sent := string(u.last(t).body)
			for i, path := range []string{"a.go", "b.go", "c.go"} {
				block := strings.Trim(quote("```go "+path+"\n"+source(30+i)+"```"), `"`)
				if whole := strings.Contains(sent, block); whole != strings.Contains(fmt.Sprint(tt.whole), path) {
					t.Errorf("%s whole = %t in %s", path, whole, sent)
				}
			}
			if len(tt.whole) < 3 {
				checkEdited(t, body, sent)
			}
		})
	}
}

// A form belongs to all files of its group: with another file beside them the same files are new.
func TestFrozenFormIsOfAllFiles(t *testing.T) {
	engine := &unreliable{}
	opts := options(t, newUpstream(t))
	opts.Compressor = engine
	base, client := start(t, opts)
	engine.late.Store(true)
	two := filesChat("Why?", "a.go", "b.go")
	if got := decisionOn(t, client, base, two); got != "bypass; left=2; reason=timeout" {
		t.Fatalf("the first time: %q", got)
	}
	engine.late.Store(false)
	if got := decisionOn(t, client, base, two); got != "bypass; left=2; reason=frozen" {
		t.Errorf("again: %q", got)
	}
	for name, other := range map[string]string{
		"one more file": filesChat("Why?", "a.go", "b.go", "c.go"), "one file less": filesChat("Why?", "a.go"),
		"another order": filesChat("Why?", "b.go", "a.go"),
	} {
		if got := decisionOn(t, client, base, other); got != "compressed" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A lifeStore remembers for how long it was told to keep what.
type lifeStore struct {
	sharedStore
	lives []time.Duration
}

func (s *lifeStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) []byte {
	s.mu.Lock()
	s.lives = append(s.lives, ttl)
	s.mu.Unlock()
	return s.sharedStore.Add(ctx, key, value, ttl)
}

// What an overload turned away is kept so for minutes, what the clock did for as long as a provider
// may have it cached.
func TestOverloadFreezesForMinutes(t *testing.T) {
	for _, tt := range []struct {
		err         error
		want        string
		least, most time.Duration
	}{
		{compress.ErrBusy, "bypass; left=1; reason=busy", time.Minute, 10 * time.Minute},
		{context.DeadlineExceeded, "bypass; left=1; reason=timeout", time.Hour, time.Hour},
	} {
		store := &lifeStore{sharedStore: sharedStore{held: map[string][]byte{}}}
		opts := options(t, newUpstream(t))
		opts.Freeze = proxy.Freeze{Store: store, Key: func(parts ...string) string { return strings.Join(parts, "\x00") }}
		opts.Tenant = nil
		opts.Compressor = proxy.CompressorFunc(func(context.Context, compress.Request) (compress.Result, error) {
			return compress.Result{}, tt.err
		})
		base, client := start(t, opts)
		if got := decisionOn(t, client, base, question()); got != tt.want {
			t.Errorf("decision %q, want %q", got, tt.want)
		}
		if got := decisionOn(t, client, base, question()); got != "bypass; left=1; reason=frozen" {
			t.Errorf("again: %q", got)
		}
		store.mu.Lock()
		if len(store.lives) != 1 || store.lives[0] < tt.least || store.lives[0] > tt.most {
			t.Errorf("%v is kept for %v, want %v to %v", tt.err, store.lives, tt.least, tt.most)
		}
		for _, value := range store.held { // a replica that reads it later keeps it no longer
			until, err := time.Parse(time.RFC3339, string(value))
			if err != nil || time.Until(until) > tt.most {
				t.Errorf("kept until %s", value)
			}
		}
		store.mu.Unlock()
	}
}

// A conversation in which files are handed over in turns of their own, with a question before them,
// behind them or nowhere, and requests that end at each of its turns: what was sent for a turn stays.
func TestTurnsThatHandFilesOverNeverChange(t *testing.T) {
	over := []string{
		"Here are some READ ONLY files, provided for your reference.\n\n",
		"I have *added these files to the chat* so you see all of their contents.\n*Trust this message as the true contents of the files!*\n",
		"",
	}
	compressed := 0
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 5))
		var turns []turn
		for i := range 9 {
			switch rng.IntN(4) {
			case 0, 1:
				path := fmt.Sprintf("f%d.go", i)
				turns = append(turns, turn{
					user: over[rng.IntN(len(over))] + path + "\n```\n" + source(20+rng.IntN(30)) + "```\n",
				})
			case 2:
				turns = append(turns, turn{say: "Ok, I will use these files as references."})
			default:
				turns = append(turns, turn{user: fmt.Sprintf("Question %d: why does f%03d fail?", i, rng.IntN(20))})
			}
		}
		for _, w := range wordings()[:3] {
			sent := previews(t, options(t, newUpstream(t)), w, turns)
			checkPrefixes(t, sent)
			compressed += strings.Count(sent[len(sent)-1], "omitted")
		}
	}
	if compressed < 50 {
		t.Errorf("only %d markers in all: the property was hardly tried", compressed)
	}
}
