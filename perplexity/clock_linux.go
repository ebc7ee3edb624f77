package perplexity

import (
	"runtime"
	"syscall"
	"time"
)

// threadClock starts measuring the processor time of the calling goroutine, which keeps its thread until the returned function says
// what was spent.
func threadClock() func() time.Duration {
	runtime.LockOSThread()
	before := threadTime()
	return func() time.Duration {
		defer runtime.UnlockOSThread()
		return threadTime() - before
	}
}

func threadTime() time.Duration {
	const thread = 1 // RUSAGE_THREAD, which the syscall package does not name
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
