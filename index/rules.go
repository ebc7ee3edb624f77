package index

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"pith/internal/textfile"
)

// Rules say which files of a folder are none of the project's own source: what .gitignore names,
// and folders of other people's code. A walk adds to them as it goes down.
type Rules struct {
	// base is the folder whose .gitignore files count: that of the repository that the walk's root
	// lies in, or the root itself.
	base     string
	patterns []gitignore.Pattern
}

// NewRules reads the rules of the repository that root lies in, down to root but without root's
// own. The error is that of a .gitignore that is there and cannot be read; the rules hold all
// others.
func NewRules(root string) (*Rules, error) {
	r := &Rules{base: repository(root)}
	_ = r.add(r.base, ".git/info/exclude") // git's own, often not there
	var errs []error
	at := r.base
	for _, name := range pathIn(r.base, root) {
		errs = append(errs, r.Enter(at))
		at = filepath.Join(at, name)
	}
	return r, errors.Join(errs...)
}

// Enter adds the .gitignore of dir, if there is one.
func (r *Rules) Enter(dir string) error { return r.add(dir, ".gitignore") }

// Match reports that git ignores path.
func (r *Rules) Match(path string, isDir bool) bool {
	return gitignore.NewMatcher(r.patterns).Match(pathIn(r.base, path), isDir)
}

// foreign are folders that hold no source of the project they stand in.
var foreign = []string{"node_modules", "vendor", "__pycache__", "target", "dist", "build"}

// Foreign reports that a folder of this name holds no source of the project it stands in.
func Foreign(name string) bool { return slices.Contains(foreign, name) }

// pathIn returns the names that lead from base to a path in it.
func pathIn(base, path string) []string {
	rel, err := filepath.Rel(base, path)
	if err != nil || rel == "." {
		return nil
	}
	return strings.Split(filepath.ToSlash(rel), "/")
}

// repository returns the nearest folder at or above dir that holds a .git, or dir.
func repository(dir string) string {
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return dir
		}
	}
}

func (r *Rules) add(dir, name string) error {
	text, err := textfile.Read(filepath.Join(dir, name), textfile.MaxSettings)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, textfile.ErrNotRegular) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			r.patterns = append(r.patterns, gitignore.ParsePattern(line, pathIn(r.base, dir)))
		}
	}
	return nil
}
