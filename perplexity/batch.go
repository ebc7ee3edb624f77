package perplexity

import (
	"cmp"
	"slices"
)

// A pass is one row of a run. The tokens ids[start:end] go through the network after the state of
// those before start, and the losses of ids[from:to] come out of it, the loss of a token out of the
// position before its own.
//
// Where the graph keeps hidden states, wanted positions may lie before start, and start may equal
// end: then nothing goes through the layers, and known text gets its losses for the price of the
// vocabulary projection.
type pass struct {
	ids        []int32
	start, end int
	from, to   int
	// leave asks for the state of ids[start:end].
	leave bool
	// past holds the states of ids[:start], in order.
	past []*passState
	key  key
	user *request
	// done says that entry is there, planned that the pass is on its way.
	done, planned bool
	passResult
}

// A passResult is what a pass leaves: losses, a state, or both.
type passResult struct {
	nll   []float32
	state *passState
}

func (p *pass) wanted() int { return p.to - p.from }

// A rowShape is the size of a run's row: tokens of the past, tokens of its own, and how many of the
// last positions have targets.
type rowShape struct{ past, own, window int }

// shape rounds a pass up. It is a function of the pass alone, and only passes of one shape meet in
// a run: the runtime then adds a row's numbers up in the same order whatever stands beside it, so
// that its losses are the same to the last bit. (Padding to the longest row of a batch is not
// neutral: a softmax adds a row up in lanes, and which lane a number meets depends on the width.)
func (p *pass) shape(padPast bool) rowShape {
	s := rowShape{past: p.start, own: max(p.end-p.start, 1)}
	if padPast {
		s.past = roundUp(p.start)
	}
	switch known := p.start - (p.from - 1); {
	case known > 0 && p.wanted() > 0: // one position more, for the token that nobody wants
		s.window = min(roundUp(known+1), s.past+1)
	case p.start == 0 || p.leave:
		s.own = roundUp(s.own)
		s.window = s.own
	default: // the same query stands after every chunk: its length needs no rounding
		s.own = max(s.own, 2)
		s.window = s.own
	}
	return s
}

// roundUp returns the next length that runs have: multiples of 8 up to 128, of 16 up to 256 and so
// on.
func roundUp(n int) int {
	step := 8
	for n > 16*step {
		step *= 2
	}
	return (n + step - 1) / step * step
}

// pastShare is how many tokens of the past weigh as much as one that goes through the network, in
// time and in memory.
const pastShare = 8

func (s rowShape) cost() int { return max(s.own, s.window) + s.past/pastShare }

// A batch is the rows of one run of the session, all of one shape.
type batch struct {
	rowShape
	rows   []*pass
	wanted int
}

// pack groups passes by shape and cuts them into batches of at most maxTokens tokens, padding
// included; a longer pass is a batch of its own. It is a pure function of the passes: which rows
// meet in a run never depends on load.
func pack(passes []*pass, maxTokens int, padPast bool) []batch {
	rows := make([]batch, len(passes))
	for i, p := range passes {
		rows[i] = batch{rowShape: p.shape(padPast), rows: []*pass{p}, wanted: p.wanted()}
	}
	// Longest first: the runs that end last are then short, and the cores finish together.
	slices.SortStableFunc(rows, func(a, b batch) int {
		return cmp.Or(cmp.Compare(b.cost(), a.cost()), cmp.Compare(b.past, a.past), cmp.Compare(b.window, a.window))
	})
	var batches []batch
	for _, row := range rows {
		last := len(batches) - 1
		if last >= 0 && batches[last].rowShape == row.rowShape && (len(batches[last].rows)+1)*row.cost() <= maxTokens {
			batches[last].rows = append(batches[last].rows, row.rows...)
			batches[last].wanted += row.wanted
			continue
		}
		batches = append(batches, row)
	}
	return batches
}

// part returns a batch of the rows [from, to).
func (b batch) part(from, to int) batch {
	b.rows, b.wanted = b.rows[from:to], 0
	for _, p := range b.rows {
		b.wanted += p.wanted()
	}
	return b
}

// tokens counts what goes through the network, without padding.
func (b batch) tokens() int {
	n := 0
	for _, p := range b.rows {
		n += p.end - p.start
	}
	return n
}

// fill writes the rows of b into the input buffers: the past stands at the right end of its place,
// a row's own tokens at the left of theirs. targets covers the last window positions; a target is
// the token whose loss is wanted at that position, or -1.
func (buf *buffers) fill(b batch) {
	n := len(b.rows)
	buf.ids, buf.positions = grow(buf.ids, n*b.own), grow(buf.positions, n*b.own)
	buf.mask, buf.targets = grow(buf.mask, n*(b.past+b.own)), grow(buf.targets, n*b.window)
	buf.pastIDs = grow(buf.pastIDs, n*b.past)
	for r, p := range b.rows {
		ids, positions := buf.ids[r*b.own:][:b.own], buf.positions[r*b.own:][:b.own]
		last := max(p.end-1, 0)
		for t := range ids {
			// Padding repeats the last position: there may be none after it.
			ids[t], positions[t] = 0, int64(min(p.start+t, last))
			if p.start+t < p.end {
				ids[t] = int64(p.ids[p.start+t])
			}
		}
		pad := b.past - p.start
		past, mask := buf.pastIDs[r*b.past:][:b.past], buf.mask[r*(b.past+b.own):][:b.past+b.own]
		for t := range past {
			past[t] = -1
			if t >= pad {
				past[t] = int64(p.ids[t-pad])
			}
		}
		for t := range mask {
			mask[t] = 0
			if t >= pad && t-pad < p.end {
				mask[t] = 1
			}
		}
		b.aim(p, buf.targets[r*b.window:][:b.window])
	}
	if i := b.spare(); i >= 0 {
		buf.targets[i] = 0
	}
}

// first is the position that the first target of p is of.
func (b batch) first(p *pass) int { return p.start + b.own - b.window }

// aim writes the targets of p.
func (b batch) aim(p *pass, targets []int64) {
	for i := range targets {
		targets[i] = -1
		if next := b.first(p) + i + 1; p.from <= next && next < p.to {
			targets[i] = int64(p.ids[next])
		}
	}
}

// spare returns the place in the only row of b where a target stands that nobody wants, or -1. A
// single loss is asked for together with another: the product of one row with a matrix takes a path
// of its own through the runtime, and its last bits differ.
func (b batch) spare() int {
	switch {
	case b.wanted != 1:
		return -1
	case b.rows[0].from-1 > b.first(b.rows[0]):
		return 0
	}
	return b.window - 1
}

// asked counts the losses that the run returns.
func (b batch) asked() int {
	if b.spare() >= 0 {
		return b.wanted + 1
	}
	return b.wanted
}

// scatter gives each row its part of nll, which holds the losses asked for, row by row.
func (b batch) scatter(nll []float32) {
	if b.spare() == 0 {
		nll = nll[1:]
	}
	for _, p := range b.rows {
		p.nll = slices.Clone(nll[:p.wanted()])
		nll = nll[p.wanted():]
	}
}

// grow returns s with length n; what it holds is undefined.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
