package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/cache"
)

// store is what the callers of this package declare.
type store interface {
	Get(ctx context.Context, key string) (value []byte, ok bool)
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (now []byte)
	Close() error
}

// TestConformance holds every store to the contract in the package comment.
func TestConformance(t *testing.T) {
	stores := map[string]func(t *testing.T) store{
		"Memory": func(*testing.T) store { return cache.NewMemory(64 << 20) },
		"Redis":  func(t *testing.T) store { return open(t, startServer(t).addr, cache.RedisOptions{}) },
		"Redis encrypted": func(t *testing.T) store {
			return open(t, startServer(t).addr, cache.RedisOptions{Secret: []byte("a secret")})
		},
		"Redis cluster": func(t *testing.T) store {
			r, _ := openCluster(t, "a secret of a cluster")
			return r
		},
		"Layered": func(t *testing.T) store {
			return cache.NewLayered(cache.NewMemory(64<<20), open(t, startServer(t).addr, cache.RedisOptions{}))
		},
		"Layered over a Redis that is gone": func(t *testing.T) store {
			return cache.NewLayered(cache.NewMemory(64<<20), open(t, freeAddr(t), cache.RedisOptions{}))
		},
	}
	rules := []struct {
		name  string
		holds func(t *testing.T, s store)
	}{
		{"a miss is a miss", missIsMiss},
		{"what was added is found", addedIsFound},
		{"the first write wins", firstWriteWins},
		{"a ttl ends", ttlEnds},
		{"all who add at once agree", allAgree},
		{"a caller that left gets no harm done", cancelledCaller},
		{"a closed store is an empty one", closedIsEmpty},
	}
	for name, newStore := range stores {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			for _, rule := range rules { // the last one closes the store
				t.Run(rule.name, func(t *testing.T) { rule.holds(t, s) })
			}
		})
	}
}

func missIsMiss(t *testing.T, s store) {
	if value, ok := s.Get(t.Context(), "nobody added this"); ok || value != nil {
		t.Errorf("Get = %q, %t", value, ok)
	}
}

func addedIsFound(t *testing.T, s store) {
	random := make([]byte, 1<<20)
	if _, err := rand.NewChaCha8([32]byte{1}).Read(random); err != nil {
		t.Fatal(err)
	}
	values := map[string][]byte{
		"empty":          {},
		"text":           []byte("func main() {}\n"),
		"any byte":       []byte("\x00\xff\r\n$-1\r\n\x00"),
		"compressible":   []byte(strings.Repeat("if err != nil {\n", 1<<14)),
		"incompressible": random,
		"":               []byte("under the empty key"),
		"k\x00\r\n é":    []byte("under an odd key"),
	}
	for key, value := range values {
		if now := s.Add(t.Context(), key, value, time.Hour); !bytes.Equal(now, value) {
			t.Errorf("%q: Add = %.40q", key, now)
		}
	}
	for key, value := range values {
		if got, ok := s.Get(t.Context(), key); !ok || !bytes.Equal(got, value) {
			t.Errorf("%q: Get = %.40q, %t", key, got, ok)
		}
	}
}

func firstWriteWins(t *testing.T, s store) {
	s.Add(t.Context(), "contested", []byte("first"), 0)
	if now := s.Add(t.Context(), "contested", []byte("second"), 0); string(now) != "first" {
		t.Errorf("second Add = %q, want the first value", now)
	}
	if got, ok := s.Get(t.Context(), "contested"); !ok || string(got) != "first" {
		t.Errorf("Get = %q, %t, want the first value", got, ok)
	}
}

func ttlEnds(t *testing.T, s store) {
	s.Add(t.Context(), "brief", []byte("old"), time.Microsecond)
	s.Add(t.Context(), "lasting", []byte("kept"), time.Hour)
	for { // a microsecond, however late it is noticed: the test's own time limit ends it
		if _, ok := s.Get(t.Context(), "brief"); !ok {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if now := s.Add(t.Context(), "brief", []byte("new"), time.Hour); string(now) != "new" {
		t.Errorf("Add after the end = %q, want the new value", now)
	}
	if got, ok := s.Get(t.Context(), "lasting"); !ok || string(got) != "kept" {
		t.Errorf("Get = %q, %t, want the lasting value", got, ok)
	}
}

func allAgree(t *testing.T, s store) {
	const callers = 16
	held := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() { held[i] = string(s.Add(t.Context(), "race", fmt.Appendf(nil, "value of %d", i), time.Hour)) })
	}
	wg.Wait()
	for i, h := range held {
		if h != held[0] {
			t.Errorf("caller %d holds %q, caller 0 %q", i, h, held[0])
		}
	}
}

func cancelledCaller(t *testing.T, s store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if now := s.Add(ctx, "left", []byte("mine"), time.Hour); string(now) != "mine" {
		t.Errorf("Add = %q", now)
	}
	if got, ok := s.Get(ctx, "left"); ok && string(got) != "mine" {
		t.Errorf("Get = %q", got)
	}
	if now := s.Add(t.Context(), "stayed", []byte("kept"), time.Hour); string(now) != "kept" {
		t.Errorf("Add of the next caller = %q", now)
	}
}

func closedIsEmpty(t *testing.T, s store) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { s.Get(t.Context(), "text") })
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	wg.Wait()
	if value, ok := s.Get(t.Context(), "text"); ok {
		t.Errorf("Get = %q", value)
	}
	if now := s.Add(t.Context(), "text", []byte("new"), 0); string(now) != "new" {
		t.Errorf("Add = %q", now)
	}
}
