// Package served runs `pith serve` as users do, in a process of its own, to measure it.
package served

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
)

// A Process is a `pith serve` that serves.
type Process struct {
	// URL is where it serves, Admin where it shows its metrics; empty where it does not.
	URL, Admin string

	cmd  *exec.Cmd
	done chan struct{}
}

var (
	serving = regexp.MustCompile(`msg=serving addr="?([0-9.]+:[0-9]+)`)
	showing = regexp.MustCompile(`msg="serving metrics and the dashboard" admin="?([0-9.]+:[0-9]+)`)
)

// maxLog bounds what is kept of the log of a process that does not come to serve.
const maxLog = 4 << 10

// Start starts program with arguments, and environment variables beside those of this process, and
// waits until it serves or ctx ends. It outlives ctx: end it by Kill or Terminate.
func Start(ctx context.Context, program string, arguments, environment []string) (*Process, error) {
	p := &Process{
		cmd:  exec.CommandContext(context.WithoutCancel(ctx), program, arguments...),
		done: make(chan struct{}),
	}
	p.cmd.Env = append(os.Environ(), environment...)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	address := make(chan string, 1)
	var admin string        // read once address is known, which is said later
	var log strings.Builder // read once done is closed
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := showing.FindStringSubmatch(lines.Text()); m != nil {
				admin = "http://" + m[1]
			}
			if m := serving.FindStringSubmatch(lines.Text()); m != nil && len(address) == 0 {
				address <- m[1]
			}
			if log.Len() < maxLog {
				fmt.Fprintln(&log, lines.Text())
			}
		}
		_ = p.cmd.Wait() // killed, or told to end
	}()
	select {
	case at := <-address:
		p.URL, p.Admin = "http://"+at, admin
		return p, nil
	case <-p.done:
		return nil, fmt.Errorf("pith serve ended:\n%s", &log)
	case <-ctx.Done():
		p.Kill()
		return nil, ctx.Err()
	}
}

// Kill ends the process at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// Terminate asks the process to end and waits for it.
func (p *Process) Terminate() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("end pith serve: %w", err)
	}
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("pith serve ended with status %d", code)
	}
	return nil
}
