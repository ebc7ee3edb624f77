package processes

import (
	"context"
	"errors"
	"os"
	"syscall"

	"pith/parsers"
)

// errDied reports that a parse process ended in the middle of a parse.
var errDied = errors.New("parse process died")

// startTimeouts is how many times Options.Timeout a worker may take to start.
const startTimeouts = 5

// inWorker has a parse process cut the file. A process that fails is killed, and the next parse
// starts another.
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
				return parsers.Outline{}, err
			}
		}
		payload, err := worker.ask(ctx, req)
		if err == nil {
			return decodeAnswer(payload, lines)
		}
		worker.kill()
		worker = nil
		if errors.Is(err, syscall.EPIPE) && !fresh {
			fresh = true // it had died between two parses: this file is not to blame
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return parsers.Outline{}, parsers.ErrSlow
		}
		return parsers.Outline{}, errDied
	}
}
