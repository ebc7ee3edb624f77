package e2e

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const smallSource = "def area(w, h):\n    return w * h\n\n\ndef name():\n    return 'x'\n"

// write makes files below dir.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// What is asked for by name is had or is an error: only auto falls back.
func TestWhatIsAskedForByNameIsHadOrIsAnError(t *testing.T) {
	broken := t.TempDir()
	write(t, broken, map[string]string{"model.onnx": "no graph", "tokenizer.json": "{}", "config.json": "{}"})
	gone := filepath.Join(t.TempDir(), "libonnxruntime.so")
	config := filepath.Join(t.TempDir(), "pith.yaml")
	write(t, filepath.Dir(config), map[string]string{"pith.yaml": "model:\n  device: cuda:99\n"})
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{
			[]string{"compress", "--device", "cuda:99", "--rate", "0.5", "-"},
			[]string{"--device", "cuda:99 cannot be had"},
		},
		{[]string{"compress", "--model-dir", broken, "--rate", "0.5", "-"}, []string{"--model-dir", broken}},
		{
			[]string{"compress", "--config", config, "--rate", "0.5", "-"},
			[]string{config + ":2:", "cuda:99 cannot be had"},
		},
		{
			[]string{"serve", "--config", config, "--listen", "127.0.0.1:0"},
			[]string{config + ":2:", "cuda:99 cannot be had"},
		},
	} {
		out, errOut, status := pith(t, smallSource, tt.args...)
		if status != 1 || out != "" || strings.Count(errOut, "\n") != 1 {
			t.Errorf("%v: status %d, stdout %q, stderr %q", tt.args, status, out, errOut)
		}
		for _, want := range tt.want {
			if !strings.Contains(errOut, want) {
				t.Errorf("%v: %q does not name %s", tt.args, errOut, want)
			}
		}
	}
	// Without a model auto and the rankers by words do what they can, and those that read do not.
	home := t.TempDir()
	copied := filepath.Join(home, "pith") // beside a library that is none, which is the first that is found
	write(t, home, map[string]string{"libonnxruntime.so": "none", "libonnxruntime.dylib": "none"})
	if text, err := os.ReadFile(binary); err != nil || os.WriteFile(copied, text, 0o700) != nil {
		t.Fatal("copy the binary: ", err)
	}
	without := func(args ...string) (string, int) {
		cmd := exec.CommandContext(t.Context(), copied,
			append([]string{"compress", "-q", "area", "--rate", "0.9"}, args...)...)
		cmd.Dir, cmd.Env = home, []string{"HOME=" + home}
		cmd.Stdin = strings.NewReader(smallSource)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, ranker := range []string{"auto", "words", "bm25"} {
		if out, status := without("--ranker", ranker); status != 0 || !strings.Contains(out, "ranking by words only") {
			t.Errorf("--ranker %s without a model: status %d: %s", ranker, status, out)
		}
	}
	for _, ranker := range []string{"ami", "hybrid"} {
		if out, status := without("--ranker", ranker); status != 1 ||
			!strings.Contains(out, "--ranker: compress.ranker: "+ranker+" cannot be had") {
			t.Errorf("--ranker %s without a model: status %d: %s", ranker, status, out)
		}
	}
	if out, errOut, status := pith(t, smallSource, "compress", "--rate", "0.9", "--model", "nobodys-model", "-q",
		"area", "-"); status != 0 ||
		!strings.Contains(errOut, "no tokenizer of model nobodys-model is known; o200k_base stands in") {
		t.Errorf("an unknown --model: status %d: %s%s", status, out, errOut)
	}
	t.Setenv("PITH_ONNXRUNTIME", gone)
	if out, errOut, status := pith(t, smallSource, "compress", "--rate", "0.9", "-"); status != 1 ||
		!strings.Contains(errOut, "PITH_ONNXRUNTIME: model.runtime") {
		t.Errorf("a library that is not there: status %d: %s%s", status, out, errOut)
	}
}

