package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// elsewhere returns a command that runs as a user who has nothing: another one where this process
// may choose, in an empty folder, with no variable set.
func elsewhere(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = home, []string{"HOME=" + home, "PATH=/usr/bin:/bin"}
	if os.Geteuid() == 0 {
		nobody := uint32(65534)
		if err := os.Chown(home, int(nobody), int(nobody)); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

// openFolder is t.TempDir for other users, too.
func openFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestInstalledTreeWorksElsewhere is what the Dockerfile does, without an engine.
func TestInstalledTreeWorksElsewhere(t *testing.T) {
	prefix, links := openFolder(t), openFolder(t)
	cmd := exec.CommandContext(t.Context(), "make", "install", "PREFIX="+prefix)
	cmd.Dir, cmd.Env = root, environ()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
	installed, link := filepath.Join(prefix, "bin/pith"), filepath.Join(links, "pith")
	if err := os.Symlink(installed, link); err != nil {
		t.Fatal(err)
	}
	upstream := newUpstream(t).URL
	for _, program := range []string{installed, link} {
		out, err := elsewhere(t, program, "doctor", "--upstream", upstream).CombinedOutput()
		if err != nil || !strings.Contains(string(out), filepath.Join(prefix, "lib/pith/libonnxruntime")) {
			t.Errorf("%s doctor: %v\n%s", program, err, out)
		}
		manual := elsewhere(t, "cat", filepath.Join(prefix, "share/man/man1/pith-compress.1"))
		if out, err := manual.CombinedOutput(); err != nil || !strings.Contains(string(out), "pith compress") {
			t.Errorf("the manual page: %v\n%.200s", err, out)
		}
		compress := elsewhere(t, program, "compress", "-q", "area", "--ranker", "ami", "--rate", "0.9", "-")
		compress.Stdin = strings.NewReader("def area(w, h):\n    return w * h\n\n\ndef name():\n    return 'x'\n")
		if out, err := compress.CombinedOutput(); err != nil || !strings.Contains(string(out), "ranked by ami on cpu") {
			t.Errorf("%s compress: %v\n%s", program, err, out)
		}
	}
	// What the user may not read is counted.
	code := openFolder(t)
	write(t, code, map[string]string{"area.py": "def area(w, h):\n    return w * h\n", "private/area.py": "x = 1\n"})
	for name, mode := range map[string]os.FileMode{"area.py": 0o644, "private": 0} {
		if err := os.Chmod(filepath.Join(code, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	out, err := elsewhere(t, installed, "index", "-q", "area", code).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "return w * h") ||
		!strings.Contains(string(out), "the index is not complete: 1 unreadable") {
		t.Errorf("index of a folder with a closed one: %v\n%s", err, out)
	}
	if err := os.Chmod(filepath.Join(code, "private"), 0o700); err != nil { // so that it can be removed
		t.Fatal(err)
	}
}

// What failed while fetching the runtime is named: a missing program, a broken one, a network that
// is not there.
func TestFetchingSaysWhatFailed(t *testing.T) {
	tree := t.TempDir()
	for _, name := range []string{"scripts/fetch-onnxruntime", "perplexity/runtime.sha256"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, tree, map[string]string{name: string(text)})
	}
	programs := filepath.Join(tree, "programs")
	if err := os.Mkdir(programs, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bash", "awk", "cut", "dirname", "grep", "mkdir", "mktemp", "rm", "tail", "uname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ npm, want, unwanted string }{
		{"", "there is no python3; there is no npm; install pip", "network"},
		{
			"#!/bin/sh\necho 'npm: cannot find module' >&2\nexit 1\n",
			"npm failed (npm: cannot find module); check the network", "install pip",
		},
		{
			"#!/bin/sh\n[ \"$1\" = --version ] || { echo 'npm error ECONNREFUSED' >&2; exit 1; }\n",
			"npm failed (npm error ECONNREFUSED); check the network", "install pip",
		},
	} {
		if tt.npm != "" {
			if err := os.WriteFile(filepath.Join(programs, "npm"), []byte(tt.npm), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "bash"), "scripts/fetch-onnxruntime")
		cmd.Dir, cmd.Env = tree, []string{"PATH=" + programs}
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), tt.want) || strings.Contains(string(out), tt.unwanted) {
			t.Errorf("npm %q: %v: %s, want %s", tt.npm, err, out, tt.want)
		}
	}
}

// Where there is no npm one comes into an environment of its own, which works where it lies.
func TestNodeComesFromAnEnvironment(t *testing.T) {
	tree := t.TempDir()
	programs := filepath.Join(tree, "programs")
	write(t, tree, map[string]string{
		"e2e/clients/package.json": "{}", "e2e/clients/package-lock.json": "{}",
		"e2e/clients/sdks.txt": "", "e2e/clients/requirements.txt": "",
		// What is put into an environment names the environment's own interpreter, by its path.
		"programs/python3": `#!/bin/sh
case "$1 $2" in
"-m venv")
	mkdir -p "$3/bin"
	ln -s /bin/sh "$3/bin/interpreter"
	printf '#!/bin/sh\nprintf "#!%s/bin/interpreter\\nmkdir \\$3/node_modules\\n" >%s/bin/npm; chmod +x %s/bin/npm\n' \
		"$PWD/$3" "$3" "$3" >"$3/bin/pip"
	chmod +x "$3/bin/pip"
	;;
*)
	while [ $# -gt 0 ]; do
		[ "$1" != --target ] || mkdir -p "$2"
		shift
	done
	;;
esac
`,
	})
	script, err := os.ReadFile(filepath.Join(root, "scripts/fetch-clients"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, tree, map[string]string{"scripts/fetch-clients": string(script)})
	if err := os.Chmod(filepath.Join(programs, "python3"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bash", "chmod", "cmp", "cp", "dirname", "ln", "mkdir", "mv", "rm", "touch"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(programs, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(programs, "bash"), "scripts/fetch-clients")
	cmd.Dir, cmd.Env = tree, []string{"PATH=" + programs}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("fetch-clients: %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(tree, ".deps/clients/node_modules")); err != nil {
		t.Errorf("npm did not run: %v", err)
	}
}
