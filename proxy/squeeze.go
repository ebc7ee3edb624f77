package proxy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"pith/compress"
)

// A report says what was done to one request. It feeds the response headers, the metrics and the log.
type report struct {
	decision decision
	reason   string
	// original and compressed are tokens of the blocks that the engine saw, as the engine counts them: without line numbers,
	// and without the rest of the request, which nobody was going to change.
	original, compressed int
	// blocks went through the engine, left of them were sent as they came.
	blocks, left int
	cache        string
	took         time.Duration
}

// A decision is the first word of X-Pith-Decision.
type decision string

const (
	decisionPass       decision = "pass"       // nothing to do
	decisionCompressed decision = "compressed" // at least one block is shorter
	decisionBypass     decision = "bypass"     // something went wrong or was too busy; the original was sent
)

// Reasons of a pass or a bypass. They are few, as metrics are labelled with them.
const (
	reasonOff      = "mode-off"
	reasonMethod   = "method"
	reasonType     = "content-type"
	reasonEncoding = "content-encoding"
	reasonJSON     = "not-json"
	reasonTwice    = "duplicate-key"
	reasonNoCode   = "no-code"
	reasonSmall    = "below-minimum"
	reasonNoGain   = "no-gain"
	reasonBusy     = "busy"
	reasonTimeout  = "timeout"
	reasonPanic    = "panic"
	reasonBudget   = "budget"
	reasonResult   = "bad-result"
	reasonError    = "error"
	reasonGone     = "client-gone"
)

// errPanic marks a panic inside the engine.
var errPanic = errors.New("panic")

// squeeze returns body with its code blocks compressed, or body itself with the reason why not. It never fails: a prompt that is
// too long costs money, a prompt that is lost costs the answer.
func (s *Server) squeeze(ctx context.Context, d *dialect, body []byte, want order) (out []byte, rep report) {
	start := time.Now()
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "panic while compressing", "dialect", d.name, "panic", panicText(v))
			out, rep = body, report{decision: decisionBypass, reason: reasonPanic}
		}
		rep.took = time.Since(start)
	}()
	c, err := readBody(d, body)
	if err != nil {
		if errors.Is(err, errDuplicateKey) {
			return body, report{decision: decisionPass, reason: reasonTwice}
		}
		return body, report{decision: decisionPass, reason: reasonJSON}
	}
	p := planner{body: body, tenant: want.tenant, control: want.control, minBytes: s.opts.Compression.MinBytes}
	blocks := p.run(c)
	if len(blocks) == 0 {
		if p.small > 0 {
			return body, report{decision: decisionPass, reason: reasonSmall}
		}
		return body, report{decision: decisionPass, reason: reasonNoCode}
	}
	shareBudget(blocks, want.budget)
	edits, rep := s.compressBlocks(ctx, body, blocks)
	return splice(body, edits), rep
}

// An order is what one request wants and who sent it.
type order struct {
	control
	tenant string
}

// An outcome is what came of one block.
type outcome struct {
	index int
	edit  edit
	res   compress.Result
	err   error
}

// compressBlocks runs the engine over the blocks and collects what is done when the deadline passes. The rest stays as it is.
func (s *Server) compressBlocks(ctx context.Context, body []byte, blocks []block) ([]edit, report) {
	release, ok := s.slots.take()
	if !ok {
		return nil, report{decision: decisionBypass, reason: reasonBusy, blocks: len(blocks), left: len(blocks)}
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.Compression.Timeout)
	defer cancel()
	// The channel holds every outcome, so that an engine which ignores its context ends in peace after nobody listens any
	// more; its slot is taken until then.
	done := make(chan outcome, len(blocks))
	go func() {
		defer release()
		var g errgroup.Group
		g.SetLimit(s.opts.Compression.BlocksAtOnce)
		for i := range blocks {
			g.Go(func() error {
				done <- s.compressBlock(ctx, body, i, &blocks[i])
				return nil
			})
		}
		_ = g.Wait() // outcomes carry their own errors
	}()
	t := tally{report: report{blocks: len(blocks), left: len(blocks)}}
	for range blocks {
		select {
		case o := <-done:
			t.add(o)
			s.logOutcome(ctx, o)
		case <-ctx.Done():
			t.fail(ctx.Err())
			return t.finish()
		}
	}
	return t.finish()
}

