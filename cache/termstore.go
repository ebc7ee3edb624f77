package cache

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// A TermStore keeps in this process what was promised to be there for a time. Unlike a Memory it
// drops nothing before its time: where there is no room it refuses.
type TermStore struct {
	mu sync.Mutex
	// entries are in the order of their last Keep, which is the order in which they expire where
	// all have the same ttl.
	entries *simplelru.LRU[string, entry]
	bytes   int64
	max     int64
}

// NewTermStore returns a TermStore of at most maxBytes, keys, values and overhead together.
func NewTermStore(maxBytes int64) *TermStore {
	s := &TermStore{max: maxBytes}
	// Fails for size <= 0 only.
	s.entries, _ = simplelru.NewLRU(math.MaxInt, func(key string, e entry) { s.bytes -= cost(key, e.value) })
	return s
}

// Keep holds value under key for ttl from now on, in place of what key held, and reports whether it
// does.
func (s *TermStore) Keep(_ context.Context, key string, value []byte, ttl time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	size := cost(key, value)
	if held, ok := s.entries.Peek(key); ok {
		size -= cost(key, held.value)
	}
	for s.bytes+size > s.max {
		oldest, e, ok := s.entries.GetOldest()
		if !ok || oldest == key || now.Before(e.expires) {
			return false
		}
		s.entries.Remove(oldest)
	}
	s.entries.Remove(key)
	s.entries.Add(key, entry{value: value, expires: now.Add(ttl)})
	s.bytes += cost(key, value)
	return true
}

// Get returns what key holds. It does not lengthen its life.
func (s *TermStore) Get(_ context.Context, key string) (value []byte, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries.Peek(key)
	if !ok || !time.Now().Before(e.expires) {
		return nil, false
	}
	return e.value, true
}
