//go:build unix

package evolve

import (
	"os"
	"syscall"
)

// lock keeps other processes away from f until it is closed, by whatever death.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
