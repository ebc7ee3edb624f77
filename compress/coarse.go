package compress

import "slices"

// A state is what the coarse stage makes of a chunk.
type state uint8

const (
	absent state = iota
	framed       // only the frame stays, for the sake of a chunk inside
	chosen
)

// A level is how freely a file may be cut. Files whose output does not parse climb it.
type level uint8

const (
	cutBlocks level = iota // blocks inside chunks may go
	cutChunks              // only whole chunks
	cutTrees               // only whole top-level chunks with all that is inside
	cutFile                // all of the file or nothing
)

// smallLines is the paper's size of a function that is not cut, in lines.
const smallLines = 5

// prunable reports that the fine stage may cut inside c. Once the blocks of the first choice are valued, no other chunk
// can be cut: one that moves up later is kept whole or not at all.
func (j *job) prunable(c *chunk) bool {
	return c.src.level == cutBlocks && c.end-c.start >= smallLines && len(c.units) > 0 && (!j.segmented || c.blocks != nil)
}

// fine reports that blocks will be cut in some file.
func (j *job) fine() bool {
	return slices.ContainsFunc(j.sources, func(src *source) bool { return src.level == cutBlocks })
}

// A selection is the outcome of the coarse stage, with its running cost in tokens.
type selection struct {
	states []state
	// sizes holds what each chosen chunk was charged.
	sizes []int
	// charged counts a chunk with what it was admitted at, least with what it can shrink to.
	charged, least int
	// groups lists what may be chosen, best first.
	groups []group
	// undo holds what the last attempt changed.
	undo []undo
}

type undo struct {
	chunk int
	state state
}

// A group is chunks that are chosen together.
type group struct {
	members []int
	score   float64
}

// choose is the coarse stage: chunks by rank, as long as they fit; one that does not fit is skipped and the next one tried.
// (The reference takes the one that crosses the limit along, and stops.) The limit is the paper's target/R_fine where
// blocks will be cut afterwards. A chunk that can be cut is admitted at half the limit when it is larger, and at what is
// left of the limit when that holds half of it: the one function that the query is about must not be lost because it is long.
func (j *job) choose(target int) *selection {
	sel := &selection{states: make([]state, len(j.chunks)), sizes: make([]int, len(j.chunks)), groups: j.groups()}
	for _, src := range j.sources {
		sel.charged += j.header(src) + src.marker
	}
	sel.least = sel.charged
	limit := j.coarseLimit(target)
	for _, g := range sel.groups {
		j.admit(sel, g, limit, func() bool { return sel.charged <= limit && sel.least <= target })
	}
	return sel
}

// coarseLimit is how many tokens of chunks the coarse stage takes for a target.
func (j *job) coarseLimit(target int) int {
	if j.fine() {
		return int(float64(target) / j.opt.FineRatio)
	}
	return target
}

// admit takes the chunks of g, or none of them if then fits is false. Chunks that can be cut are charged as limit allows;
// a limit of 0 charges all of them whole.
func (j *job) admit(sel *selection, g group, limit int, fits func() bool) bool {
	sel.undo = sel.undo[:0]
	charged, least := sel.charged, sel.least
	for _, i := range g.members {
		j.take(sel, i, limit)
	}
	if fits() {
		return true
	}
	for _, u := range slices.Backward(sel.undo) {
		sel.states[u.chunk] = u.state
	}
	sel.charged, sel.least = charged, least
	return false
}

// take makes chunk i chosen and its ancestors framed.
func (j *job) take(sel *selection, i, limit int) {
	c := &j.chunks[i]
	if sel.states[i] == chosen {
		return
	}
	for up := c.parent; up >= 0 && sel.states[up] == absent; up = j.chunks[up].parent {
		sel.charged += j.chunks[up].frame
		sel.least += j.chunks[up].frame
		j.enter(sel, up, framed)
	}
	if sel.states[i] == framed {
		sel.charged -= c.frame
		sel.least -= c.frame
	}
	j.enter(sel, i, chosen)
	charge, least := c.whole, c.whole
	if limit > 0 && j.prunable(c) {
		charge, least = min(c.whole, max(limit/2, c.frame)), c.frame
		if room := limit - sel.charged; room < charge && room >= c.whole/2 {
			charge = max(room, c.frame)
		}
	}
	sel.sizes[i] = charge
	sel.charged += charge
	sel.least += least
}

// enter changes a chunk's state and, where it was absent, the number of gaps around it and its closer.
func (j *job) enter(sel *selection, i int, to state) {
	sel.undo = append(sel.undo, undo{chunk: i, state: sel.states[i]})
	if sel.states[i] != absent {
		sel.states[i] = to
		return
	}
	ends := []int{i}
	if closer := j.chunks[i].closer; closer >= 0 {
		ends = append(ends, closer)
	}
	for _, end := range ends {
		gaps := -1
		for _, side := range []int{end - 1, end + 1} {
			if j.sameFile(end, side) && !j.present(sel, side) {
				gaps++
			}
		}
		sel.charged += gaps * j.chunks[i].src.marker
		sel.least += gaps * j.chunks[i].src.marker
		sel.states[end] = to
		if end != i {
			sel.undo = append(sel.undo, undo{chunk: end, state: absent})
		}
	}
}

func (j *job) sameFile(a, b int) bool {
	return b >= 0 && b < len(j.chunks) && j.chunks[a].src == j.chunks[b].src
}

func (j *job) present(sel *selection, i int) bool { return sel.states[i] != absent }

// groups lists what may be chosen, best first.
func (j *job) groups() []group {
	var list []group
	scores := make([]float64, 0, len(j.chunks))
	add := func(members []int) {
		best := j.chunks[members[0]].score
		for _, i := range members {
			best = max(best, j.chunks[i].score)
		}
		list = append(list, group{members: members, score: best})
		scores = append(scores, best)
	}
	trees := map[int][]int{}
	files := map[*source][]int{}
	for _, i := range j.ranked() {
		c := &j.chunks[i]
		switch c.src.level {
		case cutTrees:
			trees[j.root(i)] = append(trees[j.root(i)], i)
		case cutFile:
			files[c.src] = append(files[c.src], i)
		}
	}
	for _, i := range j.ranked() {
		c := &j.chunks[i]
		switch c.src.level {
		case cutTrees:
			if members := trees[j.root(i)]; members[0] == i {
				add(members)
			}
		case cutFile:
			if members := files[c.src]; members[0] == i {
				add(members)
			}
		default:
			add(j.withChild(i))
		}
	}
	ordered := make([]group, len(list))
	for n, at := range byScore(scores) {
		ordered[n] = list[at]
	}
	return ordered
}

// root is the outermost chunk around i.
func (j *job) root(i int) int {
	for j.chunks[i].parent >= 0 {
		i = j.chunks[i].parent
	}
	return i
}

// withChild returns i alone or, where its header is not legal alone, with the best of its children.
func (j *job) withChild(i int) []int {
	c := &j.chunks[i]
	if !c.syntax.NeedsChild || len(c.children) == 0 {
		return []int{i}
	}
	best := c.children[0]
	for _, child := range c.children {
		if j.chunks[child].rank < j.chunks[best].rank {
			best = child
		}
	}
	return []int{i, best}
}
