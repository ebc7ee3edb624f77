package proxy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"pith/compress"
	"pith/dialects"
	"pith/internal/panics"
	"pith/internal/waits"
)

// What keeps a block from the engine, or ends it there.
var (
	errFrozen = errors.New("block was sent as it came before")
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

// A candidate is a group of blocks on its way through the engine.
type candidate struct {
	dialects.Group
	// key is the group's among the forms that were sent.
	key string
	// settled says that the outcome is in.
	settled bool
}

// An outcome is what came of one group: an error, or an edit or an error for each of its blocks.
type outcome struct {
	group *candidate
	edits []dialects.Edit
	errs  []error
	err   error
	// answers are what the engine said, where somebody wants to see it.
	answers []groupResult
	outcomeReport
}

// compressBlocks runs the engine over the blocks of a request, group by group, and collects what is
// done when limited, its deadline, passes. The rest stays as it is, for good: see Freeze.
func (s *Server) compressBlocks(
	ctx, limited context.Context, body []byte, plan dialects.Plan, held *reading,
) ([]dialects.Edit, report) {
	t := tally{report: report{blocks: len(plan.Blocks), left: len(plan.Blocks)}}
	todo, release := s.admit(limited, plan.Groups(), &t)
	// The channel holds every outcome, so that an engine which ignores its context ends in peace
	// after nobody listens any more; its slot is taken until then.
	done := make(chan outcome, len(todo))
	letGo := held.hold()
	go func() {
		defer release()
		defer letGo()
		g, _ := panics.NewGroup(limited)
		g.SetLimit(s.opts.Compression.GroupsAtOnce)
		for _, c := range todo {
			g.Go(func() error {
				done <- s.compressGroup(limited, body, c)
				return nil
			})
		}
		_ = g.Wait() // outcomes carry their own errors
	}()
	watched := s.watch(&t.report, plan.Blocks)
	for waiting := len(todo); waiting > 0; waiting-- {
		select {
		case o := <-done:
			o.group.settled = true
			t.add(o)
			watched.saw(o)
			s.settle(ctx, o.group, o.err)
		case <-limited.Done():
			t.fail(limited.Err())
			for _, c := range todo {
				if !c.settled {
					s.settle(ctx, c, limited.Err())
				}
			}
			return t.finish()
		}
	}
	return t.finish()
}

// admit picks the groups that go to the engine: not those whose form is frozen, and of the others,
// when too many requests are in compression, only those that were sent compressed before, which a
// cache answers.
func (s *Server) admit(ctx context.Context, groups []dialects.Group, t *tally) (todo []*candidate, release func()) {
	release, free := s.slots.take()
	if !free {
		release = func() {}
	}
	all, sent := make([]*candidate, len(groups)), make([]form, len(groups))
	waits.Each(len(groups), func(i int) {
		all[i] = &candidate{Group: groups[i], key: s.forms.keyOf(groups[i].Request)}
		sent[i] = s.forms.sent(ctx, all[i].key)
	})
	for i, c := range all {
		c.Request.Owed = sent[i] == formCompressed
		switch {
		case sent[i] == formOriginal:
			t.fail(errFrozen)
		case sent[i] == formUnknown && !free:
			t.fail(compress.ErrBusy)
			s.forms.note(ctx, c.key, formOriginal, frozenBusy)
		default:
			todo = append(todo, c)
		}
	}
	return todo, release
}

// settle remembers the form in which a group goes out, where a later attempt might give it another.
func (s *Server) settle(ctx context.Context, c *candidate, err error) {
	switch reason := reasonOf(err); {
	case ctx.Err() != nil:
		// The client is gone: nothing goes out.
	case err == nil:
		s.forms.note(ctx, c.key, formCompressed, frozenFor)
	case reason == reasonBusy:
		s.forms.note(ctx, c.key, formOriginal, frozenBusy)
	case reason == reasonTimeout, reason == reasonCut, reason == reasonPanic, reason == reasonError,
		reason == reasonNotKept:
		s.forms.note(ctx, c.key, formOriginal, frozenFor)
		// The error's text may quote its input; its type may not.
		s.log.WarnContext(ctx, "blocks left as they came", "reason", reason, "error_type", fmt.Sprintf("%T", err))
	case reason == reasonResult:
		s.log.WarnContext(ctx, "blocks left as they came", "reason", reason, "error", err)
	}
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
