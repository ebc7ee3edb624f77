package costs

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// peakMemory returns the largest resident memory of this process since the last resetPeak, in MiB,
// or 0 where the system does not tell.
func peakMemory() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmHWM:")); ok {
			kib, _ := strconv.Atoi(string(bytes.Fields(rest)[0])) // the kernel writes a number
			return kib >> 10
		}
	}
	return 0
}

// resetPeak makes peakMemory start from now; where the system refuses, it keeps counting from the
// start.
func resetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200)
}

// processorTime returns the processor seconds that this process has used, the runtime library's
// threads included, or 0 where the system does not tell. Unlike time on the clock it does not grow
// with what else runs.
func processorTime() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano()).Seconds()
}
