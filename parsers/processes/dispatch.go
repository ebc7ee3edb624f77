package processes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"

	"pith/parsers"
)

var (
	// errDied reports that a parse process ended in the middle of a parse, by the file's doing.
	errDied = errors.New("parse process died")
	// errHindered reports that there was none, or that others ended it: the file is not to blame.
	errHindered = errors.New("parse process hindered")
)

// startTimeouts is how many times Options.Timeout a worker may take to start.
const startTimeouts = 5

// inWorker has a parse process cut the file. A process that fails is killed, and the next parse
// starts another. What a process did before says nothing of this file: it fails for good where a
// fresh one does.
func (p *Pool) inWorker(ctx context.Context, req request, lines parsers.Lines) (parsers.Outline, error) {
	var worker *process
	select {
	case <-ctx.Done():
		return parsers.Outline{}, ctx.Err()
	case <-p.closed:
		return parsers.Outline{}, ErrClosed
	case worker = <-p.slots:
	}
	defer func() { p.slots <- worker }()
	if p.isClosed() {
		return parsers.Outline{}, ErrClosed
	}
	fresh := worker == nil
	for {
		if worker == nil {
			var err error
			if worker, err = startProcess(ctx, p.opts.Command, startTimeouts*p.opts.Timeout); err != nil {
				return parsers.Outline{}, cmp.Or(ctx.Err(), fmt.Errorf("%w: %w", errHindered, err))
			}
		}
		payload, err := worker.ask(ctx, req)
		if err == nil {
			return decodeAnswer(payload, lines)
		}
		how := worker.kill()
		worker = nil
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return parsers.Outline{}, parsers.ErrSlow
		case !fresh:
			fresh = true
		case byOthers(how):
			return parsers.Outline{}, errHindered
		default:
			return parsers.Outline{}, errDied
		}
	}
}

// byOthers reports a process that was killed, as the kernel does when memory ends, or that gave up
// for want of something that is no file's doing. A grammar that goes wrong ends it by another
// signal.
func byOthers(how *os.ProcessState) bool {
	status, ok := how.Sys().(syscall.WaitStatus)
	return ok && (status.Signaled() && status.Signal() == syscall.SIGKILL || status.ExitStatus() == gaveUp)
}
