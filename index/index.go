// Package index knows the code of a workspace: which files there are, how they are cut, and which
// words and names stand where. It finds the code that a question needs among all of it.
//
// It reads only what lies below its roots: nothing that .gitignore names, no hidden files, no
// secrets, and nothing that a symbolic link leads to. It watches the files, keeps what it knows on
// disk, and is bounded.
package index

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"pith/compress"
	"pith/parsers"
)

// Options configure an Index.
type Options struct {
	// Roots are the folders of the workspace, by absolute paths.
	Roots []string
	// Parse cuts files.
	Parse compress.Splitter
	// Engine makes the engine that ranks and packs, on a Splitter that knows the workspace's files.
	Engine func(compress.Splitter) (*compress.Engine, error)
	// Folder is where what is known lies on disk. Empty: nowhere.
	Folder string
	// Version is that of the program: what another has written is not read.
	Version string
	// MaxFiles and MaxBytes bound the source that is taken in, and apart from it the files that are
	// read because their names do not tell what they are. What is beyond is left out, and Status
	// says so. If zero, 20,000 and 64 MiB.
	MaxFiles int
	MaxBytes int64
}

// maxFile bounds one source file in bytes.
const maxFile = 1 << 20

// An Index is the code of a workspace. It is safe for concurrent use.
type Index struct {
	opts   Options
	roots  []*os.Root
	engine *compress.Engine

	// refreshing is held while the files are looked at; named is what isNamed said.
	refreshing sync.Mutex
	named      map[string]bool
	mu         sync.RWMutex
	files      map[string]*file
	defines    map[string][]string // names to the files that define them
	status     Status
	answers    []Context // the last ones, for Explain
	dirty      bool      // not on disk as it is
}

// A file is what is known of one file. It does not change; another takes its place.
type file struct {
	Path     string
	Size     int64
	Modified int64
	Sum      [sha256.Size]byte
	Lines    int
	// NoSource is a file that is no source code: it is remembered so that it is not read again.
	NoSource bool
	Parsed   parsers.File
	// Terms are the words of the text with the chunks they stand in.
	Terms map[string][]hit
	// Lengths are the numbers of words of the chunks.
	Lengths []int32
}

// A hit is how often a word stands in a chunk.
type hit struct {
	Chunk, Times int32
}

// Status says what an Index holds.
type Status struct {
	Roots []string `json:"roots"`
	Files int      `json:"files"`
	Lines int      `json:"lines"`
	Bytes int64    `json:"bytes"`
	// LeftOut counts source files beyond the bounds, Unread files and folders that cannot be read.
	LeftOut int `json:"left_out"`
	Unread  int `json:"unread"`
	// Loaded counts the files that were known from disk when the index was opened.
	Loaded int `json:"loaded"`
	// Took is how long the last look that found changes took, in milliseconds.
	TookMS  float64   `json:"took_ms"`
	Updated time.Time `json:"updated"`
}

// Open returns an Index of what is on disk. Refresh brings it up to date, Watch keeps it so.
func Open(o Options) (*Index, error) {
	if o.MaxFiles == 0 {
		o.MaxFiles = 20_000
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = 64 << 20
	}
	if len(o.Roots) == 0 {
		return nil, errors.New("index: no folder to look at")
	}
	x := &Index{opts: o, files: map[string]*file{}, defines: map[string][]string{}, named: map[string]bool{}}
	for i, dir := range o.Roots {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		if real, err = filepath.Abs(real); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		root, err := os.OpenRoot(real)
		if err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		x.opts.Roots[i] = real
		x.roots = append(x.roots, root)
	}
	var err error
	if x.engine, err = o.Engine(cutFiles{x}); err != nil {
		return nil, err
	}
	x.status.Roots = x.opts.Roots
	x.load()
	return x, nil
}

// Close writes what is new to disk.
func (x *Index) Close() error {
	err := x.save()
	for _, root := range x.roots {
		err = errors.Join(err, root.Close())
	}
	return err
}

// Status says what the index holds.
func (x *Index) Status() Status {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.status
}

// name is how a file of a root is called: by its path from there, behind the root's own name where
// there are several.
func (x *Index) name(root int, path string) string {
	if len(x.roots) == 1 {
		return path
	}
	return fmt.Sprintf("%s/%s", filepath.Base(x.opts.Roots[root]), path)
}