func TestMistypedCommandsAndValuesAreExplained(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"sevre"}, `unknown command "sevre" (did you mean serve?)`},
		{[]string{"evolve", "rnu"}, `unknown command "evolve rnu" (did you mean run?)`},
		{[]string{"evolve", "frobnicate"}, `unknown command "evolve frobnicate"`},
		{[]string{"bench", "frob"}, `unknown command "bench frob"`},
		{[]string{"help", "evolve", "rnu"}, `unknown command "evolve rnu" (did you mean run?)`},
		{[]string{"model", "lst"}, "did you mean list"},
		{[]string{"key", "nwe"}, "did you mean new"},
		{[]string{"config", "chek"}, "did you mean check"},
		{[]string{"compress", "--rate", "abc", "-"}, `--rate "abc": want a number such as 0.25`},
		{[]string{"compress", "--budget", "many", "-"}, `--budget "many": want a whole number`},
		{[]string{"evolve", "run", "--patience", "5", "x"}, `--patience "5": want a duration such as`},
		{[]string{"bench", "retention", "--ratios", "a"}, `--ratios "a": want numbers such as`},
		{[]string{"evolve", "run", "--seed", "-1", "x"}, `--seed "-1": want a whole number`},
		{[]string{"evolve", "run", "--racing=maybe", "x"}, `--racing "maybe": want true or false`},
		{[]string{"model", "add", "--max-size", "big", "x"}, `--max-size "big": want a size`},
	} {
		out, errOut, status := pith(t, "", tt.args...)
		if status != 2 || out != "" || !strings.Contains(errOut, tt.want) || strings.Contains(errOut, "strconv") ||
			strings.Count(errOut, "\n") != 1 {
			t.Errorf("%v: status %d, stdout %q, stderr %q, want %s", tt.args, status, out, errOut, tt.want)
		}
	}
	t.Setenv("HOME", t.TempDir())
	cmd := exec.CommandContext(t.Context(), binary, "model", "list")
	cmd.Env = append(environ(), "PITH_RAT=0.5")
	if out, err := cmd.CombinedOutput(); err != nil ||
		!strings.Contains(string(out), "PITH_RAT is no setting (did you mean PITH_RATE?)") {
		t.Errorf("an unknown variable: %v: %s", err, out)
	}
}

func TestConfigCheck(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"good.yaml":  "compress:\n  rate: 0.5\n",
		"rate.yaml":  "compress:\n  rate: 3\n",
		"price.yaml": "accounting:\n  prices: " + dir + "/none.yaml\n",
		"redis.yaml": "cache:\n  secret: 0123456789abcdef\n  redis_url: http://h\n",
		"deep.yaml":  strings.Repeat("[", 200_000),
	})
	out, errOut, status := pith(t, "", "config", "check", filepath.Join(dir, "good.yaml"))
	if status != 0 || !strings.Contains(out, "good.yaml: ok") ||
		!strings.Contains(out, "compress.rate: 0.5  ("+dir+"/good.yaml:2)") {
		t.Errorf("status %d: %s%s", status, out, errOut)
	}
	for name, want := range map[string]string{
		"rate.yaml": "rate.yaml:2: compress.rate must be", "price.yaml": "price.yaml:2: accounting.prices",
		"redis.yaml": "redis.yaml:3: cache.redis_url", "deep.yaml": "deep.yaml:1: nested deeper",
	} {
		if out, errOut, status := pith(t, "", "config", "check", filepath.Join(dir, name)); status != 2 || out != "" ||
			!strings.Contains(errOut, want) {
			t.Errorf("%s: status %d: %s%s, want %s", name, status, out, errOut, want)
		}
	}
}

