package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// elsewhere returns a command that runs as a user who has nothing: another one where this process may choose, in an empty folder,
// with no variable set.
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
		compress := elsewhere(t, program, "compress", "-q", "area", "--ranker", "ami", "--rate", "0.9", "-")
		compress.Stdin = strings.NewReader("def area(w, h):\n    return w * h\n\n\ndef name():\n    return 'x'\n")
		if out, err := compress.CombinedOutput(); err != nil || !strings.Contains(string(out), "ranked by ami on cpu") {
			t.Errorf("%s compress: %v\n%s", program, err, out)
		}
	}
}
