package index

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"pith/compress/lexical"
	"pith/internal/cores"
	"pith/internal/panics"
	"pith/parsers"
)

// read returns the bytes of a file below a root. A symbolic link that leads out is an error.
func (x *Index) read(root int, path string) ([]byte, error) {
	f, err := x.roots[root].Open(filepath.FromSlash(path))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return text, nil
}

// A change is a file that is new or has changed.
type change struct {
	root int
	treeFile
}

// take reads and cuts files, as many at once as there are cores, and counts those that cannot be
// read.
func (x *Index) take(
	ctx context.Context, changes []change, progress func(done, of int),
) (files []*file, unread int, err error) {
	list := make([]*file, len(changes))
	var mu sync.Mutex
	done := 0
	g, ctx := panics.NewGroup(ctx)
	g.SetLimit(cores.Number())
	for i, c := range changes {
		g.Go(func() error {
			var f *file
			err := panics.Guard(func() (err error) { f, err = x.cut(ctx, c); return err })
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				list[i] = f
			case errors.Is(err, fs.ErrNotExist): // it is gone since
			case errors.Is(err, errUnread), errors.Is(err, panics.Err):
				unread++
			default:
				return err
			}
			if done++; progress != nil {
				progress(done, len(changes))
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, 0, fmt.Errorf("index: %w", err)
	}
	return slices.DeleteFunc(list, func(f *file) bool { return f == nil }), unread, nil
}

// errUnread says that a file is there and cannot be read.
var errUnread = errors.New("cannot be read")

// cut takes one file in.
func (x *Index) cut(ctx context.Context, c change) (*file, error) {
	text, err := x.read(c.root, c.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnread, err)
	}
	return x.know(ctx, x.name(c.root, c.path), text, c.info)
}

// know makes what is known of a file from its text.
func (x *Index) know(ctx context.Context, name string, text []byte, info fs.FileInfo) (*file, error) {
	f := &file{Path: name, Size: info.Size(), Modified: info.ModTime().UnixNano(), Sum: sha256.Sum256(text)}
	if !isSource(name, text) {
		f.NoSource = true
		return f, nil
	}
	var err error
	if f.Parsed, err = x.opts.Parse.Parse(ctx, name, text); err != nil {
		return nil, fmt.Errorf("cut %s: %w", name, err)
	}
	f.Lines = bytes.Count(text, []byte("\n"))
	f.Terms = map[string][]hit{}
	for i, chunk := range f.Parsed.Chunks {
		counts := map[string]int32{}
		words := lexical.Terms(string(text[chunk.Start:chunk.End]))
		for _, w := range words {
			counts[w]++
		}
		for w, n := range counts {
			f.Terms[w] = append(f.Terms[w], hit{int32(i), n}) //nolint:gosec // a file has fewer chunks than that
		}
		f.Lengths = append(f.Lengths, int32(len(words))) //nolint:gosec // likewise
	}
	return f, nil
}

// isSource reports text in a language that is cut along its syntax.
func isSource(name string, text []byte) bool {
	if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 || len(text) > maxFile {
		return false
	}
	return slices.Contains(parsers.Languages(), parsers.Detect(name, text))
}
