package proxy

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"pith/compress"
)

// What keeps a block from the engine, or ends it there.
var (
	errPanic  = errors.New("panic")
	errBusy   = errors.New("engine is busy")
	errFrozen = errors.New("block was sent as it came before")
)

// squeeze returns body with its code blocks compressed, or body itself with the reason why not. It never fails: a prompt that is
// too long costs money, a prompt that is lost costs the answer.
func (s *Server) squeeze(ctx context.Context, d *dialect, body []byte, want order) (out []byte, rep report) {
	start := time.Now()
	var c conversation
	defer func() {
		if v := recover(); v != nil {
			s.log.ErrorContext(ctx, "panic while compressing", "dialect", d.name, "panic", panicText(v))
			out, rep = body, report{decision: decisionBypass, reason: reasonPanic}
		}
		rep.took, rep.model = time.Since(start), c.model
	}()
	var err error
	if c, err = readBody(d, body); err != nil {
		if errors.Is(err, errDuplicateKey) {
			return body, report{decision: decisionPass, reason: reasonTwice}
		}
		return body, report{decision: decisionPass, reason: reasonJSON}
	}
	if heldOut(want.holdout, want.tenant, body, c) {
		return body, report{decision: decisionPass, reason: reasonHoldout}
	}
	p := planner{body: body, tenant: want.tenant, control: want.control, minBytes: s.opts.Compression.MinBytes, prune: s.opts.Prompts}
	blocks := p.run(c)
	var edits []edit
	switch {
	case len(blocks) > 0:
		shareBudget(blocks, want.budget)
		edits, rep = s.compressBlocks(ctx, body, blocks)
	case p.small > 0:
		rep = report{decision: decisionPass, reason: reasonSmall}
	default:
		rep = report{decision: decisionPass, reason: reasonNoCode}
	}
	edits, rep = p.withPrompts(edits, rep)
	return splice(body, edits), rep
}

// An order is what one request wants and who sent it.
type order struct {
	control
	tenant string
	// holdout is the share of conversations that pass for comparison.
	holdout float64
}

// An outcome is what came of one block.
type outcome struct {
	block *block
	edit  edit
	res   compress.Result
	err   error
}

// compressBlocks runs the engine over the blocks and collects what is done when the deadline passes. The rest stays as it is,
// for good: see Freeze.
func (s *Server) compressBlocks(ctx context.Context, body []byte, blocks []block) ([]edit, report) {
	t := tally{report: report{blocks: len(blocks), left: len(blocks)}}
	todo, release := s.admit(ctx, blocks, &t)
	limited, cancel := context.WithTimeout(ctx, s.opts.Compression.Timeout)
	defer cancel()
	// The channel holds every outcome, so that an engine which ignores its context ends in peace after nobody listens any
	// more; its slot is taken until then.
	done := make(chan outcome, len(todo))
	go func() {
		defer release()
		var g errgroup.Group
		g.SetLimit(s.opts.Compression.BlocksAtOnce)
		for _, b := range todo {
			g.Go(func() error {
				done <- s.compressBlock(limited, body, b)
				return nil
			})
		}
		_ = g.Wait() // outcomes carry their own errors
	}()
	for waiting := len(todo); waiting > 0; waiting-- {
		select {
		case o := <-done:
			o.block.settled = true
			t.add(o)
			s.settle(ctx, o.block, o.err)
		case <-limited.Done():
			t.fail(limited.Err())
			for _, b := range todo {
				if !b.settled {
					s.settle(ctx, b, limited.Err())
				}
			}
			return t.finish()
		}
	}
	return t.finish()
}

// admit picks the blocks that go to the engine: not those whose form is frozen, and of the others, when the engine is busy, only
// those that were sent compressed before, which a cache answers.
func (s *Server) admit(ctx context.Context, blocks []block, t *tally) (todo []*block, release func()) {
	release, free := s.slots.take()
	if !free {
		release = func() {}
	}
	for i := range blocks {
		b := &blocks[i]
		b.key = s.ledger.keyOf(b.request)
		form := s.ledger.sent(ctx, b.key)
		b.sent = form == formCompressed
		switch {
		case form == formOriginal:
			t.fail(errFrozen)
		case form == formUnknown && !free:
			t.fail(errBusy)
			s.ledger.note(ctx, b.key, formOriginal)
		default:
			todo = append(todo, b)
		}
	}
	return todo, release
}

// settle remembers the form in which a block goes out, where a later attempt might give it another.
func (s *Server) settle(ctx context.Context, b *block, err error) {
	switch reason := reasonOf(err); {
	case ctx.Err() != nil:
		// The client is gone: nothing goes out.
	case err == nil:
		s.ledger.note(ctx, b.key, formCompressed)
	case reason == reasonTimeout, reason == reasonPanic, reason == reasonError, reason == reasonNotKept:
		s.ledger.note(ctx, b.key, formOriginal)
		// The error's text may quote its input; its type may not.
		s.log.WarnContext(ctx, "block left as it came", "reason", reason, "error_type", fmt.Sprintf("%T", err))
	case reason == reasonResult:
		s.log.WarnContext(ctx, "block left as it came", "reason", reason, "error", err)
	}
}

// compressBlock runs the engine over one block. One bad block costs its own savings and nothing else.
func (s *Server) compressBlock(ctx context.Context, body []byte, b *block) (o outcome) {
	o = outcome{block: b, edit: edit{start: b.text.lines[b.first].start, end: b.text.lines[b.last-1].end}}
	o.err = guard(func() (err error) {
		if err = ctx.Err(); err != nil {
			return err
		}
		if o.res, err = s.opts.Compressor.Compress(ctx, b.request); err != nil {
			return err
		}
		if o.edit.raw, err = b.rebuild(body, o.res); err != nil {
			return err
		}
		// What the provider holds already stays as it is, though its life could not be lengthened this time: the next request tries
		// again, well within the second life that originals have.
		if err = s.originals.keepAll(ctx, b.request, o.res); b.sent {
			return nil
		}
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
