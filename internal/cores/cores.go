// Package cores shares the processor's cores such that who needs little of them waits little for
// it: a request that only passes, beside others whose code is compressed.
package cores

import (
	"os"
	"runtime"
	"time"
)

// slice is how long heavy work may hold a core before the kernel gives it to another who waits as
// long, where it lets one choose. It is the most that Linux allows.
const slice = 100 * time.Millisecond

// number is taken before Spread changes what Go says.
var number = runtime.GOMAXPROCS(0)

// Number is how many cores this process may use.
func Number() int { return number }

// Spread lets twice as many goroutines run at once as there are cores. Go's scheduler lets each run
// for 10 ms before another gets its turn; with more threads than cores the kernel decides instead,
// and it prefers who was asleep. A number that was set by GOMAXPROCS stays.
func Spread() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * number)
	}
}
