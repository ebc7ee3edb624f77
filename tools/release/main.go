// Command release reads a configuration of GoReleaser as GoReleaser does, strictly: a field that
// does not exist, or of another type, is an error, and so is a file to pack that is not there.
// GoReleaser itself takes minutes to build.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: release FILE")
		os.Exit(2)
	}
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func check(path string) error {
	project, err := config.Load(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, archive := range project.Archives {
		for _, file := range archive.Files {
			if strings.Contains(file.Source, "{{") || strings.HasPrefix(file.Source, "bin/") {
				continue // made by the hooks
			}
			if found, err := filepath.Glob(file.Source); err != nil || len(found) == 0 {
				return fmt.Errorf("%s: archives: %s: no such file", path, file.Source)
			}
		}
	}
	return nil
}
