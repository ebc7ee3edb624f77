package compress

import (
	"context"
	"fmt"
)

// sliceBytes is how much text the model is asked about at once. A deadline loses what it cuts off
// by the slice, so small slices lose little; large ones pack better.
const sliceBytes = 16 << 10

// A Reading is what the language model read of a request, and why not more.
type Reading struct {
	Speed Speed `json:"speed"`
	// Ranked is the number of chunks that the model ranked; words alone settled Settled others, as
	// Speed has it.
	Ranked  int `json:"ranked"`
	Settled int `json:"settled"`
	// Late is the number of chunks and functions that the model should have read and did not: the
	// deadline passed, or it failed.
	Late int `json:"late,omitempty"`
	// Inside is the number of functions that the model read inside: line by line and block by
	// block, or, of one too large for the speed, the blocks that words rank first.
	Inside int `json:"inside"`
	// Passes and Bytes are what it was given, queries included.
	Passes int `json:"passes"`
	Bytes  int `json:"bytes"`
}

// model asks the Scorer within the deadline. ok is false where it failed and the request goes on
// with the cheap ranker; the error is not nil only when the request itself is over.
func (j *job) model(ctx context.Context, seqs []Sequence) (losses []Losses, ok bool, err error) {
	bounded := ctx
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		bounded, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	losses, err = j.opt.Scorer.Score(bounded, seqs)
	if err == nil && len(losses) != len(seqs) {
		err = fmt.Errorf("%d results for %d sequences", len(losses), len(seqs))
	}
	switch {
	case err == nil:
		return losses, true, nil
	case ctx.Err() != nil:
		return nil, false, fmt.Errorf("score %d texts: %w", len(seqs), ctx.Err())
	case bounded.Err() != nil:
		j.reason = fmt.Sprintf("the deadline of %v for scoring passed", j.opt.Deadline)
	default:
		j.reason = fmt.Sprintf("the model failed: %v", err)
	}
	j.short = true
	return nil, false, nil
}

// read asks the model about seqs, the first ones first, and returns what it answered in time: all,
// or the leading ones. Whether there is a deadline does not change the slices, so it does not
// change what they tell.
func (j *job) read(ctx context.Context, seqs []Sequence) ([]Losses, error) {
	var list []Losses
	for len(list) < len(seqs) && !j.short {
		end, size := len(list), 0
		for end < len(seqs) && (size == 0 || size+seqs[end].bytes() <= sliceBytes) {
			size += seqs[end].bytes()
			end++
		}
		losses, ok, err := j.model(ctx, seqs[len(list):end])
		if err != nil {
			return nil, err
		}
		if ok {
			list = append(list, losses...)
			j.reading.Passes += len(losses)
			j.reading.Bytes += size
		}
	}
	return list, nil
}

func (s Sequence) bytes() int { return len(s.Given) + len(s.Text) }
