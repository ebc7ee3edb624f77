package compress

import "slices"

// A piece is what stays of one chosen chunk: runs of lines, and what they cost with the markers between them.
type piece struct {
	chunk  int
	lines  [][2]int
	tokens int
}

// carve is the fine stage: it shares target out over the chosen chunks, packs each one's blocks into its share and returns
// which lines of each source stay. What a chunk leaves over goes to the next best, in two sweeps, and then to chunks that
// the coarse stage had no room for.
func (j *job) carve(sel *selection, target int) [][]bool {
	picks := j.picks(sel)
	shares := j.shares(sel, picks, target)
	pieces := make([]piece, len(picks))
	left := 0.0
	for n, i := range picks {
		left += shares[n]
		pieces[n] = j.pack(i, int(left))
		left -= float64(pieces[n].tokens)
	}
	for n, i := range picks {
		room := left + float64(pieces[n].tokens)
		if left >= 1 && pieces[n].tokens < j.chunks[i].whole {
			pieces[n] = j.pack(i, int(room))
			left = room - float64(pieces[n].tokens)
		}
	}
	for _, g := range sel.groups {
		before := sel.least
		j.admit(sel, g, 0, func() bool { return float64(sel.least-before) <= left })
		left -= float64(sel.least - before)
	}
	done := make([]bool, len(j.chunks))
	for _, i := range picks {
		done[i] = true
	}
	for _, i := range j.picks(sel) {
		if !done[i] {
			pieces = append(pieces, piece{chunk: i, lines: [][2]int{{j.chunks[i].start, j.chunks[i].end}}})
		}
	}
	return j.mark(sel, pieces)
}

// mark turns the outcome of both stages into lines.
func (j *job) mark(sel *selection, pieces []piece) [][]bool {
	keep := make([][]bool, len(j.sources))
	for i, src := range j.sources {
		keep[i] = make([]bool, src.lines())
	}
	for i := range j.chunks {
		c := &j.chunks[i]
		if sel.states[i] == framed && !c.isCloser() {
			pieces = append(pieces, piece{chunk: i, lines: c.frameLines()})
		}
	}
	for _, p := range pieces {
		c := &j.chunks[p.chunk]
		if c.closer >= 0 {
			p.lines = append(p.lines, [2]int{j.chunks[c.closer].start, j.chunks[c.closer].end})
		}
		for _, run := range p.lines {
			for line := run[0]; line < run[1]; line++ {
				keep[c.src.index][line] = true
			}
		}
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
			least = c.frame
		}
		total += least
		claims[n] = claim{tokens: float64(sel.sizes[i]), relevance: c.score, least: float64(least), most: float64(c.whole)}
	}
	return allocate(claims, float64(total), *j.opt.Beta)
}

// pack returns the best of a chosen chunk that share holds.
func (j *job) pack(i, share int) piece {
	c := &j.chunks[i]
	whole := piece{chunk: i, lines: [][2]int{{c.start, c.end}}, tokens: c.whole}
	if share >= c.whole || !j.prunable(c) {
		return whole
	}
	tail := 0
	if c.closer >= 0 {
		tail = c.src.cost(j.chunks[c.closer].start, j.chunks[c.closer].end)
	}
	walk, spans := steps(c.src, c.blocks, c.start, c.end)
	kept, ok := knapsack{steps: walk, marker: c.src.marker}.pack(share - tail)
	if !ok {
		return piece{chunk: i, lines: c.frameLines(), tokens: c.frame}
	}
	p := piece{chunk: i, tokens: tail}
	gap := false
	for n := 0; n < len(walk); {
		if kept[n] {
			p.lines = append(p.lines, spans[n])
			p.tokens += walk[n].tokens
			gap = gap && walk[n].tokens == 0
			n++
			continue
		}
		if !gap {
			p.tokens += c.src.marker
		}
		gap = true
		n = walk[n].skip
	}
	return p
}

// frameLines are the lines of c that belong to no unit.
func (c *chunk) frameLines() [][2]int {
	var list [][2]int
	from := c.start
	for _, u := range c.units {
		list = append(list, [2]int{from, u.start})
		from = u.end
	}
	return append(list, [2]int{from, c.end})
}
