package perplexity

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// threadClock starts measuring the processor time of the calling goroutine, which keeps its thread
// until the returned function says what was spent.
func threadClock() func() time.Duration {
	runtime.LockOSThread()
	before := threadTime()
	return func() time.Duration {
		defer runtime.UnlockOSThread()
		return threadTime() - before
	}
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
