package proxy

import (
	"context"
	"sync"

	"github.com/coder/websocket"

	"pith/internal/panics"
)

// sockets are the WebSockets that are open, which net/http knows nothing of any more.
type sockets struct {
	mu   sync.Mutex
	open map[*socket]struct{}
	// closed says that no more are wanted.
	closed bool
	// empty is closed and renewed whenever the last one ends.
	empty chan struct{}
}

func (l *sockets) add(k *socket) {
	l.mu.Lock()
	if l.open == nil {
		l.open = make(map[*socket]struct{})
	}
	l.open[k] = struct{}{}
	closed := l.closed
	l.mu.Unlock()
	if closed {
		k.end(websocket.StatusGoingAway, "shutting down")
	}
}

func (l *sockets) remove(k *socket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, k)
	if len(l.open) == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// end ends every WebSocket with code as soon as no answer is under way on it. With more to come,
// for good, those that open later end at once.
func (l *sockets) end(code websocket.StatusCode, reason string, forGood bool) {
	l.mu.Lock()
	l.closed = l.closed || forGood
	all := make([]*socket, 0, len(l.open))
	for k := range l.open {
		all = append(all, k)
	}
	l.mu.Unlock()
	for _, k := range all {
		k.end(code, reason)
	}
}

// wait waits until none is open.
func (l *sockets) wait(ctx context.Context) error {
	l.mu.Lock()
	if len(l.open) == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.empty == nil {
		l.empty = make(chan struct{})
	}
	empty := l.empty
	l.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end ends the WebSocket as soon as nothing is under way on it. It does not wait for that.
func (k *socket) end(code websocket.StatusCode, reason string) {
	var once sync.Once
	k.queue.mu.Lock()
	k.queue.leave = func() {
		once.Do(func() {
			go func() {
				// The reader of the client sees the end.
				_ = panics.Guard(func() error { return k.client.Close(code, reason) })
			}()
		})
	}
	k.queue.mu.Unlock()
	k.queue.rest()
}
