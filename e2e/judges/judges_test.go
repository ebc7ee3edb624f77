// Package judges_test has what Pith leaves of valid files judged by the parsers of their languages.
package judges_test

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pith/compress"
	"pith/parsers/processes"
	"pith/tokens"
)

// judged is how many files of each language are judged; PITH_JUDGE may say another number.
const judged = 40

// A judge is a language's own parser. It names the files of a folder that it refuses, and why.
type judge struct {
	language string
	ext      string
	// corpus lists files of real projects; nil where the machine has none.
	corpus func(t *testing.T, limit int) map[string]string
	refuse func(t *testing.T, dir string) map[string]string
}

var judges = []judge{
	{"go", ".go", walked(filepath.Join(build.Default.GOROOT, "src"), ".go"), refuseGo},
	{"python", ".py", pythonCorpus, byCommand("python3", "judge.py", "python")},
	{"yaml", ".yaml", walked(moduleCache(), ".yml"), byCommand("python3", "judge.py", "yaml")},
	{"bash", ".sh", scripts, refuseBash},
	{"typescript", ".ts", walked("../../.deps/", ".ts"), refuseTypeScript},
	{"java", ".java", javaCorpus, byCommand("java", "Judge.java")},
}

// TestOutputsAreValid: what a language's own parser takes for valid it takes for valid shortened.
// It names what is refused.
func TestOutputsAreValid(t *testing.T) {
	limit := judged
	if n, err := strconv.Atoi(os.Getenv("PITH_JUDGE")); err == nil {
		limit = n
	}
	pool, err := processes.NewPool(processes.Options{InProcess: true, Timeout: time.Minute}) // however busy the machine
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	engine, err := compress.New(
		compress.Options{Splitter: pool, Counters: tokenCounters{tokens.New()}, Ranker: "words"},
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range judges {
		t.Run(j.language, func(t *testing.T) { j.judge(t, engine, limit) })
	}
}

type tokenCounters struct{ counters *tokens.Counters }

func (c tokenCounters) For(model string) compress.Counter { return c.counters.For(model) }

func (j judge) judge(t *testing.T, engine *compress.Engine, limit int) {
	files := j.corpus(t, limit)
	if len(files) == 0 {
		t.Logf("no %s files on this machine", j.language)
		return
	}
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, "in", name+j.ext), text)
	}
	invalid := j.refuse(t, filepath.Join(dir, "in"))
	valid, outputs, thin := 0, 0, 0
	for name, text := range files {
		if invalid[filepath.Join(dir, "in", name+j.ext)] != "" {
			continue
		}
		valid++
		for _, rate := range []float64{0.4, 0.15} {
			req := compress.Request{
				Files: []compress.File{{Path: "x" + j.ext, Content: text, Language: j.language}},
				Query: questionOf(text), Rate: rate,
			}
			res, err := engine.Compress(context.Background(), req)
			if errors.Is(err, compress.ErrBudget) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			outputs++
			if res.Thin() {
				thin++ // the proxy passes the original, and the command line says so
			}
			write(t, filepath.Join(dir, "out", fmt.Sprintf("%s-%v%s", name, rate, j.ext)), res.Text)
		}
	}
	refused := j.refuse(t, filepath.Join(dir, "out"))
	t.Logf("%s: %d outputs of %d valid files, %d refused, %d hold less than a third of their budget in lines",
		j.language,
		outputs, valid, len(refused), thin)
	if valid == 0 {
		t.Errorf("none of %d files is valid", len(files))
	}
	for path, why := range refused {
		t.Errorf("%s: %s", filepath.Base(path), why)
		if keep := os.Getenv("PITH_KEEP"); keep != "" {
			text, _ := os.ReadFile(path)
			write(t, filepath.Join(keep, filepath.Base(path)), string(text))
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

var word = regexp.MustCompile(`[A-Za-z_]{5,}`)

// questionOf asks for a word from the middle of a text.
func questionOf(text string) string {
	found := word.FindString(text[len(text)/2:])
	return "What does " + found + " do?"
}

// Sizes of the files that are judged, in bytes: a smaller one is not cut, a larger one says no
// more.
const (
	least = 2000
	most  = 60_000
)

// walked lists files below a folder, evenly spread over all that there are.
func walked(root, ext string) func(*testing.T, int) map[string]string {
	return func(t *testing.T, limit int) map[string]string {
		t.Helper()
		var paths []string
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ext || strings.HasSuffix(path, ".d.ts") {
				return nil // a folder that cannot be read has no files for us
			}
			if info, err := d.Info(); err == nil && info.Size() > least && info.Size() < most {
				paths = append(paths, path)
			}
			return nil
		})
		files := map[string]string{}
		for i := range limit {
			if at := i * len(paths) / limit; at < len(paths) {
				text, err := os.ReadFile(paths[at])
				if err != nil {
					t.Fatal(err)
				}
				files[fmt.Sprintf("%04d", at)] = string(text)
			}
		}
		return files
	}
}

