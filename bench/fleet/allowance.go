package fleet

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Allowance is what one key with an allowance got of all replicas together.
type Allowance struct {
	PerMinute int     `json:"per_minute"`
	Seconds   float64 `json:"seconds"`
	Asked     int     `json:"asked"`
	Admitted  int     `json:"admitted"` // requests that reached the upstream
	Allowed   float64 `json:"allowed"`  // a full minute's, and what filled up meanwhile
	Off       float64 `json:"off"`      // admitted / allowed - 1
}

// drawers are those that draw on the allowance at the same time.
const drawers = 4

// allowance draws on one key through all replicas, faster than it fills.
func (f *fleet) allowance(ctx context.Context, report *Report) error {
	f.Progress("allowance over all replicas")
	_, stop, err := f.onRedis(ctx)
	if err != nil {
		return err
	}
	defer stop()
	f.upstream.forget()
	over := make(chan struct{})
	time.AfterFunc(time.Duration(f.Seconds)*time.Second, func() { close(over) })
	report.Allowance = f.drawOn(ctx, over)
	return ctx.Err()
}

// drawOn draws on the allowance until it is over.
func (f *fleet) drawOn(ctx context.Context, over <-chan struct{}) Allowance {
	var asked atomic.Int64
	start := time.Now()
	var wg sync.WaitGroup
	for range drawers {
		wg.Go(func() {
			for ctx.Err() == nil {
				select {
				case <-over:
					return
				case <-time.After(5 * time.Millisecond): // it fills more slowly
				}
				// What became of it is counted at the upstream.
				if _, _, _, err := f.post(ctx, f.next(), []byte(
					`{"model":"gpt-4o","user":"`+drawn+`","messages":[{"role":"user","content":"hello"}]}`),
					f.Keys[0]); err == nil {
					asked.Add(1)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	a := Allowance{
		PerMinute: allowedRequests, Seconds: took.Seconds(), Asked: int(asked.Load()),
		Admitted: int(f.upstream.drawn.Load()), Allowed: allowedRequests * (1 + took.Minutes()),
	}
	a.Off = float64(a.Admitted)/a.Allowed - 1
	return a
}
