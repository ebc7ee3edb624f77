package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/gitignore"

	"pith/internal/textfile"
)

// A tree walks the files below a root that may hold the project's own source: not what .gitignore
// names, nor hidden files, nor what looks like a secret, nor what a symbolic link stands for.
type tree struct {
	root string
	// base is the folder whose .gitignore files count: that of the repository that root lies in, or
	// root itself.
	base    string
	ignored []gitignore.Pattern
}

// A found is a file of a walk.
type found struct {
	path string // from the root, with slashes
	info fs.FileInfo
}

// walk lists files and folders. Folders that cannot be read have nothing in them.
func walk(ctx context.Context, root string) (files []found, folders []string, err error) {
	t := &tree{root: root, base: repository(root)}
	t.excludes(t.base, ".git/info/exclude")
	for dir := range above(t.base, root) {
		t.excludes(dir, ".gitignore")
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && path == root:
			return err
		case err != nil:
			return nil
		case entry.IsDir():
			if path != root && t.refuses(path, entry) {
				return fs.SkipDir
			}
			t.excludes(path, ".gitignore")
			folders = append(folders, path)
			return nil
		case t.refuses(path, entry):
			return nil
		}
		if info, err := entry.Info(); err == nil { // else it is gone already
			files = append(files, found{strings.Join(pathIn(root, path), "/"), info})
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("walk: %w", err)
	}
	return files, folders, nil
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

// above yields the folders from base down to dir, without dir.
func above(base, dir string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		at := base
		for _, name := range pathIn(base, dir) {
			if !yield(at) {
				return
			}
			at = filepath.Join(at, name)
		}
	}
}

// pathIn returns the names that lead from base to a path in it.
func pathIn(base, path string) []string {
	rel, err := filepath.Rel(base, path)
	if err != nil || rel == "." {
		return nil
	}
	return strings.Split(filepath.ToSlash(rel), "/")
}

// excludes adds the patterns of a file in dir, if there is one that can be read.
func (t *tree) excludes(dir, name string) {
	text, err := textfile.Read(filepath.Join(dir, name), textfile.MaxSettings)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "#") {
			t.ignored = append(t.ignored, gitignore.ParsePattern(line, pathIn(t.base, dir)))
		}
	}
}

// foreign are folders that hold no source of the project they stand in.
var foreign = []string{"node_modules", "vendor", "__pycache__", "target", "dist", "build"}

// refuses reports an entry that is not even opened.
func (t *tree) refuses(path string, entry fs.DirEntry) bool {
	name := entry.Name()
	switch {
	case strings.HasPrefix(name, "."), entry.IsDir() && slices.Contains(foreign, name):
		return true
	case !entry.IsDir() && (!entry.Type().IsRegular() || isSecret(name)):
		return true
	}
	return gitignore.NewMatcher(t.ignored).Match(pathIn(t.base, path), entry.IsDir())
}

// secrets are the names of files that hold keys and passwords, or commonly do.
var secrets = []string{
	"*.env",
	"*.pem",
	"*.key",
	"*.p12",
	"*.pfx",
	"*.jks",
	"*.keystore",
	"*.kdbx",
	"*.tfvars",
	"*.tfstate",
	"id_rsa*",
	"id_dsa*",
	"id_ecdsa*",
	"id_ed25519*",
	"*credentials*",
	"secrets.*",
	"*.secret",
	"*.secrets",
	"htpasswd",
	"*.ovpn",
}

func isSecret(name string) bool {
	return slices.ContainsFunc(secrets, func(pattern string) bool {
		match, err := filepath.Match(pattern, strings.ToLower(name))
		return err == nil && match
	})
}
