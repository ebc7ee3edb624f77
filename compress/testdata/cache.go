// Package cache keeps the last used values in memory.
package cache

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

// ErrClosed is returned after Close.
var ErrClosed = errors.New("cache: closed")

// A Cache holds values until they are the least recently used or too old.
type Cache struct {
	mu      sync.Mutex
	max     int
	ttl     time.Duration
	entries map[string]*list.Element
	order   *list.List
	closed  bool
}

type entry struct {
	key     string
	value   []byte
	expires time.Time
}

// New returns a cache of at most max entries.
func New(max int, ttl time.Duration) *Cache {
	return &Cache{
		max:     max,
		ttl:     ttl,
		entries: make(map[string]*list.Element),
		order:   list.New(),
	}
}

// Get returns the value of key and marks it as used.
func (c *Cache) Get(key string) ([]byte, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, false, ErrClosed
	}
	element, ok := c.entries[key]
	if !ok {
		return nil, false, nil
	}
	e := element.Value.(*entry)
	if time.Now().After(e.expires) {
		c.remove(element)
		return nil, false, nil
	}
	c.order.MoveToFront(element)
	return e.value, true, nil
}

// Put stores value under key and evicts what no longer fits.
func (c *Cache) Put(key string, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}

	expires := time.Now().Add(c.ttl)
	if element, ok := c.entries[key]; ok {
		// The entry keeps its place in the map; only value and age change.
		e := element.Value.(*entry)
		e.value = value
		e.expires = expires
		c.order.MoveToFront(element)
		return nil
	}

	c.entries[key] = c.order.PushFront(&entry{key: key, value: value, expires: expires})
	for c.order.Len() > c.max {
		oldest := c.order.Back()
		if oldest == nil {
			break
		}
		c.remove(oldest)
	}
	return nil
}

func (c *Cache) remove(element *list.Element) {
	c.order.Remove(element)
	delete(c.entries, element.Value.(*entry).key)
}

// Close drops all entries.
func (c *Cache) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.entries = nil
	c.order.Init()
}
