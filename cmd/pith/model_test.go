package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pith/cmd/pith/wiring"
)

const tinyExport = "../../perplexity/testdata/tiny-qwen2"

// command runs pith and returns its output, errors behind it, and its status.
func command(ctx context.Context, args ...string) (string, int) {
	var out bytes.Buffer
	status := run(ctx, args, strings.NewReader(""), &out, &out)
	return out.String(), status
}

// modelFolders makes an empty folder for models and a prepared model outside of it.
func modelFolders(t *testing.T) (folder, prepared string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "models")
	t.Setenv("PITH_MODELS", folder)
	prepared = filepath.Join(t.TempDir(), "tiny")
	out, status := command(t.Context(), "model", "prepare", tinyExport, "--out", prepared, "--license", "mit")
	if status != 0 || !strings.Contains(out, "contract nll") {
		t.Fatalf("prepare: status %d: %s", status, out)
	}
	return folder, prepared
}

func TestModelAddFolder(t *testing.T) {
	folder, prepared := modelFolders(t)
	if out, status := command(t.Context(), "model", "add", prepared); status != 0 {
		t.Fatalf("add: status %d: %s", status, out)
	}
	if out, status := command(t.Context(), "model", "add", tinyExport, "--name", "plain"); status != 0 ||
		!strings.Contains(out, "model prepare") {
		t.Fatalf("add an export: status %d: %s", status, out)
	}
	if out, status := command(t.Context(), "model", "add", prepared); status != 2 ||
		!strings.Contains(out, "installed already") {
		t.Errorf("add again: status %d: %s", status, out)
	}
	out, status := command(t.Context(), "model", "list")
	if status != 0 || !strings.Contains(out, "tiny\n  name qwen2, licence mit, contract nll") ||
		!strings.Contains(out, "plain\n") || !strings.Contains(out, "embedded\n") {
		t.Errorf("list: status %d: %s", status, out)
	}
	code := filepath.Join(t.TempDir(), "a.go")
	if err := os.WriteFile(code, []byte(strings.Repeat("package a\n\nfunc f() int {\n\treturn 1\n}\n", 40)),
		0o600); err != nil {
		t.Fatal(err)
	}
	out, status = command(t.Context(), "compress", "--model-dir", "tiny", "--ranker", "ami", "-q",
		"what does f return?", "--rate", "0.3", "--format", "json", code)
	if status != 0 || !strings.Contains(out, `"ranker": "ami"`) {
		t.Errorf("compress with the installed model: status %d: %.300s", status, out)
	}
	if out, status := command(t.Context(), "compress", "--model-dir", "absent", "--rate", "0.3", code); status != 2 ||
		!strings.Contains(out, "no installed model") {
		t.Errorf("compress with a model that is not there: status %d: %s", status, out)
	}
	// One that broke later does not hide the others.
	if err := os.Remove(filepath.Join(folder, "plain", "tokenizer.json")); err != nil {
		t.Fatal(err)
	}
	if out, status := command(t.Context(), "model", "list"); status != 0 || !strings.Contains(out, "plain\n  broken") ||
		!strings.Contains(out, "tiny\n  name") {
		t.Errorf("list with a broken model: status %d: %s", status, out)
	}
}

func TestModelAddRefuses(t *testing.T) {
	folder, prepared := modelFolders(t)
	damaged := filepath.Join(t.TempDir(), "damaged")
	if err := os.CopyFS(damaged, os.DirFS(prepared)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "model.onnx"), []byte("cut"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := t.TempDir()
	tests := []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{}, 2, "a folder or a URL"},
		{[]string{filepath.Join(empty, "absent")}, 2, "neither a folder"},
		{[]string{empty}, 1, "model.onnx"},
		{[]string{damaged}, 1, "wrong checksum"},
		{[]string{prepared, "--name", "../out"}, 2, "--name"},
		{[]string{prepared, "--name", ".hidden"}, 2, "--name"},
		{[]string{prepared, "--sha256", "beef"}, 2, "64 hexadecimal"},
		{[]string{prepared, "--sha256", strings.Repeat("0", 64)}, 1, "wrong checksum"},
		{[]string{prepared, "--max-size", "100KiB"}, 1, "too large"},
		{[]string{"http://models.example.com/tiny"}, 2, "use https"},
		{[]string{"https://models.example.com/", "--sha256", strings.Repeat("0", 64)}, 2, "give one with --name"},
	}
	for _, tt := range tests {
		out, status := command(t.Context(), append([]string{"model", "add"}, tt.args...)...)
		if status != tt.status || !strings.Contains(out, tt.says) {
			t.Errorf("add %v: status %d, want %d; says %q, want %q", tt.args, status, tt.status, out, tt.says)
		}
	}
	if out, status := command(t.Context(), "model", "prepare", filepath.Join(empty, "absent")); status == 0 ||
		!strings.Contains(out, filepath.Join(empty, "absent")+": no such") {
		t.Errorf("prepare a folder that is not there: status %d, %s", status, out)
	}
	if names, err := wiring.InstalledModels(folder); err != nil || len(names) > 0 {
		t.Errorf("installed %v (%v) by refusing", names, err)
	}
}