// Refresh looks at all files and takes in what has changed. progress, where it is not nil, is told
// of files that are done.
func (x *Index) Refresh(ctx context.Context, progress func(done, of int)) error {
	x.refreshing.Lock()
	defer x.refreshing.Unlock()
	_, err := x.refresh(ctx, progress)
	return err
}

func (x *Index) refresh(ctx context.Context, progress func(done, of int)) (folders []string, err error) {
	start := time.Now()
	var changes []change
	there := map[string]bool{}
	leftOut, unread := 0, 0
	bounds := map[bool]*bound{true: {}, false: {}}
	for i, dir := range x.opts.Roots {
		files, below, closed, err := walk(ctx, dir)
		if err != nil {
			return nil, err
		}
		folders = append(folders, below...)
		unread += closed
		for _, f := range files {
			named := x.isNamed(f.path)
			switch {
			case f.info.Size() == 0:
				continue
			case f.info.Size() > maxFile, !bounds[named].take(f.info.Size(), x.opts):
				if named {
					leftOut++
				}
				continue
			}
			name := x.name(i, f.path)
			there[name] = true
			if old := x.file(
				name,
			); old == nil || old.Size != f.info.Size() ||
				old.Modified != f.info.ModTime().UnixNano() {
				changes = append(changes, change{i, f})
			}
		}
	}
	fresh, closed, err := x.take(ctx, changes, progress)
	if err != nil {
		return nil, err
	}
	x.replace(fresh, there, start)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.status.LeftOut, x.status.Unread = leftOut, unread+closed
	return folders, nil
}

// isNamed reports a file whose name alone says that it is source.
func (x *Index) isNamed(name string) bool {
	name = path.Base(name)
	is, ok := x.named[name]
	if !ok {
		is = isSource(name, nil)
		x.named[name] = is
	}
	return is
}

// A bound counts what is taken in.
type bound struct {
	files int
	bytes int64
}

// take reports that a file of a size is within the bounds, and counts it.
func (b *bound) take(size int64, o Options) bool {
	if b.files >= o.MaxFiles || b.bytes+size > o.MaxBytes {
		return false
	}
	b.files++
	b.bytes += size
	return true
}

func (x *Index) file(name string) *file {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.files[name]
}

// replace puts what was read in the place of what was known, and forgets what is gone.
func (x *Index) replace(fresh []*file, there map[string]bool, start time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	changed := len(fresh) > 0
	for _, f := range fresh {
		x.files[f.Path] = f
	}
	for name := range x.files {
		if !there[name] {
			delete(x.files, name)
			changed = true
		}
	}
	if !changed && !x.status.Updated.IsZero() {
		return
	}
	x.dirty = x.dirty || changed
	x.count()
	x.status.Updated, x.status.TookMS = time.Now(), float64(time.Since(start))/float64(time.Millisecond)
}

// count makes what is known of all files together.
func (x *Index) count() {
	x.status.Files, x.status.Lines, x.status.Bytes = 0, 0, 0
	x.defines = map[string][]string{}
	for name, f := range x.files {
		if f.NoSource {
			continue
		}
		x.status.Files++
		x.status.Lines += f.Lines
		x.status.Bytes += f.Size
		for _, chunk := range f.Parsed.Chunks {
			for _, d := range chunk.Names.Defines {
				if list := x.defines[d]; len(list) == 0 || list[len(list)-1] != name {
					x.defines[d] = append(list, name)
				}
			}
		}
	}
}

// place finds the root and the path in it of a file by its name.
func (x *Index) place(name string) (root int, path string) {
	if len(x.roots) > 1 {
		for i, dir := range x.opts.Roots {
			if rest, ok := strings.CutPrefix(name, filepath.Base(dir)+"/"); ok {
				return i, rest
			}
		}
	}
	return 0, name
}

// cutFiles is a Splitter that has the workspace's files cut already.
type cutFiles struct{ x *Index }

func (k cutFiles) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	if f := k.x.file(path); f != nil && !f.NoSource && f.Size == int64(len(src)) && f.Sum == sha256.Sum256(src) {
		return f.Parsed, nil
	}
	return k.x.opts.Parse.Parse(ctx, path, src) //nolint:wrapcheck // it is the caller's own
}

func (k cutFiles) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	return k.x.opts.Parse.ParseAs(ctx, language, src) //nolint:wrapcheck // likewise
}
