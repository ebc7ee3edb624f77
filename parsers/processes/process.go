package processes

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"pith/internal/cores"
)

// grace is how long after its time limit a parse process may still answer that it ran out of time.
// A grammar checks its limit seldom; without grace each slow file would cost a process.
const grace = 100 * time.Millisecond

// workerEnv is all the environment of a parse process. It does one thing at a time, and collects
// its garbage on the same core: on all of them that would be in the way of the requests.
var workerEnv = []string{"GOTRACEBACK=none", "GOMAXPROCS=1"}

// A process is a running parse process. It has one user at a time.
type process struct {
	cmd *exec.Cmd
	in  *os.File
	out *os.File
	buf *bufio.Reader
}

// startProcess runs command with an empty environment and no open files but its two pipes, and
// waits until it reports that it serves, limit at most. Its start is not on the account of the
// first file.
func startProcess(ctx context.Context, command []string, limit time.Duration) (*process, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open pipe: %w", err), childIn.Close(), in.Close())
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...) // it outlives the request
	cmd.Env = workerEnv
	cmd.Stdin, cmd.Stdout = childIn, childOut
	isolate(cmd)
	undo := cores.GiveWay()
	err = cmd.Start()
	undo()
	err = errors.Join(err, childIn.Close(), childOut.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", command[0], err), in.Close(), out.Close())
	}
	p := &process{cmd: cmd, in: in, out: out, buf: bufio.NewReaderSize(out, 1<<16)}
	err = p.within(ctx, limit, func() error {
		_, err := readFrame(p.buf)
		return err
	})
	if err != nil {
		p.kill()
		return nil, fmt.Errorf("start %s: %w", command[0], err)
	}
	return p, nil
}

// ask sends a request and returns the answer's payload. After an error the process is in an unknown
// state and has to be killed. The error is os.ErrDeadlineExceeded when the limit passed or ctx
// ended.
func (p *process) ask(ctx context.Context, req request) (payload []byte, err error) {
	err = p.within(ctx, req.limit+grace, func() error {
		if err := writeFrame(p.in, req.encode()); err != nil {
			return fmt.Errorf("write request: %w", err)
		}
		if payload, err = readFrame(p.buf); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		return nil
	})
	return payload, err
}

// within does something with the pipes that fails after limit or when ctx ends.
func (p *process) within(ctx context.Context, limit time.Duration, do func() error) error {
	if err := p.setDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	expired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(expired)
		_ = p.setDeadline(time.Unix(1, 0)) // in the past; fails only on a closed pipe
	})
	defer func() {
		if !stop() {
			<-expired // else it would cut short the next request
		}
	}()
	return do()
}

func (p *process) setDeadline(t time.Time) error {
	return errors.Join(p.in.SetDeadline(t), p.out.SetDeadline(t))
}

// kill ends the process and frees what it held. It returns how the process ended, which is by our
// signal where it had not ended before.
func (p *process) kill() *os.ProcessState {
	// Errors say that it is gone already, or how it ended, which is by our signal.
	_ = killGroup(p.cmd)
	_ = p.cmd.Wait()
	_ = p.in.Close()
	_ = p.out.Close()
	return p.cmd.ProcessState
}