func TestFoldersGiveTheirSources(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		".git/HEAD": "ref", ".gitignore": "gen/\n*.tmp.py\n!keep.tmp.py\n/only.py\n", ".hidden.py": "x = 1\n",
		"a.go": "package a\n", "logo.svg": "<svg>" + strings.Repeat("<path/>", 1000), "data.json": `{"a": 1}`,
		"rows.csv": "a,b\n", "c.py": "\x00",
		"gen/g.py": "x = 1\n", "only.py": "x = 1\n", "a.tmp.py": "x = 1\n", "keep.tmp.py": "x = 1\n",
		"sub/only.py": "x = 1\n", "sub/.gitignore": "skip.rb\n", "sub/skip.rb": "puts 1\n",
		"sub/b.rb": "puts 2\n", "sub/l.lua": "print(1)\n", "node_modules/m.js": "var x = 1\n",
		"README.md": "# Title\n",
	})
	for _, tt := range []struct{ path, read, skipped string }{
		{
			".", "README.md, a.go, keep.tmp.py, sub/b.rb, sub/l.lua, sub/only.py",
			".gitignore (hidden), .hidden.py (hidden), a.tmp.py (ignored by git), c.py (binary), data.json (no " +
				"code: json), gen/ (ignored by git), logo.svg (no code: svg), node_modules/ (not the project's " +
				"own), only.py (ignored by git), rows.csv (no code: csv), sub/.gitignore (hidden), sub/skip.rb " +
				"(ignored by git)",
		},
		// The patterns above the folder count as well.
		{"gen", "", "gen/g.py (ignored by git)"},
		{"sub", "sub/b.rb, sub/l.lua, sub/only.py", "sub/.gitignore (hidden), sub/skip.rb (ignored by git)"},
	} {
		cmd := exec.CommandContext(t.Context(), binary, "compress", "-q", "one", "--rate", "1", tt.path)
		cmd.Dir, cmd.Env = dir, append(environ(), "PITH_ONNXRUNTIME="+library(t))
		var errOut strings.Builder
		cmd.Stderr = &errOut
		_ = cmd.Run()
		for what, names := range map[string]string{"read": tt.read, "skipped": tt.skipped} {
			if names != "" && !strings.Contains(errOut.String(), ": "+names+"\n") ||
				names == "" && strings.Contains(errOut.String(), what) {
				t.Errorf("%s: %s is not %s:\n%s", tt.path, what, names, errOut.String())
			}
		}
	}
}

// library is the path of the ONNX Runtime that this checkout uses.
func library(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("PITH_ONNXRUNTIME"); path != "" {
		return path
	}
	found, err := filepath.Glob(filepath.Join(root, ".deps/onnxruntime/libonnxruntime.*"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no ONNX Runtime: %v, %v", found, err)
	}
	return found[0]
}

// An interrupt ends quietly, with the status that shells know.
func TestInterruptIsQuiet(t *testing.T) {
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		cmd := exec.CommandContext(t.Context(), binary, "compress", "-q", "area", "--rate", "0.5", "-")
		cmd.Dir, cmd.Env = root, environ()
		var out, errOut strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errOut
		in, err := cmd.StdinPipe() // at which nobody types
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Written only once the program reads, hence after it has set up its signals.
		if _, err := io.WriteString(in, strings.Repeat("x = 1\n", 20_000)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != want || out.Len()+errOut.Len() > 0 {
			t.Errorf("%v: status %d, stdout %q, stderr %q, want %d", sig, got, out.String(), errOut.String(), want)
		}
	}
}

// A pipe in the place of the configuration holds up neither a reload nor the end, and shutting down
// says so.
func TestPipeAsConfigurationHoldsNothingUp(t *testing.T) {
	config := filepath.Join(t.TempDir(), "pith.yaml")
	write(t, filepath.Dir(config), map[string]string{"pith.yaml": "compress:\n  rate: 0.5\n"})
	p := serveArgs(t, []string{"--config", config})
	if err := os.Remove(config); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(config, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.waitFor(t, "new configuration refused")
	if res, err := http.Get(p.URL + "/healthz"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("health after the reload: %v, %v", res, err)
	}
	status, log := p.terminate(t)
	if status != 0 || !strings.Contains(log, "not a regular file") || strings.Count(log, "shutting down") != 1 ||
		!strings.Contains(log, "stopped") {
		t.Errorf("status %d:\n%s", status, log)
	}
}

// waitFor waits until the log has a line with text.
func (p *proxy) waitFor(t *testing.T, text string) {
	t.Helper()
	until(t, "a line with "+text, func() bool { return strings.Contains(p.soFar(), text) })
}
