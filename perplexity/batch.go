package perplexity

import (
	"cmp"
	"slices"
)

// A pass is one row of a forward pass: tokens, of which the losses of ids[from:] are wanted. from is at least 1.
type pass struct {
	ids  []int32
	from int
	nll  []float32 // result, one per wanted token
}

func (p *pass) wanted() int { return len(p.ids) - p.from }

// A batch is the rows of one run of the session, right-padded to width.
type batch struct {
	rows   []*pass
	width  int
	wanted int
}

// pack sorts passes by length, so that little is padded, and cuts them into batches of at most maxTokens tokens, padding
// included; a longer pass is a batch of its own. It is a pure function of the passes: which rows meet in a run never depends on
// load.
func pack(passes []*pass, maxTokens int) []batch {
	sorted := slices.Clone(passes)
	// Longest first: the runs that end last are then short, and the cores finish together.
	slices.SortStableFunc(sorted, func(a, b *pass) int { return cmp.Compare(len(b.ids), len(a.ids)) })
	var batches []batch
	for _, p := range sorted {
		last := len(batches) - 1
		if last < 0 || (len(batches[last].rows)+1)*batches[last].width > maxTokens {
			batches = append(batches, batch{width: len(p.ids)})
			last++
		}
		batches[last].rows = append(batches[last].rows, p)
		batches[last].wanted += p.wanted()
	}
	return batches
}

// fill writes the rows of b into the input buffers: tokens, then padding. targets[t] is the token whose loss is wanted given the
// tokens up to t, or -1.
func (buf *buffers) fill(b batch) {
	size := len(b.rows) * b.width
	buf.ids, buf.mask = grow(buf.ids, size), grow(buf.mask, size)
	buf.targets, buf.positions = grow(buf.targets, size), grow(buf.positions, size)
	for r, p := range b.rows {
		ids, mask := buf.ids[r*b.width:][:b.width], buf.mask[r*b.width:][:b.width]
		targets, positions := buf.targets[r*b.width:][:b.width], buf.positions[r*b.width:][:b.width]
		for t := range ids {
			ids[t], mask[t], targets[t], positions[t] = 0, 0, -1, int64(t)
			if t < len(p.ids) {
				ids[t], mask[t] = int64(p.ids[t]), 1
			}
			if t+1 >= p.from && t+1 < len(p.ids) {
				targets[t] = int64(p.ids[t+1])
			}
		}
	}
}

// scatter gives each row its part of nll, which holds the losses of the wanted tokens, row by row.
func (b batch) scatter(nll []float32) {
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