// scripts lists the system's and the module cache's shell scripts, whatever they are called.
func scripts(t *testing.T, limit int) map[string]string {
	t.Helper()
	files := walked(moduleCache(), ".sh")(t, limit)
	for _, root := range []string{"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/share", "/etc"} {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || len(files) >= limit {
				return nil
			}
			if info, err := d.Info(); err != nil || info.Size() <= least || info.Size() >= most {
				return nil
			}
			text, err := os.ReadFile(path)
			if err == nil && shebang.Match(text) {
				files[fmt.Sprintf("s%04d", len(files))] = string(text)
			}
			return nil
		})
	}
	return files
}

var shebang = regexp.MustCompile(`^#! ?/(?:usr/)?bin/(?:env )?(?:ba)?sh\b`)

func moduleCache() string {
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

func pythonCorpus(t *testing.T, limit int) map[string]string {
	t.Helper()
	out, err := exec.Command("python3", "-c", `import sysconfig; print(sysconfig.get_paths()["stdlib"])`).Output()
	if err != nil {
		t.Fatalf("ask python3 for its library: %v", err)
	}
	return walked(strings.TrimSpace(string(out)), ".py")(t, limit)
}

// javaCorpus reads the sources that come with a JDK; there need not be one.
func javaCorpus(t *testing.T, limit int) map[string]string {
	t.Helper()
	archives, _ := filepath.Glob("/usr/lib/jvm/*/lib/src.zip")
	archives = slices.DeleteFunc(archives, func(path string) bool {
		_, err := os.Stat(path) // of some JDKs there is a link and no archive
		return err != nil
	})
	if _, err := exec.LookPath("java"); err != nil || len(archives) == 0 {
		return nil
	}
	archive, err := zip.OpenReader(archives[0])
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	var list []*zip.File
	for _, f := range archive.File {
		if size := f.UncompressedSize64; strings.HasSuffix(f.Name, ".java") && size > least && size < most {
			list = append(list, f)
		}
	}
	files := map[string]string{}
	for i := range limit {
		at := i * len(list) / limit
		r, err := list[at].Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		_ = r.Close()
		if err != nil {
			t.Fatal(err)
		}
		files[fmt.Sprintf("%04d", at)] = string(text)
	}
	return files
}

func refuseGo(t *testing.T, dir string) map[string]string {
	t.Helper()
	refused := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	for _, path := range paths {
		if _, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution); err != nil {
			refused[path] = err.Error()
		}
	}
	return refused
}

func refuseBash(t *testing.T, dir string) map[string]string {
	t.Helper()
	refused := map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(dir, "*.sh"))
	for _, path := range paths {
		if out, err := exec.Command("bash", "-n", path).CombinedOutput(); err != nil {
			refused[path] = fmt.Sprintf("%v: %s", err, out)
		}
	}
	return refused
}

func refuseTypeScript(t *testing.T, dir string) map[string]string {
	t.Helper()
	library, err := filepath.Abs("../../.deps/clients/node_modules/typescript")
	if err != nil {
		t.Fatal(err)
	}
	return refusedBy(t, "node", "judge.cjs", dir, library)
}

// byCommand runs a judge that prints a line for each file that it refuses: the path, a tab, the
// reason.
func byCommand(name string, args ...string) func(*testing.T, string) map[string]string {
	return func(t *testing.T, dir string) map[string]string {
		t.Helper()
		return refusedBy(t, name, append(slices.Clip(args), dir)...)
	}
}

func refusedBy(t *testing.T, name string, args ...string) map[string]string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "PYTHONPATH=../../.deps/python", "PATH="+os.Getenv("PATH")+":../../.deps/node/bin")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errs.String())
	}
	refused := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, why, _ := strings.Cut(strings.TrimSpace(line), "\t")
		refused[path] = why
	}
	return refused
}
