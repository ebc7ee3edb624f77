//go:build scorers

package remote_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pith/perplexity"
	"pith/perplexity/remote"
)

// Real servers of KServe's protocol, of two houses, give the embedded model's losses with its
// weights. Run by `make scorers`.
func TestScorersOfOthers(t *testing.T) {
	for name, start := range map[string]func(t *testing.T, port string) *exec.Cmd{
		"triton":   triton,
		"mlserver": mlserver,
	} {
		t.Run(name, func(t *testing.T) {
			url := run(t, start, ready)
			opt := options(t, &fakeServer{}, remote.KServe)
			opt.URL = url
			s := scorer(t, opt)
			t.Log(s.About())
			got, err := s.Score(t.Context(), texts())
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, local(t, texts()), 0)
		})
	}
}

// A real OpenAI-compatible server gives the losses that are computed elsewhere from the same
// weights, and is refused where it gives them for another place: this one does so with vocabularies
// whose texts begin without a mark.
func TestScorersOfOthersOverOpenAI(t *testing.T) {
	seqs := []perplexity.Sequence{
		{Text: "func area(w, h int) int {\n\treturn w * h\n}\n"}, {Text: "größe := \"漢字 ok\"\n"},
	}
	for name, bos := range map[string]string{"with a mark": "1", "without": "0"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			opt := remote.Options{Protocol: remote.OpenAI, Model: "tiny", Timeout: time.Minute, Rest: time.Hour}
			opt.URL = run(t, func(t *testing.T, port string) *exec.Cmd { return llama(t, port, dir, bos, seqs) }, "/v1/models")
			if bos == "0" {
				if err := refused(t, opt); !errors.Is(err, remote.ErrRefused) ||
					!strings.Contains(err.Error(), "given for another place") {
					t.Errorf("refused with %v", err)
				}
				return
			}
			s := scorer(t, opt)
			t.Log(s.About())
			data, err := os.ReadFile(filepath.Join(dir, "exact.json"))
			if err != nil {
				t.Fatal(err)
			}
			var exact [][]perplexity.Loss
			if err := json.Unmarshal(data, &exact); err != nil {
				t.Fatal(err)
			}
			got, err := s.Score(t.Context(), seqs)
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, []perplexity.Losses{{Text: exact[0]}, {Text: exact[1]}}, 6) // two characters whose parts have no places
		})
	}
}

// llama is llama-cpp-python's server with a model made here, whose weights are random. Its cache of
// keys and values holds single precision, as halves are no exact losses.
func llama(t *testing.T, port, folder, bos string, seqs []perplexity.Sequence) *exec.Cmd {
	t.Helper()
	python := filepath.Join(deps(t, "llama-cpp-python"), "bin/python")
	var list []string
	for _, s := range seqs {
		list = append(list, s.Text)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/servers/tinyllama.py", folder, bos,
		string(text)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return exec.CommandContext(context.Background(), python, "-m", "llama_cpp.server", "--model",
		filepath.Join(folder, "tiny.gguf"), "--model_alias", "tiny", "--host", "127.0.0.1", "--port", port,
		"--n_ctx", "2048", "--n_threads", "1", "--type_k", "0", "--type_v", "0")
}

// exported writes the embedded model for a server that may be slow.
func exported(t *testing.T) perplexity.TritonExport {
	t.Helper()
	e, err := perplexity.ExportTriton(t.Context(), "", perplexity.TritonOptions{
		Out: filepath.Join(t.TempDir(), "models"), QueueTimeout: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func deps(t *testing.T, name string) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("../../.deps/scorers", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "ready")); err != nil {
		t.Fatal("no servers: run scripts/fetch-scorers")
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func source(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/servers", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// triton is the server that the package carries. It has no ONNX Runtime backend: the exported graph
// runs in its Python backend, with the exported configuration otherwise.
func triton(t *testing.T, port string) *exec.Cmd {
	e, dir := exported(t), deps(t, "nvidia-pytriton")
	config := filepath.Join(e.Folder, "config.pbtxt")
	data, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	put(t, config, strings.NewReplacer(`"onnxruntime"`, `"python"`, "KIND_AUTO", "KIND_CPU").Replace(string(data)))
	put(t, filepath.Join(e.Folder, "1", "model.py"), source(t, "triton.py"))
	found, err := filepath.Glob(filepath.Join(dir, "lib/python3.*/site-packages"))
	if err != nil || len(found) != 1 {
		t.Fatal("no packages in ", dir)
	}
	home := filepath.Join(found[0], "pytriton/tritonserver")
	cmd := exec.CommandContext(context.Background(), filepath.Join(home, "bin/tritonserver"),
		"--model-repository", filepath.Dir(e.Folder),
		"--backend-directory", filepath.Join(home, "backends"), "--http-address", "127.0.0.1", "--http-port", port,
		"--allow-grpc=false", "--allow-metrics=false")
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"),
		"LD_LIBRARY_PATH="+filepath.Join(found[0], "nvidia_pytriton.libs"), "PYTHONPATH="+found[0])
	return cmd
}

func mlserver(t *testing.T, port string) *exec.Cmd {
	e, dir, home := exported(t), deps(t, "mlserver"), t.TempDir()
	put(t, filepath.Join(home, "served.py"), source(t, "mlserver.py"))
	put(t, filepath.Join(home, "settings.json"), fmt.Sprintf(`{"host": "127.0.0.1", "http_port": %s, "grpc_port": 0, `+
		`"metrics_endpoint": null, "parallel_workers": 0}`, port))
	end := func(names ...string) string {
		var list []string
		for _, name := range names {
			list = append(list, fmt.Sprintf(`{"name": %q, "datatype": "INT64", "shape": [-1, -1]}`, name))
		}
		return strings.Join(list, ",")
	}
	put(t, filepath.Join(home, "model-settings.json"), fmt.Sprintf(
		`{"name": %q, "implementation": "served.Served", "parameters": {"uri": %q, "version": "1"}, `+
			`"inputs": [%s], "outputs": [%s]}`,
		e.Name, filepath.Join(e.Folder, "1", "model.onnx"), end("input_ids", "attention_mask", "position_ids",
			"targets"),
		strings.Replace(end("losses"), "INT64", "FP32", 1)))
	cmd := exec.CommandContext(context.Background(), filepath.Join(dir, "bin/mlserver"), "start", home)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+home)
	return cmd
}

// ready is what servers of KServe's protocol answer once they serve the model.
const ready = "/v2/models/pith-code-lm/ready"

// run starts a server and waits until it answers a path.
func run(t *testing.T, start func(*testing.T, string) *exec.Cmd, path string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	cmd := start(t, port)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it and what it started
		<-exited
	})
	for url = "http://127.0.0.1:" + port; ; time.Sleep(100 * time.Millisecond) {
		select {
		case <-exited:
			t.Fatalf("it ended:\n%s", out.String())
		default:
		}
		res, err := http.Get(url + path)
		if err != nil {
			continue
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return url
		}
	}
}
