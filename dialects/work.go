package dialects

import (
	"context"
	"errors"
)

// ErrMemory ends the reading of a body for which there is no memory now.
var ErrMemory = errors.New("no memory to read the body")

// A Work bounds what reading one body may take, and counts it. A nil Work bounds and counts
// nothing. One goroutine uses it.
type Work struct {
	ctx  context.Context //nolint:containedctx // a Work is one call's, like the context
	grow func(bytes int) bool
	// done is the work so far, asked when the context was last looked at.
	done, asked int64
	err         error
}

// NewWork returns the Work of a body that is read until ctx ends. grow takes memory, in bytes, and
// says whether there was any; who made it gives it back. If nil, there is always some.
func NewWork(ctx context.Context, grow func(bytes int) bool) *Work {
	return &Work{ctx: ctx, grow: grow}
}

// Err says why the work ended before its time: the context's error, or ErrMemory.
func (w *Work) Err() error {
	if w == nil {
		return nil
	}
	return w.err
}

// Done is the work so far: bytes and lines looked at, counted as often as they were.
func (w *Work) Done() int64 { return w.done }

// look is how much work may pass unnoticed after its context has ended: a few milliseconds.
const look = 1 << 20

// spend counts n bytes or lines that are looked at, and says whether the work may go on.
func (w *Work) spend(n int) bool {
	if w == nil {
		return true
	}
	w.done += int64(n)
	if w.done-w.asked >= look && w.err == nil {
		w.asked, w.err = w.done, w.ctx.Err()
	}
	return w.err == nil
}

// patternSteps is about what a byte costs that the patterns for a tool's own words look at, in
// bytes that are only read.
const patternSteps = 8

// weigh counts a line that such patterns look at.
func (w *Work) weigh(line string) bool { return w.spend(patternSteps * (1 + len(line))) }

// hold takes memory for n bytes until the body is dealt with, and says whether the work may go on.
func (w *Work) hold(n int) bool {
	if w == nil {
		return true
	}
	if w.err == nil && w.grow != nil && !w.grow(n) {
		w.err = ErrMemory
	}
	return w.err == nil
}
