package sources

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A Release is one version of a package of a registry.
type Release struct{ Kind, Name, version string }

// fetchTime bounds one package's download.
const fetchTime = 5 * time.Minute

// releaseNames are what registries allow; nothing of it can be taken for a flag or leave a folder.
var releaseNames = regexp.MustCompile(`^[A-Za-z@][\w./:@+-]*$`)

// ParseRelease reads "registry name@version".
func ParseRelease(text string) (Release, error) {
	kind, rest, _ := strings.Cut(text, " ")
	at := strings.LastIndex(rest, "@")
	if at <= 0 || fetchers[kind] == nil || !releaseNames.MatchString(rest) || strings.Contains(rest, "..") {
		return Release{},
			fmt.Errorf(`%q: want "registry name@version", the registry one of go, pypi, npm, cargo, maven`, text)
	}
	return Release{kind, rest[:at], rest[at+1:]}, nil
}

// fetchers put a release into the folder target. Nothing is built and no script of a package runs.
var fetchers map[string]func(ctx context.Context, r Release, work, target string) error

func init() { // a package variable would refer to itself through ParseRelease
	fetchers = map[string]func(ctx context.Context, r Release, work, target string) error{
		"go": fetchGo, "pypi": fetchPyPI, "npm": fetchNPM, "cargo": fetchCargo, "maven": fetchMaven,
	}
}

// FetchRelease returns the folder of a release below the cache, where it is fetched to unless it is
// there.
func FetchRelease(ctx context.Context, text, cache string) (string, error) {
	r, err := ParseRelease(text)
	if err != nil {
		return "", err
	}
	flat := strings.NewReplacer("/", "__", ":", "__").Replace(r.Name)
	target := filepath.Join(cache, r.Kind, flat+"@"+r.version)
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(target), ".fetch-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	unpacked := filepath.Join(work, "unpacked")
	if err := fetchers[r.Kind](ctx, r, work, unpacked); err != nil {
		return "", err
	}
	// Whoever looks finds the whole or nothing.
	return target, os.Rename(unpacked, target)
}

// client runs a registry's client in work.
func client(ctx context.Context, work, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = work
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		text := strings.TrimSpace(complaint.String() + out.String())
		return nil, fmt.Errorf("%s %s: %w: %s", name, args[0], err, text[max(0, len(text)-500):])
	}
	return out.Bytes(), nil
}

func fetchGo(ctx context.Context, r Release, work, target string) error {
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module scratch\n\ngo 1.24\n"), 0o644); err != nil {
		return err
	}
	out, err := client(ctx, work, "go", "mod", "download", "-json", r.Name+"@"+r.version)
	if err != nil {
		return err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return err
	}
	return os.CopyFS(target, os.DirFS(module.Dir))
}

func fetchPyPI(ctx context.Context, r Release, work, target string) error {
	_, err := client(ctx, work, "python3", "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", ".",
		r.Name+"=="+r.version)
	if err != nil {
		return err
	}
	return unzipOne(work, "*.whl", target)
}

func fetchNPM(ctx context.Context, r Release, work, target string) error {
	if _, err := client(ctx, work, "npm", "pack", "--silent", "--ignore-scripts", r.Name+"@"+r.version); err != nil {
		return err
	}
	archives := existing(filepath.Join(work, "*.tgz"))
	if len(archives) != 1 {
		return errors.New("npm pack left no archive")
	}
	return untar(archives[0], target)
}

func fetchCargo(ctx context.Context, r Release, work, target string) error {
	if _, err := client(ctx, work, "cargo", "info", "--registry", "crates-io", r.Name+"@"+r.version); err != nil {
		return err
	}
	home := os.Getenv("CARGO_HOME")
	if user, err := os.UserHomeDir(); home == "" && err == nil {
		home = filepath.Join(user, ".cargo")
	}
	found := existing(filepath.Join(home, "registry", "src", "*", r.Name+"-"+r.version))
	if len(found) == 0 {
		return errors.New("cargo info did not unpack it")
	}
	return os.CopyFS(target, os.DirFS(found[0]))
}

const mavenProject = `<project><modelVersion>4.0.0</modelVersion>
<groupId>x</groupId><artifactId>x</artifactId><version>1</version>
<dependencies><dependency>
<groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version>
</dependency></dependencies></project>
`

func fetchMaven(ctx context.Context, r Release, work, target string) error {
	group, artifact, ok := strings.Cut(r.Name, ":")
	if !ok {
		return fmt.Errorf("%q: want group:artifact", r.Name)
	}
	if err := os.WriteFile(filepath.Join(work, "pom.xml"), fmt.Appendf(nil, mavenProject, group, artifact, r.version),
		0o644); err != nil {
		return err
	}
	_, err := client(ctx, work, "mvn", "-q", "-B", "dependency:copy-dependencies", "-Dclassifier=sources",
		"-DexcludeTransitive=true",
		"-DoutputDirectory=out")
	if err != nil {
		return err
	}
	return unzipOne(work, "out/*.jar", target)
}

// mostUnpacked bounds what an archive may unfold to, in bytes.
const mostUnpacked = 512 << 20

func unzipOne(work, pattern, target string) error {
	archives := existing(filepath.Join(work, pattern))
	if len(archives) != 1 {
		return fmt.Errorf("%d archives instead of one", len(archives))
	}
	z, err := zip.OpenReader(archives[0])
	if err != nil {
		return err
	}
	defer z.Close() //nolint:errcheck // it was only read
	left := int64(mostUnpacked)
	for _, f := range z.File {
		if f.Mode().IsRegular() {
			in, err := f.Open()
			if err != nil {
				return err
			}
			err = errors.Join(put(target, f.Name, in, &left), in.Close())
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// untar unpacks an archive of npm without the folder around all.
func untar(archive, target string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	left := int64(mostUnpacked)
	for files := tar.NewReader(unzipped); ; {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, name, inside := strings.Cut(head.Name, "/"); inside && head.Typeflag == tar.TypeReg {
			if err := put(target, name, files, &left); err != nil {
				return err
			}
		}
	}
}

// put writes one file of an archive below target.
func put(target, name string, in io.Reader, left *int64) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%s: %w", name, fs.ErrInvalid)
	}
	file := filepath.Join(target, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	n, err := io.Copy(out, io.LimitReader(in, *left+1))
	if *left -= n; *left < 0 {
		err = errors.Join(err, fmt.Errorf("unfolds to more than %d bytes", mostUnpacked))
	}
	return errors.Join(err, out.Close())
}
