//go:build !linux

package perplexity

import "time"

// threadClock starts measuring; the returned function says how much time has passed.
func threadClock() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}
