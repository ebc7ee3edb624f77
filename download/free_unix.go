//go:build linux || darwin

package download

import (
	"path/filepath"
	"syscall"
)

// Free returns the bytes that may still be written beside path, and whether the system tells.
func Free(path string) (bytes int64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true //nolint:unconvert // not an int64 everywhere
}
