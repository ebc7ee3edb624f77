package cache

import (
	"context"
	"errors"
	"time"
)

// LayeredStore is a Memory in front of a Redis. Memory answers first; Redis decides who was first
// among the replicas.
type LayeredStore struct {
	memory *Memory
	redis  *Redis
}

// NewLayered returns a Layered of memory and redis. Closing it closes both.
func NewLayered(memory *Memory, redis *Redis) *LayeredStore {
	return &LayeredStore{memory: memory, redis: redis}
}

// Get implements the contract of this package. What Redis knows and memory does not is kept in
// memory for as long as in Redis.
func (l *LayeredStore) Get(ctx context.Context, key string) (value []byte, ok bool) {
	if value, ok := l.memory.Get(ctx, key); ok {
		return value, true
	}
	value, ttl, ok := l.redis.get(ctx, key)
	if !ok {
		return nil, false
	}
	return l.memory.Add(ctx, key, value, ttl), true
}

// Add implements the contract of this package. Redis comes first: were it memory, this process
// could hand out its own value and then learn that another replica's was earlier. A value that
// memory holds already was handed out and stays.
func (l *LayeredStore) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (now []byte) {
	return l.memory.Add(ctx, key, l.redis.Add(ctx, key, value, ttl), ttl)
}

// Ping asks the Redis behind, as Redis.Ping does.
func (l *LayeredStore) Ping(ctx context.Context) error { return l.redis.Ping(ctx) }

// State names the breaker's state, as Redis.State does.
func (l *LayeredStore) State() string { return l.redis.State() }

// Stats returns the counts of the Redis behind.
func (l *LayeredStore) Stats() RedisStats { return l.redis.Stats() }

// Close closes both.
func (l *LayeredStore) Close() error { return errors.Join(l.memory.Close(), l.redis.Close()) }
