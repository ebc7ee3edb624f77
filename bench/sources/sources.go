package sources

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// HeldOut reads the names of packages that the embedded model was not trained on from the manifest
// that its training wrote. A missing file means that none is known.
func HeldOut(manifest string) (map[string]bool, error) {
	raw, err := os.ReadFile(manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var content struct {
		HeldOut []string `json:"held_out"`
	}
	if err := json.Unmarshal(raw, &content); err != nil {
		return nil, fmt.Errorf("%s: %w", manifest, err)
	}
	set := make(map[string]bool, len(content.HeldOut))
	for _, name := range content.HeldOut {
		set[name] = true
	}
	return set, nil
}

// LocalPackages finds the sources that the toolchains of this machine brought along: the standard
// libraries of Go, Python and Java, Go's module cache, Python's and Node's installed packages,
// Cargo's registry, the C++ headers. What is not there is left out. Names are those that the
// training manifest uses.
func LocalPackages(ctx context.Context) []Package {
	var found []Package
	if env := strings.Split(output(ctx, "go", "env", "GOROOT", "GOMODCACHE"), "\n"); len(env) == 2 {
		found = append(found, children("go-std std/", filepath.Join(env[0], "src"))...)
		found = append(found, modules(env[1])...)
	}
	python := "import sysconfig; p = sysconfig.get_paths(); print(p['stdlib']); print(p['purelib'])"
	if dirs := strings.Split(output(ctx, "python3", "-c", python), "\n"); len(dirs) == 2 {
		found = append(found, Package{Name: "python-std std/modules", FS: os.DirFS(dirs[0]), Flat: true})
		found = append(found, children("python-std std/", dirs[0])...)
		found = append(found, children("pypi ", dirs[1])...)
	}
	if dir := output(ctx, "npm", "root", "-g"); dir != "" {
		found = append(found, children("npm ", dir)...)
		found = append(found, children("npm ", filepath.Join(dir, "npm", "node_modules"))...)
	}
	found = append(found, crates()...)
	for _, dir := range existing("/usr/include/c++/*") {
		found = append(found, Package{Name: "system c++", FS: os.DirFS(dir)})
	}
	for _, file := range existing(filepath.Join(os.Getenv("JAVA_HOME"), "lib", "src.zip"),
		"/usr/lib/jvm/*/lib/src.zip") {
		found = append(found, jdk(file)...)
	}
	return found
}

// FolderPackages takes every folder below dir as a package. A folder laid out as the training
// recipe leaves it, <registry>/<name>@<version>, keeps its registry names.
func FolderPackages(dir string) ([]Package, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []Package
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		inside := filepath.Join(dir, entry.Name())
		separator := "/"
		if entry.Name() == "maven" {
			separator = ":"
		}
		versioned := existing(filepath.Join(inside, "*@*"))
		for _, folder := range versioned {
			name := filepath.Base(folder)
			name = strings.ReplaceAll(name[:strings.LastIndex(name, "@")], "__", separator)
			found = append(found, Package{Name: entry.Name() + " " + name, FS: os.DirFS(folder)})
		}
		if len(versioned) == 0 {
			found = append(found, Package{Name: "folder " + entry.Name(), FS: os.DirFS(inside)})
		}
	}
	if len(found) == 0 {
		found = append(found, Package{Name: "folder " + filepath.Base(dir), FS: os.DirFS(dir)})
	}
	return found, nil
}

// Mark returns the packages, one of each name and sorted by it, with HeldOut set on those that
// names lists.
func Mark(packages []Package, names map[string]bool) []Package {
	packages = distinct(packages)
	for i := range packages {
		packages[i].HeldOut = names[packages[i].Name]
	}
	return packages
}

// output runs a program and returns what it printed, or "" where it is not installed or fails.
func output(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// existing expands patterns to what is there, sorted.
func existing(patterns ...string) []string {
	var all []string
	for _, p := range patterns {
		found, _ := filepath.Glob(p) // fails only for a malformed pattern
		all = append(all, found...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// children takes each folder in dir as a package, and of a scope folder ("@types") each folder in
// that.
func children(prefix, dir string) []Package {
	var found []Package
	for _, folder := range existing(filepath.Join(dir, "*"), filepath.Join(dir, "@*", "*")) {
		info, err := os.Stat(folder)
		name, _ := filepath.Rel(dir, folder)
		skipped := slices.Contains(SkippedFolders, name) || name == "cmd" || strings.HasSuffix(name, "-info")
		if err == nil && info.IsDir() && !skipped && (!strings.HasPrefix(name, "@") || strings.Contains(name, "/")) {
			found = append(found, Package{Name: prefix + filepath.ToSlash(name), FS: os.DirFS(folder)})
		}
	}
	return found
}

// modules lists the folders of a Go module cache that carry a version. Upper-case letters are
// spelled "!a" there.
func modules(cache string) []Package {
	var found []Package
	_ = filepath.WalkDir(cache, func(folder string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		if folder == filepath.Join(cache, "cache") {
			return fs.SkipDir
		}
		if at := strings.LastIndex(folder, "@"); at > 0 {
			name, _ := filepath.Rel(cache, folder[:at])
			found = append(found, Package{Name: "go " + unescape(filepath.ToSlash(name)), FS: os.DirFS(folder)})
			return fs.SkipDir
		}
		return nil
	})
	return found
}

func unescape(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '!' && i+1 < len(name) {
			i++
			b.WriteString(strings.ToUpper(name[i : i+1]))
			continue
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// crates lists Cargo's unpacked registry, whose folders are named <name>-<version>.
func crates() []Package {
	home := os.Getenv("CARGO_HOME")
	if user, err := os.UserHomeDir(); home == "" && err == nil {
		home = filepath.Join(user, ".cargo")
	}
	var found []Package
	for _, folder := range existing(filepath.Join(home, "registry", "src", "*", "*-[0-9]*")) {
		name := filepath.Base(folder)
		for i := 1; i+1 < len(name); i++ {
			if name[i] == '-' && name[i+1] >= '0' && name[i+1] <= '9' {
				found = append(found, Package{Name: "cargo " + name[:i], FS: os.DirFS(folder)})
				break
			}
		}
	}
	return found
}

// jdk takes each top-level folder of a JDK's source archive, a module, as a package. The archive
// stays open for the life of the process.
func jdk(file string) []Package {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil
	}
	entries, err := fs.ReadDir(archive, ".")
	if err != nil {
		return nil
	}
	var found []Package
	for _, entry := range entries {
		if module, err := fs.Sub(archive, path.Clean(entry.Name())); err == nil && entry.IsDir() {
			found = append(found, Package{Name: "jdk " + entry.Name(), FS: module})
		}
	}
	return found
}

// distinct keeps the first package of each name, sorted by name, so that the order does not hang on
// where it was found.
func distinct(packages []Package) []Package {
	slices.SortStableFunc(packages, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(packages, func(a, b Package) bool { return a.Name == b.Name })
}
