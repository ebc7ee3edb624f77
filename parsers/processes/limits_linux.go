package processes

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// headroom is how much address space a parse process may take beyond what it has at its start, in
// bytes. A grammar takes about 20 bytes per byte of source, so a megabyte of honest source is far
// below.
const headroom = 1 << 30

// limitMemory bounds the address space of this process. The bound is relative, since the runtime
// and the race detector reserve very different amounts.
func limitMemory() error {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return fmt.Errorf("read own size: %w", err)
	}
	pages, _, _ := bytes.Cut(statm, []byte(" "))
	size, err := strconv.ParseUint(string(pages), 10, 64)
	if err != nil {
		return fmt.Errorf("read own size: %w", err)
	}
	limit := size*uint64(os.Getpagesize()) + headroom
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: limit, Max: limit})
}

// limitProcessor bounds the processor time of this process to what it has used and a parse may use.
// The parent's deadline comes first; this holds when the parent cannot act.
func limitProcessor(parse time.Duration) error {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CPU, &limit); err != nil {
		return err
	}
	seconds := used.Utime.Sec + used.Stime.Sec + int64(parse/time.Second) + 2
	limit.Cur = uint64(seconds)
	return syscall.Setrlimit(syscall.RLIMIT_CPU, &limit)
}

// goFirst has the kernel end this process before others when memory ends: a parse is repeated or
// done without, a proxy is not. Raising the score needs no privilege (proc(5)); where it fails, the
// order is the kernel's.
func goFirst() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

// watchProcessor ends the process when it passes its processor time: the Go runtime ignores the
// signal by itself.
func watchProcessor() {
	passed := make(chan os.Signal, 1)
	signal.Notify(passed, syscall.SIGXCPU)
	go func() {
		<-passed
		os.Exit(gaveUp)
	}()
}

// isolate gives a process a group of its own, so that all of it can be killed, and lets it die with
// this one.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
