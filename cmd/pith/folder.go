package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-enry/go-enry/v2"

	"pith/compress"
	"pith/index"
	"pith/internal/textfile"
	"pith/parsers"
)

// A fileTree is a walk over the source files below a root: not what .gitignore names, nor hidden
// files, nor data.
type fileTree struct {
	root    string
	rules   *index.Rules
	files   []compress.File
	skipped []string // names with the reason, as they are shown
}

// readFolder returns the source files below root, by name, and what it passed over.
func readFolder(root string) (*fileTree, error) {
	full, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	rules, err := index.NewRules(full)
	if err != nil {
		return nil, err
	}
	f := &fileTree{root: root, rules: rules}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		full, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		return f.visit(path, full, entry)
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return f, nil
}

// visit takes or passes over one entry.
func (f *fileTree) visit(path, full string, entry fs.DirEntry) error {
	if path == f.root {
		return f.rules.Enter(full)
	}
	reason := f.refuse(full, entry)
	switch {
	case reason != "" && entry.IsDir():
		f.skip(path+string(filepath.Separator), reason)
		return fs.SkipDir
	case entry.IsDir():
		return f.rules.Enter(full)
	case reason != "":
		f.skip(path, reason)
		return nil
	}
	text, reason, err := readSource(path)
	if err != nil || reason != "" {
		f.skip(path, reason)
		return err
	}
	f.files = append(f.files, compress.File{Path: filepath.ToSlash(path), Content: string(text)})
	return nil
}

// refuse says why an entry is not even opened; "" where nothing speaks against it.
func (f *fileTree) refuse(full string, entry fs.DirEntry) string {
	name := entry.Name()
	switch {
	case name == ".git":
		return "git"
	case f.rules.Match(full, entry.IsDir()):
		return "ignored by git"
	case strings.HasPrefix(name, "."):
		return "hidden"
	case entry.IsDir() && index.Foreign(name):
		return "not the project's own"
	case !entry.IsDir() && !entry.Type().IsRegular():
		return "not a regular file"
	}
	return ""
}

// readSource returns the text of a file, or the reason why it is none to compress.
func readSource(path string) (text []byte, reason string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	if info.Size() > maxInputBytes {
		return nil, fmt.Sprintf("larger than %d MiB", maxInputBytes>>20), nil
	}
	text, err = textfile.Read(path, maxInputBytes)
	switch {
	case err != nil:
		return nil, "", err
	case len(text) == 0:
		return nil, "empty", nil
	case isBinary(text):
		return nil, "binary", nil
	}
	if language, ok := isSource(path, text); !ok {
		return nil, "no code: " + language, nil
	}
	return text, "", nil
}

// isSource says whether a file is in a language that is cut along its syntax or is at least a
// programming language, and which.
func isSource(path string, text []byte) (language string, ok bool) {
	language = parsers.Detect(path, text)
	if slices.Contains(parsers.Languages(), language) {
		return language, true
	}
	named := enry.GetLanguage(filepath.Base(path), text[:min(len(text), 8<<10)])
	return language, enry.GetLanguageType(named) == enry.Programming
}

func (f *fileTree) skip(path, reason string) {
	if reason != "git" && reason != "" {
		f.skipped = append(f.skipped, fmt.Sprintf("%s (%s)", filepath.ToSlash(path), reason))
	}
}

// report says what was read and what was passed over.
func (f *fileTree) report(w io.Writer) {
	read := make([]string, 0, len(f.files))
	for _, file := range f.files {
		read = append(read, file.Path)
	}
	reportNames(w, "read", read)
	reportNames(w, "skipped", f.skipped)
}

// maxNames bounds how many names a report lists.
const maxNames = 100

func reportNames(w io.Writer, what string, names []string) {
	if len(names) == 0 {
		return
	}
	more := ""
	if len(names) > maxNames {
		more = fmt.Sprintf(" and %d more", len(names)-maxNames)
	}
	fmt.Fprintf(w, "%s %d: %s%s\n", what, len(names), strings.Join(names[:min(len(names), maxNames)], ", "), more)
}

// isBinary reports whether text has a NUL among its first bytes, the test that git and grep use.
func isBinary(text []byte) bool {
	return bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0
}
