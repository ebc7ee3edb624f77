package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"pith/compress"
	"pith/dialects"
	"pith/internal/panics"
)

// What keeps a block from the engine, or ends it there.
var (
	errBusy   = errors.New("engine is busy")
	errFrozen = errors.New("block was sent as it came before")
	errThin   = errors.New("result holds hardly any lines")
	// errCut leaves a block as it came whose ranking the clock or a failing model cut short. What
	// such a result looks like depends on how far it came: sent, it would be a third form of the
	// block.
	errCut = errors.New("ranking was cut short")
)

// settings are what one request wants and who sent it.
type settings struct {
	control
	tenant string
	// share is the part of the bytes in flight that the body has.
	share *byteShare
	// alone says that the request takes no part in the comparison of conversations.
	alone bool
	// recall finds the conversation that an answer ended. If nil, none is found.
	recall func(id string) (dialects.Thread, bool)
}

// continued returns c behind the turns that it goes on from, where they are known.
func (o *settings) continued(c dialects.Conversation) (dialects.Conversation, error) {
	if c.Previous() == "" || o.recall == nil {
		return c, nil
	}
	earlier, known := o.recall(c.Previous())
	if !known {
		return c, nil
	}
	return c.After(earlier)
}

// rules are those by which the settings' blocks are planned.
func (s *Server) rules(want settings) dialects.Rules {
	return dialects.Rules{
		Force:    want.mode == ModeForce,
		Budget:   want.budget,
		Rate:     want.rate,
		Query:    want.query,
		MinBytes: s.opts.Compression.MinBytes,
		Tenant:   want.tenant,
		Prune:    s.opts.Prompts,
	}
}

// heldOut decides whether a conversation passes uncompressed for comparison.
func (s *Server) heldOut(c dialects.Conversation, want settings) bool {
	if want.alone || s.opts.Accounting.Holdout <= 0 {
		return false
	}
	opening, ok := c.Opening()
	return ok && s.books.HeldOut(want.tenant, opening)
}

// A candidate is a block on its way through the engine.
type candidate struct {
	*dialects.Block
	// key is the block's among the forms that were sent.
	key string
	// before says that the block went out compressed before.
	before bool
	// settled says that the outcome is in.
	settled bool
}

// An outcome is what came of one block.
type outcome struct {
	block *candidate
	edit  dialects.Edit
	res   compress.Result
	err   error
}

// compressBlocks runs the engine over the blocks of a request and collects what is done when
// limited, its deadline, passes. The rest stays as it is, for good: see Freeze.
func (s *Server) compressBlocks(
	ctx, limited context.Context, body []byte, blocks []dialects.Block, held *reading,
) ([]dialects.Edit, report) {
	t := tally{report: report{blocks: len(blocks), left: len(blocks)}}
	todo, release := s.admit(limited, blocks, &t)
	// The channel holds every outcome, so that an engine which ignores its context ends in peace
	// after nobody listens any more; its slot is taken until then.
	done := make(chan outcome, len(todo))
	letGo := held.hold()
	go func() {
		defer release()
		defer letGo()
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
	watched := s.watch(&t.report, blocks)
	for waiting := len(todo); waiting > 0; waiting-- {
		select {
		case o := <-done:
			o.block.settled = true
			t.add(o)
			watched.saw(o)
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

// admit picks the blocks that go to the engine: not those whose form is frozen, and of the others,
// when the engine is busy, only those that were sent compressed before, which a cache answers.
func (s *Server) admit(ctx context.Context, blocks []dialects.Block, t *tally) (todo []*candidate, release func()) {
	release, free := s.slots.take()
	if !free {
		release = func() {}
	}
	for i := range blocks {
		b := &candidate{Block: &blocks[i]}
		b.key = s.forms.keyOf(b.Request)
		sent := s.forms.sent(ctx, b.key)
		b.before = sent == formCompressed
		switch {
		case sent == formOriginal:
			t.fail(errFrozen)
		case sent == formUnknown && !free:
			t.fail(errBusy)
			s.forms.note(ctx, b.key, formOriginal)
		default:
			todo = append(todo, b)
		}
	}
	return todo, release
}

// settle remembers the form in which a block goes out, where a later attempt might give it another.
func (s *Server) settle(ctx context.Context, b *candidate, err error) {
	switch reason := reasonOf(err); {
	case ctx.Err() != nil:
		// The client is gone: nothing goes out.
	case err == nil:
		s.forms.note(ctx, b.key, formCompressed)
	case reason == reasonTimeout, reason == reasonCut, reason == reasonPanic, reason == reasonError, reason == reasonNotKept:
		s.forms.note(ctx, b.key, formOriginal)
		// The error's text may quote its input; its type may not.
		s.log.WarnContext(ctx, "block left as it came", "reason", reason, "error_type", fmt.Sprintf("%T", err))
	case reason == reasonResult:
		s.log.WarnContext(ctx, "block left as it came", "reason", reason, "error", err)
	}
}

// compressBlock runs the engine over one block. One bad block costs its own savings and nothing
// else.
func (s *Server) compressBlock(ctx context.Context, body []byte, b *candidate) (o outcome) {
	o = outcome{block: b}
	o.err = panics.Guard(func() (err error) {
		if err = ctx.Err(); err != nil {
			return err
		}
		if o.res, err = s.opts.Compressor.Compress(ctx, b.Request); err != nil {
			return err
		}
		if o.res.Cut {
			return errCut
		}
		if isThin(o.res) {
			return errThin
		}
		if o.edit, err = b.Rebuild(body, o.res); err != nil {
			return err
		}
		// What the provider holds already stays as it is, though its life could not be lengthened
		// this time: the next request tries again, well within the second life that originals have.
		if err = s.originals.Keep(ctx, b.Request, o.res); b.before {
			return nil
		}
		return err
	})
	return o
}

// minUsed is the part of its budget, one in so many, that a result's lines have to take. Below it
// the file is as good as gone.
const minUsed = 3

// isThin reports that a result is nothing but markers, or leaves nearly all of its budget unused.
func isThin(res compress.Result) bool {
	if len(res.Chunks) > 0 && !slices.ContainsFunc(res.Chunks, func(c compress.ChunkResult) bool { return len(c.KeptLines) > 0 }) {
		return true
	}
	return res.CompressedTokens < res.OriginalTokens && minUsed*res.LineTokens < res.Budget
}

// withPrompts adds what a plan does to few-shot prompts to what was done to blocks.
func withPrompts(edits []dialects.Edit, rep report, plan dialects.Plan) ([]dialects.Edit, report) {
	if len(plan.Prompts) == 0 {
		return edits, rep
	}
	edits = append(edits, plan.PromptEdits...)
	slices.SortFunc(edits, func(a, b dialects.Edit) int { return a.Start - b.Start })
	for _, prompt := range plan.Prompts {
		rep.prompts = append(rep.prompts, prompt.Name)
		rep.original += prompt.Original
		rep.compressed += prompt.Compressed
	}
	if rep.decision != decisionCompressed {
		rep.decision = decisionCompressed
		if rep.left == 0 {
			rep.reason = ""
		}
	}
	return edits, rep
}
