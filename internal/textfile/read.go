// Package textfile reads the files that a person writes or names: regular files of a bounded size,
// and YAML whose nesting is bounded before a parser sees it.
//
// It knows nothing of what stands in them.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// Sizes in bytes above which a file is a mistake.
const (
	// MaxSettings is for configuration, price lists and tasks.
	MaxSettings = 1 << 20
	// MaxData is for examples and artefacts.
	MaxData = 64 << 20
)

// ErrNotRegular says that a path names a folder, a pipe or a device: opening or reading it could
// last for ever.
var ErrNotRegular = errors.New("not a regular file")

// Open opens a regular file. A pipe without a writer does not hold it up. Errors are *fs.PathError,
// with ErrNotRegular where the path is something else than a file.
func Open(path string) (*os.File, error) {
	// Without O_NONBLOCK the open of a pipe waits for a writer (open(2)); a regular file does not
	// know the flag.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	if err != nil {
		_ = f.Close() // nothing was read
		return nil, err
	}
	return f, nil
}

// Read returns the content of a regular file of at most limit bytes. Errors are those of Open, and
// *fs.PathError where it is longer.
func Read(path string, limit int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	// The size is that of the bytes read: a file may grow meanwhile, and those of /proc have none.
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("larger than %d bytes", limit)}
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