// compressBlock runs the engine over one block. One bad block costs its own savings and nothing else.
func (s *Server) compressBlock(ctx context.Context, body []byte, i int, b *block) (o outcome) {
	o = outcome{index: i, edit: edit{start: b.text.lines[b.first].start, end: b.text.lines[b.last-1].end}}
	o.err = guard(func() (err error) {
		if err = ctx.Err(); err != nil {
			return err
		}
		if o.res, err = s.opts.Compressor.Compress(ctx, b.request); err != nil {
			return err
		}
		o.edit.raw, err = b.rebuild(body, o.res)
		return err
	})
	return o
}

// guard makes a panic in f an error.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %s", errPanic, panicText(v))
		}
	}()
	return f()
}

// panicText describes a panic without the value of a foreign one, which may quote a prompt.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}

// logOutcome logs failures only; ordinary outcomes are in the metrics.
func (s *Server) logOutcome(ctx context.Context, o outcome) {
	if o.err == nil || errors.Is(o.err, errNoGain) || ctx.Err() != nil {
		return
	}
	// The error's text may quote its input; its kind may not.
	s.log.WarnContext(ctx, "block left as it came", "reason", reasonOf(o.err), "error_type", fmt.Sprintf("%T", o.err))
}

// reasonOf names an error in the fixed words of the reasons.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return reasonTimeout
	case errors.Is(err, context.Canceled):
		return reasonGone
	case errors.Is(err, errPanic):
		return reasonPanic
	case errors.Is(err, errNoGain):
		return reasonNoGain
	case errors.Is(err, compress.ErrBudget):
		return reasonBudget
	case errors.Is(err, errUnaligned), errors.Is(err, errBreaksOut):
		return reasonResult
	default:
		return reasonError
	}
}

// A tally sums outcomes up.
type tally struct {
	report
	edits []edit
	worst error
	hits  int
	off   int
	seen  int
}

func (t *tally) add(o outcome) {
	if o.err != nil && !errors.Is(o.err, errNoGain) {
		t.fail(o.err)
		return
	}
	t.seen++
	t.original += o.res.OriginalTokens
	switch o.res.Cache {
	case "hit":
		t.hits++
	case "", "off":
		t.off++
	}
	if o.err != nil {
		t.compressed += o.res.OriginalTokens
		return
	}
	t.compressed += o.res.CompressedTokens
	t.left--
	t.edits = append(t.edits, o.edit)
}

// fail keeps the first failure: it is the one that the header names.
func (t *tally) fail(err error) {
	if t.worst == nil {
		t.worst = err
	}
}

func (t *tally) finish() ([]edit, report) {
	slices.SortFunc(t.edits, func(a, b edit) int { return a.start - b.start })
	switch {
	case t.seen == 0:
	case t.off == t.seen:
		t.cache = "off"
	case t.hits == t.seen:
		t.cache = "hit"
	default:
		t.cache = "miss"
	}
	switch {
	case len(t.edits) > 0:
		t.decision = decisionCompressed
		if t.worst != nil {
			t.reason = reasonOf(t.worst)
		}
	case t.worst != nil:
		t.decision, t.reason = decisionBypass, reasonOf(t.worst)
	default:
		t.decision, t.reason = decisionPass, reasonNoGain
	}
	return t.edits, t.report
}

// slots admits a bounded number of requests and turns the next one away.
type slots struct{ free chan struct{} }

func newSlots(n int) slots { return slots{free: make(chan struct{}, n)} }

// take returns the function that gives the slot back.
func (s slots) take() (release func(), ok bool) {
	select {
	case s.free <- struct{}{}:
		return func() { <-s.free }, true
	default:
		return nil, false
	}
}
