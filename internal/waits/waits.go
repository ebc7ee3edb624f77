// Package waits is for work that calls a store many times: it makes the calls side by side, and
// adds up how long they wait together, so that many cannot take many times what one may.
//
// It knows nothing of stores.
package waits

import (
	"context"
	"sync"
	"time"
)

// A count is the time in which at least one call was under way.
type count struct {
	mu    sync.Mutex
	calls int
	since time.Time
	sum   time.Duration
}

type key struct{}

// Counted returns a context whose calls are counted together, those of earlier ones not.
func Counted(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, new(count)) }

// Begin notes that a call begins. It returns how long the calls of ctx have waited so far, zero
// where they are not counted, and what notes the end of this one.
func Begin(ctx context.Context) (before time.Duration, end func()) {
	c, ok := ctx.Value(key{}).(*count)
	if !ok {
		return 0, func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	before = c.sum
	if c.calls > 0 {
		before += now.Sub(c.since)
	} else {
		c.since = now
	}
	c.calls++
	return before, c.end
}

func (c *count) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls--; c.calls == 0 {
		c.sum += time.Since(c.since)
	}
}
