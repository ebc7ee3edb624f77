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

	"pith/compress"
)

// maxInputBytes bounds one input file; more than this is not source code that somebody wrote.
const maxInputBytes = 8 << 20

// skippedDirs are folders that hold no source of the project they stand in.
var skippedDirs = []string{"node_modules", "vendor", "__pycache__", "target", "dist", "build"}

// readInputs reads the named files, the text files below the named folders, and standard input for "-", in that order.
// A folder's hidden, binary and oversized files are passed over; a file that is named itself must be readable text.
func readInputs(paths []string, stdin io.Reader) ([]compress.File, error) {
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	var files []compress.File
	for _, path := range paths {
		found, err := readInput(path, stdin)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, usagef("no text files under %s", strings.Join(paths, ", "))
	}
	return files, nil
}

func readInput(path string, stdin io.Reader) ([]compress.File, error) {
	if path == "-" {
		text, err := io.ReadAll(io.LimitReader(stdin, maxInputBytes+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return oneInput("", text)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, usageError{err}
	}
	if info.IsDir() {
		return readFolder(path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return oneInput(path, text)
}

func oneInput(path string, text []byte) ([]compress.File, error) {
	name := path
	if name == "" {
		name = "standard input"
	}
	switch {
	case len(text) > maxInputBytes:
		return nil, usagef("%s: larger than %d MiB; name the files that matter instead", name, maxInputBytes>>20)
	case isBinary(text):
		return nil, usagef("%s: not a text file", name)
	}
	return []compress.File{{Path: path, Content: string(text)}}, nil
}

func readFolder(root string) ([]compress.File, error) {
	var files []compress.File
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root
		if entry.IsDir() {
			if hidden || slices.Contains(skippedDirs, entry.Name()) && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || !entry.Type().IsRegular() {
			return nil
		}
		if info, err := entry.Info(); err != nil || info.Size() > maxInputBytes {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if len(text) > 0 && !isBinary(text) {
			files = append(files, compress.File{Path: filepath.ToSlash(path), Content: string(text)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read folder: %w", err)
	}
	return files, nil
}

// isBinary reports whether text has a NUL among its first bytes, the test that git and grep use.
func isBinary(text []byte) bool {
	return bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0
}
