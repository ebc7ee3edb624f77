package index

import (
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/s2"

	"pith/compress"
	"pith/internal/textfile"
)

// format is the version of what lies on disk.
const format = "pith index 1"

// A diskIndex is what lies on disk.
type diskIndex struct {
	Head  string
	Files []*file
}

// head names what must be the same for a saved index to be of use.
func (x *Index) head() string {
	return strings.Join(append([]string{format, compress.Version, x.opts.Version}, x.opts.Roots...), "\n")
}

// at is where the index of these roots lies.
func (x *Index) at() string {
	sum := sha256.Sum256([]byte(strings.Join(x.opts.Roots, "\n")))
	return filepath.Join(x.opts.Folder, hex.EncodeToString(sum[:12])+".index")
}

// load reads what was saved. What does not fit, or cannot be read, is as good as nothing: it is
// made anew.
func (x *Index) load() {
	if x.opts.Folder == "" {
		return
	}
	f, err := textfile.Open(x.at())
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }() // it was only read
	var s diskIndex
	dec := gob.NewDecoder(s2.NewReader(f))
	if err := dec.Decode(&s.Head); err != nil || s.Head != x.head() || dec.Decode(&s.Files) != nil {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, known := range s.Files {
		x.files[known.Path] = known
	}
	x.count()
	x.status.Loaded = x.status.Files
}

// save writes what is known to disk, in one step, for this user alone.
func (x *Index) save() (err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.opts.Folder == "" || !x.dirty {
		return nil
	}
	if err := os.MkdirAll(x.opts.Folder, 0o700); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	f, err := os.CreateTemp(x.opts.Folder, "new-*")
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // it is there no more where all went well
	s := diskIndex{Head: x.head()}
	for _, known := range x.files {
		if known.Parsed.Late { // another time its grammar may be in time
			continue
		}
		s.Files = append(s.Files, known)
	}
	w := s2.NewWriter(f)
	enc := gob.NewEncoder(w)
	for _, step := range []func() error{
		func() error { return enc.Encode(s.Head) },
		func() error { return enc.Encode(s.Files) },
		w.Close, f.Close,
		func() error { return os.Rename(f.Name(), x.at()) },
	} {
		if err := step(); err != nil {
			_ = f.Close() // the first error is the one that counts
			return fmt.Errorf("index: write: %w", err)
		}
	}
	x.dirty = false
	return nil
}
