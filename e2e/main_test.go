// Package e2e starts the built binary as a user would and talks to it through real clients, with an
// upstream in this process that records what reached it. Redis, ONNX Runtime and the client SDKs
// are the real ones.
package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Filled by TestMain: the module's root and the binary under test.
var root, binary string

func TestMain(m *testing.M) {
	status, err := build(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		status = 1
	}
	os.Exit(status)
}

func build(m *testing.M) (int, error) {
	var err error
	if root, err = filepath.Abs(".."); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "pith-e2e")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "pith")
	// Without the race detector: this is the program that users run, and the detector's address
	// space would defeat the memory limits of the parse workers.
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/pith")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// A proxy is one running `pith serve`.
type proxy struct {
	URL string
	cmd *exec.Cmd
	// log receives everything the process wrote to standard error, once it has ended.
	log chan string

	mu      sync.Mutex
	written strings.Builder
}

// soFar is what the process has written to standard error up to now.
func (p *proxy) soFar() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written.String()
}

var listening = regexp.MustCompile(`addr="?([0-9.]+:[0-9]+)`)

// serve starts `pith serve` on a free port in front of upstream and waits until it is ready.
func serve(t *testing.T, upstream string, env ...string) *proxy {
	t.Helper()
	return serveArgs(t, []string{"--upstream", upstream}, env...)
}

func serveArgs(t *testing.T, args []string, env ...string) *proxy {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	// A deadline that a busy machine lets pass would change bytes; what it does then is tested in
	// compress.
	cmd.Env = append(append(environ(), "PITH_DEADLINE=0", "PITH_TIMEOUT=3m"), env...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &proxy{cmd: cmd, log: make(chan string, 1)}
	addr := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.written, lines.Text())
			p.mu.Unlock()
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case addr <- m[1]:
				default:
				}
			}
		}
		p.log <- p.soFar()
		close(addr)
	}()
	t.Cleanup(func() { p.kill() })
	a, ok := <-addr
	if !ok {
		t.Fatalf("pith serve ended at once:\n%s", <-p.log)
	}
	p.URL = "http://" + a
	return p
}

func (p *proxy) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// terminate sends SIGTERM and returns the exit status and the log.
func (p *proxy) terminate(t *testing.T) (int, string) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log := <-p.log
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode(), log
}

// environ is this process's environment without settings that would reach pith.
func environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PITH_") || strings.HasPrefix(kv, "PITH_ONNXRUNTIME=") {
			env = append(env, kv)
		}
	}
	return env
}

// pith runs the binary to its end in the module's root.
func pith(t *testing.T, stdin string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = root
	cmd.Env = environ()
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run()
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}
