package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"pith/cmd/pith/cli"
	"pith/compress"
)

// maxInputBytes bounds one input file; more than this is not source code that somebody wrote.
const maxInputBytes = 8 << 20

// readInputs reads the named files, the source files below the named folders, and standard input
// for "-", in that order. What it read of folders and what it passed over goes to errOut by name; a
// file that is named itself must be readable text of any kind.
func readInputs(ctx context.Context, paths []string, stdin io.Reader, errOut io.Writer) ([]compress.File, error) {
	if len(paths) == 0 {
		paths = []string{"-"}
	}
	var files []compress.File
	for _, path := range paths {
		found, err := readInput(ctx, path, stdin, errOut)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		return nil, cli.Usagef("no source files under %s; a file that is named itself may be any text",
			strings.Join(paths, ", "))
	}
	return files, nil
}

func readInput(ctx context.Context, path string, stdin io.Reader, errOut io.Writer) ([]compress.File, error) {
	if path == "-" {
		text, err := readAll(ctx, io.LimitReader(stdin, maxInputBytes+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return oneInput("", text)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, cli.Usage(err)
	}
	if info.IsDir() {
		folder, err := readFolder(path)
		if err != nil {
			return nil, err
		}
		folder.report(errOut)
		return folder.files, nil
	}
	// A pipe is welcome here: compress <(git show HEAD:file).
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := readAll(ctx, io.LimitReader(file, maxInputBytes+1))
	if err != nil {
		return nil, err
	}
	return oneInput(path, text)
}

// readAll is io.ReadAll that ends with ctx, even where r is a terminal at which nobody types.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text, err := io.ReadAll(r)
		done <- read{text, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		return r.text, r.err
	}
}

func oneInput(path string, text []byte) ([]compress.File, error) {
	name := path
	if name == "" {
		name = "standard input"
	}
	switch {
	case len(text) > maxInputBytes:
		return nil, cli.Usagef("%s: larger than %d MiB; name the files that matter instead", name, maxInputBytes>>20)
	case isBinary(text):
		return nil, cli.Usagef("%s: not a text file", name)
	}
	return []compress.File{{Path: path, Content: string(text)}}, nil
}
