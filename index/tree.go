package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// A tree walks the files below a root that may hold the project's own source: not what .gitignore
// names, nor hidden files, nor what looks like a secret, nor what a symbolic link stands for.
type tree struct {
	rules *Rules
}

// A treeFile is a file of a walk.
type treeFile struct {
	path string // from the root, with slashes
	info fs.FileInfo
}

// walk lists files and folders, and counts the folders that cannot be read: they have nothing in
// them.
func walk(ctx context.Context, root string) (files []treeFile, folders []string, unread int, err error) {
	rules, _ := NewRules(root) // what cannot be read names nothing
	t := &tree{rules: rules}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && path == root:
			return err
		case err != nil:
			if !errors.Is(err, fs.ErrNotExist) {
				unread++
			}
			return nil
		case entry.IsDir():
			if path != root && t.refuses(path, entry) {
				return fs.SkipDir
			}
			_ = rules.Enter(path) // as above
			folders = append(folders, path)
			return nil
		case t.refuses(path, entry):
			return nil
		}
		if info, err := entry.Info(); err == nil { // else it is gone already
			files = append(files, treeFile{strings.Join(pathIn(root, path), "/"), info})
		}
		return nil
	})
	if err != nil {
		return nil, nil, 0, fmt.Errorf("walk: %w", err)
	}
	return files, folders, unread, nil
}

// refuses reports an entry that is not even opened.
func (t *tree) refuses(path string, entry fs.DirEntry) bool {
	name := entry.Name()
	switch {
	case strings.HasPrefix(name, "."), entry.IsDir() && Foreign(name):
		return true
	case !entry.IsDir() && (!entry.Type().IsRegular() || isSecret(name)):
		return true
	}
	return t.rules.Match(path, entry.IsDir())
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
