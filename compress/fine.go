package compress

import "slices"

// carve is the fine stage: it shares target out over the chosen chunks, packs each one's blocks into its share and returns
// which lines of each source stay. What a chunk leaves over goes to the next best.
func (j *job) carve(sel *selection, target int) [][]bool {
	keep := make([][]bool, len(j.sources))
	for i, src := range j.sources {
		keep[i] = make([]bool, src.lines())
	}
	for i := range j.chunks {
		if sel.states[i] == framed && !j.chunks[i].isCloser() {
			j.keepFrame(keep, &j.chunks[i])
		}
	}
	picks := j.picks(sel)
	shares := j.shares(sel, picks, target)
	left := 0.0
	for n, i := range picks {
		left += shares[n]
		left -= float64(j.keepChunk(keep, sel, i, int(left)))
	}
	for i, src := range j.sources {
		joinGaps(src, keep[i])
	}
	return keep
}

// joinGaps leaves out blank lines between two gaps, which would cost a second marker.
func joinGaps(src *source, keep []bool) {
	for from := 0; from < len(keep); {
		to := from + 1
		for to < len(keep) && keep[to] == keep[from] {
			to++
		}
		if keep[from] && from > 0 && to < len(keep) && src.allBlank(from, to) {
			for line := from; line < to; line++ {
				keep[line] = false
			}
		}
		from = to
	}
}

// picks lists the chosen chunks by rank.
func (j *job) picks(sel *selection) []int {
	var list []int
	for i := range j.chunks {
		if sel.states[i] == chosen && !j.chunks[i].isCloser() {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b int) int { return j.chunks[a].rank - j.chunks[b].rank })
	return list
}

// shares splits target, less what markers and mere frames cost, over picks.
func (j *job) shares(sel *selection, picks []int, target int) []float64 {
	total := target - sel.least
	claims := make([]claim, len(picks))
	for n, i := range picks {
		c := &j.chunks[i]
		least := c.whole
		if j.prunable(c) {
			least = c.least()
		}
		total += least
		claims[n] = claim{tokens: float64(sel.sizes[i]), relevance: c.score, least: float64(least), most: float64(c.whole)}
	}
	return allocate(claims, float64(total), j.opt.Beta)
}

// keepChunk keeps the best of a chosen chunk that share holds, and returns what that costs.
func (j *job) keepChunk(keep [][]bool, sel *selection, i, share int) int {
	c := &j.chunks[i]
	if share >= c.whole || !j.prunable(c) {
		j.keepLines(keep, c, c.start, c.end)
		return c.whole
	}
	tail := 0
	if c.closer >= 0 {
		tail = c.src.cost(j.chunks[c.closer].start, j.chunks[c.closer].end)
	}
	walk, spans := steps(c.src, c.blocks, c.start, c.end)
	need := c.syntax.NeedsChild && !slices.ContainsFunc(c.children, func(child int) bool { return sel.states[child] != absent })
	kept, ok := knapsack{steps: walk, marker: c.src.marker, need: need}.pack(share - tail)
	switch {
	case !ok && need:
		j.keepLines(keep, c, c.start, c.end)
		return c.whole
	case !ok:
		j.keepFrame(keep, c)
		return c.frame
	}
	spent, gap := tail, false
	for n, s := range walk {
		if !kept[n] {
			continue
		}
		spent += s.tokens
		j.keepLines(keep, c, spans[n][0], spans[n][1])
	}
	for n := 0; n < len(walk); {
		if kept[n] {
			gap = gap && walk[n].tokens == 0
			n++
			continue
		}
		if !gap {
			spent += c.src.marker
		}
		gap = true
		n = walk[n].skip
	}
	return spent
}

// keepFrame keeps the lines of c that belong to no unit.
func (j *job) keepFrame(keep [][]bool, c *chunk) {
	from := c.start
	for _, u := range c.units {
		j.keepLines(keep, c, from, u.start)
		from = u.end
	}
	j.keepLines(keep, c, from, c.end)
}

// keepLines keeps [from, to) of c and the lines that close it.
func (j *job) keepLines(keep [][]bool, c *chunk, from, to int) {
	lines := keep[c.src.index]
	for line := from; line < to; line++ {
		lines[line] = true
	}
	if c.closer >= 0 {
		for line := j.chunks[c.closer].start; line < j.chunks[c.closer].end; line++ {
			lines[line] = true
		}
	}
}
