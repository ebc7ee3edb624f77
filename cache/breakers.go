package cache

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

// breakers has one for each node.
type breakers struct {
	cooldown time.Duration
	mu       sync.Mutex
	nodes    map[string]circuitbreaker.CircuitBreaker[any]
}

func newBreakers(cooldown time.Duration) *breakers {
	return &breakers{cooldown: cooldown, nodes: map[string]circuitbreaker.CircuitBreaker[any]{}}
}

func (b *breakers) of(node string) circuitbreaker.CircuitBreaker[any] {
	b.mu.Lock()
	defer b.mu.Unlock()
	breaker := b.nodes[node]
	if breaker == nil {
		// The threshold is one: a second call that waits would double what a request pays.
		breaker = circuitbreaker.NewBuilder[any]().WithFailureThreshold(1).WithDelay(b.cooldown).Build()
		b.nodes[node] = breaker
	}
	return breaker
}

// state is the worst of all.
func (b *breakers) state() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	worst := circuitbreaker.ClosedState
	for _, breaker := range b.nodes {
		switch s := breaker.State(); {
		case s == circuitbreaker.OpenState, s == circuitbreaker.HalfOpenState && worst == circuitbreaker.ClosedState:
			worst = s
		}
	}
	return worst.String()
}
