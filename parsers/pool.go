package parsers

import (
	"context"
	"errors"
	"time"
)

// Options configure a Pool.
type Options struct {
	// Workers is the number of parse processes. If zero, 2. Ignored when InProcess is set.
	Workers int
	// InProcess runs the grammars in this process: faster to start, but hostile input can abort the process, so it is for
	// files that one trusts. Ruby always uses a worker process.
	InProcess bool
	// Timeout bounds one file's parse. If zero, 2 s. A worker past it is killed and replaced.
	Timeout time.Duration
	// MaxBytes is the largest file given to a grammar, in bytes. If zero, 1 MiB. Larger ones go to the line fallback.
	MaxBytes int
	// Command starts a parse worker: program and arguments. If nil, this executable with the one argument WorkerArg.
	Command []string
}

// WorkerArg is the argument that makes the binary a parse worker: main calls ServeWorker and exits.
const WorkerArg = "parse-worker"

// ErrClosed is returned by Parse after Close.
var ErrClosed = errors.New("parsers: pool is closed")

// Stats counts what a Pool did since it was made.
type Stats struct {
	Parses, Fallbacks, Timeouts, Deaths int64
}

var _ = context.Background // placeholder until Parse lands