// A web server gives a folder; the first time that anybody asks for a file in cuts, it drops the
// connection half way.
func web(t *testing.T, dir string, cuts string) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var resumed atomic.Int64
	done := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(r.URL.Path, "/tiny/")))
		if r.Header.Get("Range") != "" {
			resumed.Add(1)
		}
		if filepath.Base(path) == cuts && !done {
			done = true
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			_, _ = w.Write(data[:len(data)/2])
			panic(http.ErrAbortHandler)
		}
		http.ServeFile(w, r, path)
	}))
	t.Cleanup(server.Close)
	return server, &resumed
}

func TestModelAddFromTheWeb(t *testing.T) {
	folder, prepared := modelFolders(t)
	server, resumed := web(t, prepared, "model.onnx")
	if out, status := command(t.Context(), "model", "add", server.URL+"/tiny"); status != 0 {
		t.Fatalf("add: status %d: %s", status, out)
	}
	if resumed.Load() != 1 {
		t.Errorf("resumed %d times, want once", resumed.Load())
	}
	for _, name := range []string{"model.onnx", "tokenizer.json", "config.json", "pith.json"} {
		if got, want := digest(t, filepath.Join(folder, "tiny", name)),
			digest(t, filepath.Join(prepared, name)); got != want {
			t.Errorf("%s is not what was served", name)
		}
	}

	export, _ := web(t, tinyExport, "")
	if out, status := command(t.Context(), "model", "add", export.URL+"/tiny", "--name", "export"); status != 1 ||
		!strings.Contains(out, "--sha256") {
		t.Errorf("add without any checksum: status %d: %s", status, out)
	}
	sum := digest(t, filepath.Join(tinyExport, "model.onnx"))
	if out, status := command(t.Context(), "model", "add", export.URL+"/tiny", "--name", "export", "--sha256",
		sum); status != 0 {
		t.Errorf("add with a checksum: status %d: %s", status, out)
	}
	if out, status := command(t.Context(), "model", "add", export.URL+"/tiny", "--name", "lie", "--sha256",
		strings.Repeat("0", 64)); status != 1 || !strings.Contains(out, "wrong checksum") {
		t.Errorf("add what is not what it should be: status %d: %s", status, out)
	}
	if names, err := wiring.InstalledModels(folder); err != nil || strings.Join(names, " ") != "export tiny" {
		t.Errorf("installed %v (%v), want export and tiny", names, err)
	}
}

// Interrupted in the middle of the graph, the same command goes on from there.
func TestModelAddResumes(t *testing.T) {
	folder, prepared := modelFolders(t)
	ctx, cancel := context.WithCancel(t.Context())
	var stalled atomic.Bool
	var ranges atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := filepath.Join(prepared, filepath.Base(r.URL.Path))
		if filepath.Base(path) == "model.onnx" {
			if stalled.CompareAndSwap(false, true) {
				data, _ := os.ReadFile(path)
				w.Header().Set("Content-Length", strconv.Itoa(len(data)))
				_, _ = w.Write(data[:100_000])
				_ = http.NewResponseController(w).Flush()
				for {
					if info, err := os.Stat(filepath.Join(folder, ".tiny.part", "model.onnx.part")); err == nil &&
						info.Size() > 0 {
						break
					}
					time.Sleep(time.Millisecond)
				}
				cancel()
				<-r.Context().Done()
				return
			}
			ranges.Store(r.Header.Get("Range"))
		}
		http.ServeFile(w, r, path)
	}))
	defer server.Close()
	if out, status := command(ctx, "model", "add", server.URL+"/tiny"); status != 1 ||
		!strings.Contains(out, "goes on where it stopped") {
		t.Fatalf("interrupted: status %d: %s", status, out)
	}
	if names, err := wiring.InstalledModels(folder); err != nil || len(names) > 0 {
		t.Errorf("interrupted, it has installed %v (%v)", names, err)
	}
	if out, status := command(t.Context(), "model", "add", server.URL+"/tiny"); status != 0 {
		t.Fatalf("again: status %d: %s", status, out)
	}
	if got, _ := ranges.Load().(string); !strings.HasPrefix(got, "bytes=") {
		t.Errorf("the second call asked for the range %q", got)
	}
}

func digest(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
