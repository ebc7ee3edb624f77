package dialects

import (
	"errors"
	"fmt"

	"pith/compress"
)

// ErrNothingKept is ErrNoGain where a result leaves nothing of a block.
var ErrNothingKept = fmt.Errorf("%w: nothing of the block is left", ErrNoGain)

// A Group is the blocks of one message that are read for the same question. The engine ranks them
// together, within one budget: what the question is about may stand in any of them.
type Group struct {
	// Request holds the blocks' files, in order.
	Request compress.Request
	Blocks  []*Block
}

// Groups are the plan's blocks as the engine is asked for them, in the order of their first ones.
//
// A Rules.Budget counts for the groups of one message together, which share it by size, and each
// message has it anew: a share of the whole conversation would change whenever a turn is added, and
// with it the bytes of every older turn.
func (p Plan) Groups() []Group {
	type key struct {
		message        int
		query, wayBack string
	}
	var list []Group
	index, sizes := map[key]int{}, map[int]int{}
	for i := range p.Blocks {
		b := &p.Blocks[i]
		sizes[b.message] += b.bytes()
		k := key{b.message, b.Request.Query, b.Request.WayBack}
		at, known := index[k]
		if !known {
			at = len(list)
			index[k] = at
			request := b.Request
			request.Files = nil
			list = append(list, Group{Request: request})
		}
		list[at].add(b)
	}
	if p.Budget == 0 {
		return list
	}
	for i := range list {
		g := &list[i]
		g.Request.Budget = share(p.Budget, g.bytes(), sizes[g.Blocks[0].message])
	}
	return list
}

// share is part's share of a budget for whole.
func share(budget, part, whole int) int { return max(1, budget*part/max(1, whole)) }

func (g *Group) add(b *Block) {
	g.Blocks = append(g.Blocks, b)
	g.Request.Files = append(g.Request.Files, b.Request.Files...)
}

func (g *Group) bytes() (n int) {
	for _, b := range g.Blocks {
		n += b.bytes()
	}
	return n
}

// Rebuild returns for each block the edit of body that puts its part of a result in its place, or
// the error for which the block stays as it is.
func (g *Group) Rebuild(body []byte, res compress.Result) ([]Edit, []error) {
	edits, errs := make([]Edit, len(g.Blocks)), make([]error, len(g.Blocks))
	chunks := make([][]compress.ChunkResult, len(g.Blocks))
	for _, c := range res.Chunks {
		if c.FileIndex >= 0 && c.FileIndex < len(chunks) {
			chunks[c.FileIndex] = append(chunks[c.FileIndex], c)
		}
	}
	for i, b := range g.Blocks {
		if len(res.Files) != len(g.Blocks) {
			errs[i] = fmt.Errorf("%w: %d files for %d", ErrUnaligned, len(res.Files), len(g.Blocks))
			continue
		}
		edits[i], errs[i] = b.edit(body, res.Files[i].Text, chunks[i])
	}
	return edits, errs
}

// Left are those blocks of which a result keeps nothing, as errs of Rebuild tell, each as a group of
// its own with its share of the budget. What the question is about was found elsewhere, so words are
// enough to say what stays of them.
func (g *Group) Left(errs []error) (alone []Group) {
	for i, b := range g.Blocks {
		if !errors.Is(errs[i], ErrNothingKept) {
			continue
		}
		one := Group{Request: g.Request}
		one.Request.Files, one.Request.Ranker = nil, "words"
		one.add(b)
		if g.Request.Budget > 0 {
			one.Request.Budget = share(g.Request.Budget, b.bytes(), g.bytes())
		}
		alone = append(alone, one)
	}
	return alone
}
