package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pith/cache"
)

// originalStore is what the callers of this package declare for what must be there for a time.
type originalStore interface {
	Keep(ctx context.Context, key string, value []byte, ttl time.Duration) bool
	Get(ctx context.Context, key string) (value []byte, ok bool)
}

func TestKeepersKeepAndRenew(t *testing.T) {
	stores := map[string]originalStore{
		"TermStore": cache.NewTermStore(1 << 20),
		"Redis":     open(t, startServer(t).addr, cache.RedisOptions{Secret: []byte("a secret")}),
	}
	for name, k := range stores {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if _, ok := k.Get(ctx, "a"); ok {
				t.Error("found what was never kept")
			}
			if !k.Keep(ctx, "a", []byte("one"), time.Minute) || !k.Keep(ctx, "a", []byte("two"), time.Minute) {
				t.Fatal("refused with room to spare")
			}
			if v, ok := k.Get(ctx, "a"); !ok || string(v) != "two" {
				t.Errorf("got %q, %v", v, ok)
			}
			if !k.Keep(ctx, "a", []byte("two"), time.Millisecond) {
				t.Error("a shorter life was refused")
			}
			for { // Redis's clock is its own; the test's own time limit ends it
				if _, ok := k.Get(ctx, "a"); !ok {
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestRedisThatIsGoneKeepsNothing(t *testing.T) {
	k := open(t, freeAddr(t), cache.RedisOptions{})
	if k.Keep(t.Context(), "a", []byte("one"), time.Minute) {
		t.Error("claims to keep")
	}
	k = open(t, startServer(t).addr, cache.RedisOptions{MaxBytes: 8})
	if k.Keep(t.Context(), "a", bytes.Repeat([]byte("x"), 9), time.Minute) {
		t.Error("claims to keep what is too long")
	}
}

// A full shelf refuses until something expires, renews what it has, and reading lengthens no life.
func TestTermStoreRefusesWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		value := make([]byte, 1000)
		s := cache.NewTermStore(10 * 2000)
		kept := 0
		for s.Keep(ctx, fmt.Sprint("key ", kept), value, time.Hour) {
			kept++
		}
		if kept < 10 || kept > 20 {
			t.Fatalf("%d values of 1000 bytes fit in 20000", kept)
		}
		time.Sleep(30 * time.Minute)
		if !s.Keep(ctx, "key 0", value, time.Hour) {
			t.Error("renewal refused")
		}
		for i := range kept {
			if _, ok := s.Get(ctx, fmt.Sprint("key ", i)); !ok {
				t.Errorf("key %d went before its time", i)
			}
		}
		time.Sleep(31 * time.Minute)
		if _, ok := s.Get(ctx, "key 1"); ok {
			t.Error("reading lengthened a life")
		}
		if _, ok := s.Get(ctx, "key 0"); !ok {
			t.Error("what was renewed is gone")
		}
		if !s.Keep(ctx, "new", value, time.Hour) {
			t.Error("no room after others expired")
		}
		if s.Keep(ctx, "large", make([]byte, 20000), time.Hour) {
			t.Error("took what can never fit")
		}
		if _, ok := s.Get(ctx, "key 0"); !ok {
			t.Error("a refusal cost another its place")
		}
	})
}
