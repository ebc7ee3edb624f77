package perplexity

import (
	"context"

	"pith/internal/panics"
)

// waveBytes bounds the states that a request holds at once.
const waveBytes = 64 << 20

// A wave is a part of a request whose states are held together.
type wave struct {
	*Model
	line  *requestLine
	plans []*plan
}

// carry gets the results of plans, as many at a time as waveBytes holds states of. A plan whose
// losses are all known needs no state.
func (m *Model) carry(ctx context.Context, plans []*plan) error {
	w := wave{Model: m, line: &requestLine{}}
	size, perToken := 0, tokenBytes(m.engine.channels)
	for _, p := range plans {
		w.plans = append(w.plans, p)
		if len(m.memory.find(p.scores)) == 0 {
			continue
		}
		if n := len(p.chain); n > 0 {
			size += p.chain[n-1].end * perToken
		}
		if size > waveBytes {
			if err := w.run(ctx); err != nil {
				return err
			}
			size = 0
		}
	}
	return w.run(ctx)
}

// run computes the states of the plans' texts, segment by segment, and then their losses.
func (w *wave) run(ctx context.Context) error {
	defer w.release()
	for level, more := 0, true; more; level++ {
		more = false
		var passes []*pass
		for _, p := range w.plans {
			if level < len(p.chain) && p.open() {
				more = true
				passes = p.take(passes, p.chain[level])
			}
		}
		if err := w.resolve(ctx, passes); err != nil {
			return err
		}
	}
	var passes []*pass
	for _, p := range w.plans {
		for _, s := range p.scores {
			passes = p.take(passes, s)
		}
	}
	return w.resolve(ctx, passes)
}

// release lets go of the states of the plans, and forgets the plans.
func (w *wave) release() {
	for _, p := range w.plans {
		for _, c := range p.chain {
			if c.state != nil {
				c.drop()
				c.state, c.done = nil, false
			}
		}
	}
	w.plans = nil
}

// open reports that p lacks losses.
func (p *plan) open() bool {
	for _, s := range p.scores {
		if !s.done {
			return true
		}
	}
	return false
}

// take appends next to passes unless it is done or there, with the states that it goes on from.
func (p *plan) take(passes []*pass, next *pass) []*pass {
	if next.done || next.planned {
		return passes
	}
	next.planned = true
	next.past = next.past[:0]
	for _, c := range p.chain {
		if c.end <= next.start {
			next.past = append(next.past, c.state)
		}
	}
	return append(passes, next)
}

// resolve gets what passes leave: from memory, from other callers who compute it now, or from runs.
// A pass that another caller gave up is claimed anew, so that no caller's end fails another's
// request.
func (w *wave) resolve(ctx context.Context, passes []*pass) error {
	defer func(all []*pass) {
		for _, p := range all {
			p.planned = false
		}
	}(passes)
	for len(passes) > 0 {
		mine, others := w.memory.claim(passes)
		err := w.compute(ctx, mine)
		passes = nil
		for p, f := range others {
			if err != nil {
				w.memory.leave(f)
				continue
			}
			var ok bool
			if ok, err = w.memory.await(ctx, p, f); !ok {
				passes = append(passes, p)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compute runs passes that were claimed, with as many runs at once as the model admits.
func (w *wave) compute(ctx context.Context, passes []*pass) error {
	total := 0
	for _, p := range passes {
		total += p.end - p.start
	}
	if err := w.queue.reserve(total); err != nil {
		w.memory.settle(passes, false)
		return err
	}
	defer w.queue.leave(total)
	g, runCtx := panics.NewGroup(ctx)
	g.SetLimit(w.threads)
	for _, b := range pack(passes, w.batchTokens(passes), w.engine.padPast) {
		g.Go(func() error {
			err := panics.Guard(func() error { return w.runBatch(runCtx, b) })
			w.memory.settle(b.rows, err == nil)
			return err
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// runBatch runs b, in halves where the device has no memory for all of it at once: rows give the
// same in any company.
func (w *wave) runBatch(ctx context.Context, b batch) error {
	slot, err := w.queue.admit(ctx, w.line)
	if err != nil {
		return err
	}
	// It runs on a goroutine of its own, where a panic would end the process.
	err = panics.Guard(func() error { return w.engine.run(ctx, slot, b) })
	if err != nil {
		w.queue.release(slot, 0)
		if half := len(b.rows) / 2; half > 0 && outOfMemory(err) {
			if err := w.runBatch(ctx, b.part(0, half)); err != nil {
				return err
			}
			return w.runBatch(ctx, b.part(half, len(b.rows)))
		}
		return err
	}
	w.queue.release(slot, b.tokens())
	return nil
}

// batchTokens is the size of the batches that passes are cut into. A request that would fit one
// batch is still cut into one per slot, so that it uses every core.
func (m *Model) batchTokens(passes []*pass) int {
	total := 0
	for _, p := range passes {
		total += p.shape(m.engine.padPast).cost()
	}
	return min(m.maxBatchTokens, (total+m.threads-1)/m.threads)
}
