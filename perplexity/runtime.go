package perplexity

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// RuntimeVersion is the ONNX Runtime release that the binding's API version belongs to. Newer
// libraries work, older ones do not.
const RuntimeVersion = "1.24.1"

// runtimePins lists the checksums of the library builds that scripts/fetch-onnxruntime installs.
//
//go:embed runtime.sha256
var runtimePins string

// A RuntimeError says why ONNX Runtime cannot be used, and what to do about it.
type RuntimeError struct {
	// Path is the library, or empty when none was found.
	Path string
	// Remedy is one sentence for the user.
	Remedy string
	Err    error
}

func (e *RuntimeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("onnx runtime: %v; %s", e.Err, e.Remedy)
	}
	return fmt.Sprintf("onnx runtime %s: %v; %s", e.Path, e.Err, e.Remedy)
}

func (e *RuntimeError) Unwrap() error { return e.Err }

// ErrNoLibrary means that no ONNX Runtime library was found in any of the places searched.
var ErrNoLibrary = errors.New("library not found")

const fetchRemedy = "run `make deps` or set PITH_ONNXRUNTIME to the library of ONNX Runtime " + RuntimeVersion

// environment is the process's one ONNX Runtime environment: the library cannot be loaded twice,
// and destroying it unloads code that sessions still run, so it lives until the process ends.
var environment struct {
	sync.Mutex
	path string
}

// Setup loads ONNX Runtime from libraryPath, or from where FindLibrary finds it when libraryPath is
// empty. After a success further calls do nothing, unless they name another library, which is an
// error. After a failure it may be called again.
func Setup(libraryPath string) error {
	environment.Lock()
	defer environment.Unlock()
	if environment.path != "" && libraryPath == "" {
		return nil
	}
	path, err := FindLibrary(libraryPath)
	if err != nil {
		return err
	}
	switch environment.path {
	case path:
		return nil
	case "":
	default:
		return &RuntimeError{
			Path: path, Remedy: "use one library per process",
			Err: fmt.Errorf("%s is loaded already", environment.path),
		}
	}
	if err := checkPinned(path); err != nil {
		return err
	}
	ort.SetSharedLibraryPath(path)
	// Errors come back as values; at lower levels the runtime would also print them on standard
	// error.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return &RuntimeError{Path: path, Remedy: fetchRemedy, Err: fmt.Errorf("load library: %w", err)}
	}
	environment.path = path
	return nil
}

// loadedLibrary returns the path of the library in use, or "" before Setup.
func loadedLibrary() string {
	environment.Lock()
	defer environment.Unlock()
	return environment.path
}

// FindLibrary returns the path of the ONNX Runtime library: hint if not empty, else
// $PITH_ONNXRUNTIME, else the first that exists next to the executable, in ../lib/pith beside it,
// in .deps/onnxruntime of the executable's parent folder, of the working directory or a folder
// above it, or in the system's library folders. The error is a *RuntimeError.
func FindLibrary(hint string) (string, error) {
	for _, explicit := range []string{hint, os.Getenv("PITH_ONNXRUNTIME")} {
		if explicit == "" {
			continue
		}
		path := explicit
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path = filepath.Join(path, libraryName())
		}
		if _, err := os.Stat(path); err != nil {
			return "", &RuntimeError{Path: path, Remedy: fetchRemedy, Err: err}
		}
		return filepath.Abs(path)
	}
	places := libraryPlaces()
	for _, place := range places {
		path := filepath.Join(place, libraryName())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", &RuntimeError{
		Remedy: fetchRemedy,
		Err:    fmt.Errorf("%w: %s in none of %s", ErrNoLibrary, libraryName(), strings.Join(places, ", ")),
	}
}

func libraryName() string {
	if runtime.GOOS == "darwin" {
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so"
}

// fetched is where scripts/fetch-onnxruntime puts the library, below the checkout's root.
var fetched = filepath.Join(".deps", "onnxruntime")

func libraryPlaces() []string {
	var places []string
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		prefix := filepath.Dir(filepath.Dir(exe))
		places = append(places, filepath.Dir(exe), filepath.Join(prefix, "lib", "pith"), filepath.Join(prefix, fetched))
	}
	if dir, err := os.Getwd(); err == nil {
		for ; ; dir = filepath.Dir(dir) {
			places = append(places, filepath.Join(dir, fetched))
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return append(
		places, "/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
		"/opt/homebrew/lib",
	)
}

// checkPinned refuses a library below .deps that is not one of the pinned builds. A library that
// the user named or the system installed is the user's own choice and is not checked.
func checkPinned(path string) error {
	if !strings.HasSuffix(filepath.Dir(path), fetched) {
		return nil
	}
	got, err := fileSHA256(os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return &RuntimeError{Path: path, Remedy: fetchRemedy, Err: err}
	}
	platform := runtime.GOOS + "-" + runtime.GOARCH + "/" + libraryName()
	for line := range strings.Lines(runtimePins) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == got && f[1] == platform {
			return nil
		}
	}
	return &RuntimeError{
		Path: path, Remedy: "remove the folder and run `make deps`",
		Err: &ChecksumError{File: filepath.Base(path), Got: got, Want: "one of the pinned builds"},
	}
}

// fileSHA256 returns the lowercase hex checksum of a file without holding it in memory.
func fileSHA256(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
