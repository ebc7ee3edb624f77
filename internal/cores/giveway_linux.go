package cores

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// GiveWay has the calling goroutine run on a thread that gives way to others of its priority, as do
// the processes that it starts, until undo is called on the same goroutine. Its share of the
// processor is the same as before; it comes in longer slices, and who has shorter ones may
// interrupt it (sched(7), from Linux 6.12 on). Where the kernel has no such slices nothing changes.
func GiveWay() (undo func()) {
	runtime.LockOSThread()
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil || before.Policy != unix.SCHED_NORMAL && before.Policy != unix.SCHED_BATCH {
		return sync.OnceFunc(runtime.UnlockOSThread)
	}
	long := *before
	long.Runtime = uint64(slice)
	_ = unix.SchedSetAttr(0, &long, 0) // older kernels ignore it, some sandboxes refuse it
	return sync.OnceFunc(func() {
		_ = unix.SchedSetAttr(0, before, 0)
		runtime.UnlockOSThread()
	})
}
