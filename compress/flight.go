package compress

import (
	"context"
	"sync"

	"pith/internal/panics"
)

// flights do the same work once for all who ask for it at the same time. singleflight, which the
// field has, goes on with work that nobody waits for any more.
type flights struct {
	mu     sync.Mutex
	flying map[string]*flight
}

// A flight is one computation and those who wait for it.
type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{} // closed once value and err are there
	value   []byte
	err     error
}

// do returns what compute yields for key, from a flight that may have begun before. That a caller
// leaves ends its own wait, unless it is the last: then the flight is called off, and do returns
// when it has ended, so that whatever bounds the callers bounds the work.
func (f *flights) do(ctx context.Context, key string, compute func(context.Context) ([]byte, error)) ([]byte, error) {
	one := f.join(ctx, key, compute)
	select {
	case <-one.done:
		f.leave(key, one)
		return one.value, one.err
	case <-ctx.Done():
		if f.leave(key, one) {
			<-one.done
		}
		return nil, ctx.Err()
	}
}

// join returns the flight of key, which begins if there is none.
func (f *flights) join(ctx context.Context, key string, compute func(context.Context) ([]byte, error)) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.flying[key]; one != nil {
		one.waiting++
		return one
	}
	if f.flying == nil {
		f.flying = map[string]*flight{}
	}
	one := &flight{waiting: 1, done: make(chan struct{})}
	ctx, one.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.flying[key] = one
	go func() {
		defer close(one.done)
		one.err = panics.Guard(func() (err error) {
			one.value, err = compute(ctx)
			return err
		})
		f.land(key, one)
	}()
	return one
}

// land makes the next one who asks begin anew.
func (f *flights) land(key string, one *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.flying[key] == one {
		delete(f.flying, key)
	}
}

// leave ends one wait and reports whether it was the last: then the flight is called off.
func (f *flights) leave(key string, one *flight) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.waiting--
	if one.waiting > 0 {
		return false
	}
	one.cancel()
	if f.flying[key] == one { // who comes now must not join what is called off
		delete(f.flying, key)
	}
	return true
}
