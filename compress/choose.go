package compress

import (
	"math"
	"slices"

	"pith/compress/knapsack"
	"pith/parsers"
)

// A level is how freely a file may be cut. Files whose output does not parse climb it.
type level uint8

const (
	cutBlocks level = iota // blocks inside chunks may go
	cutChunks              // only whole chunks
	cutTrees               // only whole top-level chunks with all that is inside
	cutFile                // all of the file or nothing
)

// An outcome is what stays of a chunk in one form: runs of lines.
type outcome struct {
	lines [][2]int
}

// A choice is the walk over the whole input for the knapsack, with what each form stands for.
type choice struct {
	steps    []knapsack.Step
	outcomes [][]outcome // by step and form
	sources  []*source   // by step
	tree     knapsack.Tree
}

func (w *choice) add(src *source, s knapsack.Step, list ...outcome) int {
	w.steps = append(w.steps, s)
	w.outcomes = append(w.outcomes, list)
	w.sources = append(w.sources, src)
	return len(w.steps) - 1
}

// walkAnew has the next choice list the decisions anew.
func (j *job) walkAnew() {
	if j.walked != nil {
		j.walked.tree.Free()
		j.walked = nil
	}
}

// walk lists the decisions over all files in line order.
func (j *job) walk() *choice {
	w := &choice{}
	at := 0
	for _, src := range j.sources {
		end := at
		for end < len(j.chunks) && j.chunks[end].src == src {
			end++
		}
		if !src.idle {
			j.walkFile(w, src, at, end)
		}
		at = end
	}
	return w
}

// walkFile lists the decisions of one file, whose chunks are [from, to).
func (j *job) walkFile(w *choice, src *source, from, to int) {
	head := -1
	if len(j.sources) > 1 {
		s := knapsack.Keep(j.header(src), 0, 1)
		if !j.req.Sparse {
			s.Alone = j.count(src.markerLine(0, src.lines(), src.name()) + "\n")
		}
		head = w.add(src, s, outcome{})
	}
	if src.level == cutFile {
		value := 0.0
		for i := from; i < to; i++ {
			value += j.chunks[i].value
		}
		skip := 0
		if head < 0 {
			skip = len(w.steps) + 1
		}
		w.add(src, knapsack.Keep(src.cost(0, src.lines()), value, skip), outcome{lines: [][2]int{{0, src.lines()}}})
	} else {
		for i := from; i < to; {
			i = j.walkChunk(w, i)
		}
	}
	if head >= 0 {
		w.steps[head].Skip = len(w.steps)
	}
}

// walkChunk lists the decisions of chunk i and of what is inside, and returns the chunk behind.
func (j *job) walkChunk(w *choice, i int) (next int) {
	c := &j.chunks[i]
	end := j.subtree(i)
	if c.src.level == cutTrees && c.syntax.Kind != parsers.KindHead {
		value := 0.0
		for k := i; k < end; k++ {
			value += j.chunks[k].value
		}
		last := j.chunks[end-1].end
		whole := outcome{lines: [][2]int{{c.start, last}}}
		at := w.add(c.src, knapsack.Keep(c.src.cost(c.start, last), value, 0), whole)
		w.steps[at].Skip = len(w.steps)
		return end
	}
	forms, outcomes := j.forms(c)
	at := w.add(c.src, knapsack.Step{Forms: forms}, outcomes...)
	for k := i + 1; k < end; {
		if inner := &j.chunks[k]; inner.isCloser() {
			lines := [2]int{inner.start, inner.end}
			w.add(c.src, knapsack.Keep(c.src.cost(inner.start, inner.end), 0, 0), outcome{lines: [][2]int{lines}})
			k++
			continue
		}
		k = j.walkChunk(w, k)
	}
	w.steps[at].Skip = len(w.steps)
	return end
}

// subtree is the chunk behind i and all that is inside.
func (j *job) subtree(i int) int {
	end := i + 1
	for end < len(j.chunks) && j.chunks[end].src == j.chunks[i].src && j.inside(end, i) {
		end++
	}
	return end
}

// inside reports that chunk k lies in chunk i, at any depth.
func (j *job) inside(k, i int) bool {
	for k > i {
		k = j.chunks[k].parent
	}
	return k == i
}

// Forms lists how a chunk may stay, the whole first: what stands out is kept whole before anything
// is cut inside.
func (j *job) forms(c *chunk) (forms []knapsack.Form, outcomes []outcome) {
	add := func(f knapsack.Form, lines [][2]int) {
		forms = append(forms, f)
		outcomes = append(outcomes, outcome{lines: lines})
	}
	own := c.src.cost(c.start, c.end)
	add(knapsack.Form{Tokens: own, Value: c.value + c.needed}, [][2]int{{c.start, c.end}})
	if len(c.units) == 0 {
		return forms, outcomes
	}
	if c.src.level != cutBlocks {
		if frame := c.frameForm(); len(c.children) > 0 && frame.tokens < own { // for the sake of what is inside
			add(knapsack.Form{Tokens: frame.tokens, Leads: frame.leads, Trails: frame.trails}, frame.lines)
		}
		return forms, outcomes
	}
	for _, p := range c.pruned { // it shows the signature too
		add(knapsack.Form{
			Tokens: p.tokens, Value: (fitted.Pack.Frame+fitted.Pack.Pruned*p.share)*c.value + c.needed, Leads: p.leads,
			Trails: p.trails,
		}, p.lines)
	}
	if frame := c.frameForm(); frame.tokens < own && (len(c.children) > 0 || c.sound(frame.lines)) {
		add(knapsack.Form{
			Tokens: frame.tokens, Value: fitted.Pack.Frame*c.value + c.needed, Leads: frame.leads, Trails: frame.trails,
		}, frame.lines)
	}
	return forms, outcomes
}

