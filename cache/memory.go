package cache

import (
	"context"
	"math"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// entryOverhead is what an entry costs beside its key and value, in bytes: map slot, list element,
// headers, rounding up by the allocator. Measured by BenchmarkMemoryOverhead, rounded up.
const entryOverhead = 256

// Memory is a store in this process. It holds a bounded number of bytes and drops what was not used
// for longest.
type Memory struct {
	mu      sync.Mutex
	entries *simplelru.LRU[string, entry]
	bytes   int64
	max     int64
}

type entry struct {
	value   []byte
	expires time.Time // zero: never
}

// NewMemory returns a Memory of at most maxBytes, keys, values and overhead together. If maxBytes
// is zero or less it keeps nothing.
func NewMemory(maxBytes int64) *Memory {
	m := &Memory{max: maxBytes}
	// The library bounds entries, not bytes: its bound is out of reach and the callback keeps the
	// accounts.
	// Fails for size <= 0 only.
	m.entries, _ = simplelru.NewLRU(math.MaxInt, func(key string, e entry) { m.bytes -= cost(key, e.value) })
	return m
}

// Get implements the contract of this package.
func (m *Memory) Get(_ context.Context, key string) (value []byte, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.get(key)
}

func (m *Memory) get(key string) (value []byte, ok bool) {
	e, ok := m.entries.Get(key)
	if !ok {
		return nil, false
	}
	if !e.expires.IsZero() && !time.Now().Before(e.expires) {
		m.entries.Remove(key)
		return nil, false
	}
	return e.value, true
}

// Add implements the contract of this package. A value that alone exceeds the bound is not kept.
func (m *Memory) Add(_ context.Context, key string, value []byte, ttl time.Duration) (now []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if held, ok := m.get(key); ok {
		return held
	}
	if cost(key, value) > m.max {
		return value
	}
	e := entry{value: value}
	if ttl > 0 {
		e.expires = time.Now().Add(ttl)
	}
	m.entries.Add(key, e)
	m.bytes += cost(key, value)
	for m.bytes > m.max {
		m.entries.RemoveOldest()
	}
	return value
}

// Close drops all entries and keeps nothing from then on.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries.Purge()
	m.max = 0
	return nil
}

func cost(key string, value []byte) int64 { return int64(len(key)+cap(value)) + entryOverhead }
