package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pith/download"
)

// A modelSource is where a model's files come from. get puts the file called name into the file to,
// checks it against sum if that is not empty, and returns fs.ErrNotExist for a file that is not
// there.
type modelSource interface {
	get(ctx context.Context, name, to, sum string, progress func(done, total int64)) error
}

// A webSource is a URL that files stand under.
type webSource struct {
	base string
	max  int64
}

func (s webSource) get(ctx context.Context, name, to, sum string, progress func(done, total int64)) error {
	err := download.File(ctx, strings.TrimSuffix(s.base, "/")+"/"+name, to,
		download.Options{SHA256: sum, MaxBytes: s.max, Progress: progress})
	if errors.Is(err, download.ErrNotFound) {
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}

// A folderSource is a folder on this machine.
type folderSource struct {
	dir string
	max int64
}

func (s folderSource) get(ctx context.Context, name, to, sum string, progress func(done, total int64)) error {
	in, err := os.Open(filepath.Join(s.dir, filepath.FromSlash(name)))
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if info.Size() > s.max {
		return fmt.Errorf("%s: %w: %d bytes, at most %d are allowed", name, download.ErrTooLarge, info.Size(), s.max)
	}
	if free, known := download.Free(to); known && info.Size() > free {
		return fmt.Errorf("%s: %w: %d bytes are needed, %d are free", name, download.ErrNoSpace, info.Size(), free)
	}
	part := to + ".part"
	out, err := os.Create(part)
	if err != nil {
		return err
	}
	got, err := copyHashed(ctx, out, in, func(done int64) { progress(done, info.Size()) })
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if sum != "" && got != sum {
		return fmt.Errorf("%s: %w: sha256 is %s, want %s", name, download.ErrChecksum, got, sum)
	}
	return os.Rename(part, to)
}

// copyHashed copies in to out until it ends or ctx does, and returns the checksum of what it
// copied.
func copyHashed(ctx context.Context, out io.Writer, in io.Reader, progress func(done int64)) (string, error) {
	h, done := sha256.New(), int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := io.CopyN(io.MultiWriter(out, h), in, 1<<20)
		done += n
		progress(done)
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// fileSum returns the checksum of a file, or "" if it cannot be read.
func fileSum(ctx context.Context, name string) string {
	in, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = in.Close() }() // it was only read
	sum, err := copyHashed(ctx, io.Discard, in, func(int64) {})
	if err != nil {
		return ""
	}
	return sum
}