// A piece is a chunk cut inside: what stays, and what it costs with the markers between.
type piece struct {
	lines         [][2]int
	tokens        int
	share         float64 // of the chunk's value
	leads, trails bool
}

// frameForm is a chunk of which only the frame stays: its signature and what closes it.
func (c *chunk) frameForm() piece { return c.piece(c.frameLines()) }

// piece prices runs of lines of c. Blank lines at the edge of a run that a gap would swallow cost
// little and are not looked at.
func (c *chunk) piece(lines [][2]int) piece {
	p := piece{}
	at := c.start
	for _, run := range lines {
		if run[0] >= run[1] || c.src.allBlank(run[0], run[1]) {
			continue
		}
		if run[0] > at {
			if at == c.start {
				p.leads = true
			} else {
				p.tokens += c.src.marker
			}
		}
		p.lines = append(p.lines, run)
		p.tokens += c.src.cost(run[0], run[1])
		at = run[1]
	}
	if at < c.end && len(p.lines) > 0 {
		p.trails = true
		p.tokens += c.src.marker
	}
	return p
}

// choose picks a form for each chunk under target tokens and returns which lines of each source
// stay, and the value of the choice.
func (j *job) choose(target int) (lines [][]bool, worth float64) {
	if j.walked == nil {
		j.walked = j.walk()
	}
	w := j.walked
	marker := 0
	for _, src := range j.sources {
		marker = max(marker, src.marker)
	}
	lines = make([][]bool, len(j.sources))
	for i, src := range j.sources {
		lines[i] = make([]bool, src.lines())
	}
	w.tree.Steps, w.tree.Marker = w.steps, marker*j.markerPrice
	chosen, ok := w.tree.Pack(target)
	if !ok {
		return lines, 0
	}
	for i, n := range chosen {
		if n == knapsack.Left {
			continue
		}
		worth += w.steps[i].Forms[n].Value
		for _, run := range w.outcomes[i][n].lines {
			for line := run[0]; line < run[1]; line++ {
				lines[w.sources[i].index][line] = true
			}
		}
	}
	j.dropBare(lines)
	for i, src := range j.sources {
		joinGaps(src, lines[i], 0)
	}
	return lines, worth
}

// dropBare takes out what is kept of a definition for the sake of its members where none of them is
// kept: in a language that wants a statement there, a header alone is none. Its grammar forgives
// that, the language does not.
func (j *job) dropBare(lines [][]bool) {
	for i := len(j.chunks) - 1; i >= 0; i-- {
		c := &j.chunks[i]
		kept := lines[c.src.index]
		if c.syntax.NeedsChild && !slices.ContainsFunc(c.children, func(k int) bool { return j.keepsAny(k, kept) }) {
			clear(kept[c.start:c.end])
		}
	}
}

// leaveIdle takes the files out of the choice of which lines hold nothing but frames: they would
// say what there is, and their tokens are of more use elsewhere. It leaves at least one file.
func (j *job) leaveIdle(lines [][]bool) {
	busy := make([]bool, len(j.sources))
	for i := range j.chunks {
		c := &j.chunks[i]
		busy[c.src.index] = busy[c.src.index] || c.says(lines[c.src.index])
	}
	if !slices.Contains(busy, true) {
		return
	}
	for _, src := range j.sources {
		src.idle = !busy[src.index]
	}
	j.walkAnew()
}

// says reports that more of a chunk is kept than its frame: a statement of a function or all of a
// larger declaration.
func (c *chunk) says(kept []bool) bool {
	if c.rank == 0 || c.syntax.Kind == parsers.KindHead || c.syntax.Kind == parsers.KindImports {
		return false
	}
	whole := !slices.Contains(kept[c.start:c.end], false)
	switch c.syntax.Kind {
	case parsers.KindType, parsers.KindClass, parsers.KindModule:
		return whole && len(c.units) > 0
	}
	return whole || slices.ContainsFunc(c.units, func(n node) bool { return !n.comment && kept[n.start] })
}

// keepsAny reports that a line of a chunk, or of one inside of it, is kept.
func (j *job) keepsAny(i int, kept []bool) bool {
	c := &j.chunks[i]
	return slices.Contains(kept[c.start:c.end], true) ||
		slices.ContainsFunc(c.children, func(k int) bool { return j.keepsAny(k, kept) })
}

// appraise gives each chunk its value: what is expected to be gained by keeping it. Needed code of
// more lines is more of an answer, though not in proportion.
func (j *job) appraise() {
	for i := range j.chunks {
		c := &j.chunks[i]
		if c.isCloser() || c.syntax.NeedsChild {
			continue // kept for the sake of another chunk alone
		}
		size := float64(c.src.cost(c.start, c.end))
		c.value = c.probability*math.Pow(size, fitted.Pack.Size) + epsilon*size
	}
}

// need lets what the kept chunks use be worth something: the definitions that a reader of them
// looks up.
func (j *job) need(lines [][]bool) {
	ranked := j.ranked()
	for _, u := range j.used(ranked) {
		by, of := &j.chunks[ranked[u.by]], &j.chunks[ranked[u.of]]
		if of.syntax.NeedsChild || of.syntax.Kind == parsers.KindImports {
			continue
		}
		if kept := lines[by.src.index]; slices.Contains(kept[by.start:by.end], true) {
			of.needed = max(of.needed, fitted.Pack.Uses*u.weight*by.value)
		}
	}
	j.walkAnew()
}
