// Package processes cuts files in child processes, which some inputs abort, and remembers the
// outlines of files that come again. It knows nothing of grammars.
package processes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"pith/parsers"
)

// Options configure a Pool.
type Options struct {
	// Workers is the number of parse processes. If zero, 2. Each is started when it is first
	// needed.
	Workers int
	// InProcess runs the grammars in this process: faster to start, but hostile input can abort the
	// process, so it is for files that one trusts. Ruby always uses a worker process.
	InProcess bool
	// Timeout bounds one file's parse. If zero, 2 s. A worker past it is killed and replaced.
	Timeout time.Duration
	// MaxBytes is the largest file given to a grammar, in bytes. If zero, 1 MiB. Larger ones go to
	// the line fallback.
	MaxBytes int
	// KeptBytes bounds the memory for outlines of files that were parsed before (see InScope), so
	// that another question about a file does not parse it again. If zero, 8 MiB; if negative, none
	// are kept.
	KeptBytes int
	// Command starts a parse worker: program and arguments. If nil, this executable with the one
	// argument WorkerArg.
	Command []string
}

// WorkerArg is the argument that makes the binary a parse worker: main calls ServeWorker and exits.
const WorkerArg = "parse-worker"

// ErrClosed is returned by Parse after Close.
var ErrClosed = errors.New("parsers: pool is closed")

// Stats counts what a Pool did since it was made.
type Stats struct {
	// Parses counts files, Fallbacks those that were cut by lines although there is a grammar for
	// them.
	Parses, Fallbacks int64
	// Known counts files whose outline was remembered, so that no grammar ran; KeptBytes is the
	// memory that outlines take now.
	Known     int64
	KeptBytes int
	// Timeouts counts parses past Options.Timeout, Deaths the workers that ended by themselves in a
	// parse.
	Timeouts, Deaths int64
}

// Why a file was cut by its lines that is cut otherwise at another time: its grammar was too slow,
// or this machine let no process parse it.
const (
	ranOut   = "parse ran out of time"
	hindered = "no parse process could be had"
)

// suspects is how many files that stopped a worker are remembered.
const suspects = 1024

// A Pool cuts files. The grammars run in child processes, because some inputs abort the process
// that parses them (tree-sitter-ruby#287 is one); what they leave behind is a dead child. A Pool is
// safe for concurrent use.
type Pool struct {
	opts     Options
	Grammars parsers.Grammars
	// slots holds a process, or nil for one not started, for each parse that may run now.
	slots  chan *process
	closed chan struct{}
	close  sync.Once
	// stopped remembers files that a worker did not survive, and why.
	stopped *lru.Cache[checksum, string]
	known   *outlineCache

	parses, fallbacks, hits, timeouts, deaths atomic.Int64
}

// NewPool returns a pool. It starts nothing yet. Close it after use.
func NewPool(opts Options) (*Pool, error) {
	if opts.Workers <= 0 {
		opts.Workers = 2
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 2 * time.Second
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = 1 << 20
	}
	if opts.Command == nil {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find own executable: %w", err)
		}
		opts.Command = []string{self, WorkerArg}
	}
	p := &Pool{opts: opts, slots: make(chan *process, opts.Workers), closed: make(chan struct{})}
	var err error
	if p.stopped, err = lru.New[checksum, string](suspects); err != nil {
		return nil, fmt.Errorf("remember files: %w", err)
	}
	if p.known, err = newOutlineCache(cmp.Or(opts.KeptBytes, keptBytes)); err != nil {
		return nil, err
	}
	for range opts.Workers {
		p.slots <- nil
	}
	return p, nil
}

// Parse cuts a file whose language is told from its path, its shebang line or its content; the path
// may be "". It fails only when ctx ends or the pool is closed: whatever the bytes, the chunks tile
// them.
func (p *Pool) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	return p.parse(ctx, parsers.Detect(path, src), src)
}

// ParseAs cuts a file in a language: a canonical name, or a code fence's tag ("py", "ts"); "" tells
// it from the content.
func (p *Pool) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	return p.parse(ctx, parsers.LanguageOf(language, src), src)
}

// Stats returns the counts so far.
func (p *Pool) Stats() Stats {
	return Stats{
		Parses: p.parses.Load(), Fallbacks: p.fallbacks.Load(), Known: p.hits.Load(), KeptBytes: p.known.used(),
		Timeouts: p.timeouts.Load(), Deaths: p.deaths.Load(),
	}
}

// Close waits for the parses that run and ends the worker processes. It returns nil.
func (p *Pool) Close() error {
	p.close.Do(func() {
		close(p.closed)
		for range p.opts.Workers {
			if worker := <-p.slots; worker != nil {
				worker.kill()
			}
		}
	})
	return nil
}

func (p *Pool) isClosed() bool {
	select {
	case <-p.closed:
		return true
	default:
		return false
	}
}

func (p *Pool) parse(ctx context.Context, language string, src []byte) (parsers.File, error) {
	if p.isClosed() {
		return parsers.File{}, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return parsers.File{}, err
	}
	p.parses.Add(1)
	lines := parsers.NewLines(src)
	f, complete := parsers.NewFile(language, lines)
	if complete {
		return f, nil
	}
	o, reason, err := p.outline(ctx, language, src, lines)
	if err != nil {
		return parsers.File{}, err
	}
	if reason != "" {
		p.fallbacks.Add(1)
		f.Late = strings.HasPrefix(reason, ranOut) || reason == hindered
		f.CutByLines(reason, lines)
		return f, nil
	}
	f.SyntaxErrors, f.Chunks = o.Errors, o.Chunks
	return f, nil
}

// Outline returns what is remembered or runs the grammar, or says why it did not.
func (p *Pool) outline(
	ctx context.Context, language string, src []byte, lines parsers.Lines,
) (o parsers.Outline, reason string, err error) {
	key := sumOf(language, src)
	if o, ok := p.known.find(ctx, key, lines); ok {
		p.hits.Add(1)
		return o, "", nil
	}
	if reason := parsers.Refuse(src, p.opts.MaxBytes); reason != "" {
		return parsers.Outline{}, reason, nil
	}
	if reason, ok := p.stopped.Get(key); ok {
		return parsers.Outline{}, reason + " before", nil
	}
	req := request{language: language, limit: p.opts.Timeout, src: src}
	run := p.inWorker
	if p.opts.InProcess && language != "ruby" {
		run = p.inProcess
	}
	o, err = run(ctx, req, lines)
	switch {
	case err == nil:
		p.known.add(ctx, key, o)
		return o, "", nil
	case ctx.Err() != nil:
		return parsers.Outline{}, "", ctx.Err()
	case errors.Is(err, ErrClosed):
		return parsers.Outline{}, "", err
	case errors.Is(err, parsers.ErrSlow):
		p.timeouts.Add(1)
		p.stopped.Add(key, ranOut)
		return parsers.Outline{}, ranOut, nil
	case errors.Is(err, errHindered):
		return parsers.Outline{}, hindered, nil
	case errors.Is(err, errDied):
		p.deaths.Add(1)
		p.stopped.Add(key, "parse process died")
		return parsers.Outline{}, "parse process died", nil
	}
	return parsers.Outline{}, err.Error(), nil
}

func (p *Pool) inProcess(_ context.Context, req request, _ parsers.Lines) (parsers.Outline, error) {
	s, err := p.Grammars.Load(req.language)
	if err != nil {
		return parsers.Outline{}, err
	}
	return parsers.Parse(s, req.src, req.limit)
}
