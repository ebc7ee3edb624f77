package parsers

import (
	"bytes"
	"slices"
)

// maxRun is how many lines of code outside definitions make a chunk before a blank line ends it: a
// relevance per chunk says little about a chunk of many unrelated things.
const maxRun = 60

// An enclosure is what a run of definitions lies in.
type enclosure struct {
	parent int    // index of the enclosing chunk, or -1
	name   string // its qualified name
	suite  bool   // its grammar wants a statement inside
}

// An entry is a stretch of a list: one definition with all that belongs to it, or one other group.
type entry struct {
	groups []group
	def    int // node index of the definition, or -1
	// sign is the first line that is not a doc comment.
	sign int
}

func (e entry) start() int { return e.groups[0].start }
func (e entry) end() int   { return e.groups[len(e.groups)-1].end }

// cut makes the chunks of the whole file; node 0 is the root.
func (c *cutter) cut() []Chunk {
	if c.lines.Count() == 0 {
		return nil
	}
	gs := c.groups(0)
	outer := enclosure{parent: -1}
	for at := c.headAt(gs); at >= 0; at = c.headAt(gs) {
		c.runs(c.entries(gs[:at]), outer)
		c.open(Chunk{Kind: KindHead, StartLine: gs[at].start, Parent: outer.parent})
		outer.parent = len(c.chunks) - 1
		gs = gs[at+1:]
	}
	c.body(c.entries(gs), outer)
	if len(c.chunks) == 0 {
		c.open(Chunk{Kind: KindModule, Parent: -1})
	}
	c.chunks[0].StartLine = 0
	Tile(c.chunks, c.lines)
	c.dealMarkup()
	return c.chunks
}

// dealMarkup gives each chunk the lines on which JSX children begin.
func (c *cutter) dealMarkup() {
	slices.Sort(c.markup)
	at := 0
	for i := range c.chunks {
		from := at
		for at < len(c.markup) && c.markup[at] < c.chunks[i].EndLine {
			at++
		}
		c.chunks[i].Markup = slices.Clip(slices.Compact(c.markup[from:at]))
	}
}

// all keeps every group.
func (c *cutter) all(gs []group) map[int]bool {
	kept := map[int]bool{}
	for i := range gs {
		kept[i] = true
	}
	return kept
}

// headAt is the index of the next group on lines of its own without which what follows is no file
// of its language, -1 if there is none: <?php, a package clause, an interpreter line.
func (c *cutter) headAt(gs []group) int {
	for i, g := range gs {
		if g.whole && !g.is(broken) && (g.is(head) && c.isHead(g) || g.start == 0 && g.remark() && c.interpreted()) {
			return i
		}
		if c.definition(g) >= 0 {
			break
		}
	}
	return -1
}

// interpreted reports that the first line names an interpreter.
func (c *cutter) interpreted() bool { return bytes.HasPrefix(c.lines.src, []byte("#!")) }

// isHead reports that a group is no longer than a clause: a package with a body is none.
func (c *cutter) isHead(g group) bool {
	return g.end-g.start == 1 || c.nodes[g.from].is(head) && c.bodyOf(g.from) < 0 && g.to == c.nodes[g.from].next
}

// open starts a chunk, which ends where the next one starts.
func (c *cutter) open(chunk Chunk) *Chunk {
	if last := len(c.chunks) - 1; last >= 0 && c.chunks[last].StartLine >= chunk.StartLine {
		// nothing between two boundaries: cannot happen for groups in order, but tiling must not
		// depend on a grammar
		if last == chunk.Parent {
			return &chunk // all of it is its parent's frame
		}
		return &c.chunks[last]
	}
	c.chunks = append(c.chunks, chunk)
	return &c.chunks[len(c.chunks)-1]
}

// Tile fills in where chunks end, and their bytes. Chunks are ordered by their first lines.
func Tile(chunks []Chunk, lines Lines) []Chunk {
	for i := range chunks {
		ch := &chunks[i]
		ch.EndLine = lines.Count()
		if i+1 < len(chunks) {
			ch.EndLine = chunks[i+1].StartLine
		}
		ch.Start, ch.End = lines.start(ch.StartLine), lines.start(ch.EndLine)
		if ch.SignatureEnd == 0 || ch.SignatureEnd > ch.EndLine {
			ch.SignatureStart, ch.SignatureEnd = ch.StartLine, ch.StartLine
		}
		if ch.DocEnd <= ch.DocStart || ch.DocEnd > ch.EndLine {
			ch.DocStart, ch.DocEnd = ch.StartLine, ch.StartLine
		}
	}
	return chunks
}

// entries joins comments to the definitions that they describe.
func (c *cutter) entries(gs []group) []entry {
	var es []entry
	pending := 0 // groups before this one have their entry
	for i, g := range gs {
		def := c.definition(g)
		if def < 0 {
			continue
		}
		from := c.described(gs[pending:i], g) + pending
		es = c.others(es, gs[pending:from])
		e := entry{groups: gs[from : i+1], def: def, sign: g.start}
		es = append(es, e)
		pending = i + 1
	}
	return c.others(es, gs[pending:])
}

// described is the index of the first of the comments directly above a definition, in its column.
func (c *cutter) described(before []group, def group) int {
	i := len(before)
	for top := def; i > 0; i-- {
		g := before[i-1]
		if !g.remark() || !g.whole || g.end != top.start || g.column != def.column {
			break
		}
		top = g
	}
	return i
}

// others makes an entry of each group that defines nothing. A comment directly below a definition
// and deeper than it is the definition's: Python's grammar ends a body before its last comment.
func (c *cutter) others(es []entry, gs []group) []entry {
	for i := range gs {
		if last := len(es) - 1; last >= 0 && es[last].def >= 0 && gs[i].remark() {
			e := &es[last]
			if gs[i].start == e.end() && gs[i].column > e.groups[len(e.groups)-1].column {
				e.groups = append(slices.Clip(e.groups), gs[i])
				continue
			}
		}
		es = append(es, entry{groups: gs[i : i+1], def: -1})
	}
	return es
}

// body makes chunks of the definitions and of the runs between them.
func (c *cutter) body(es []entry, in enclosure) {
	from := 0
	for i, e := range es {
		if e.def < 0 {
			continue
		}
		c.runs(es[from:i], in)
		c.define(e, in)
		from = i + 1
	}
	c.runs(es[from:], in)
}

// runs makes chunks of code outside definitions: imports apart, long runs cut at blank lines.
func (c *cutter) runs(es []entry, in enclosure) {
	for from := 0; from < len(es); {
		to, importing := from, c.importing(es[from:])
		for to < len(es) && !c.cutsRun(es, from, to, importing) {
			to++
		}
		c.run(es[from:to], in, importing)
		from = to
	}
}

// importing reports that the first entry that is not a comment or a docstring imports.
func (c *cutter) importing(es []entry) bool {
	for _, e := range es {
		if g := e.groups[0]; !g.remark() && !c.isDocstring(g) {
			return e.groups[0].is(imports)
		}
	}
	return false
}

// cutsRun reports that a run that began at from ends before to.
func (c *cutter) cutsRun(es []entry, from, to int, importing bool) bool {
	if to == from || !es[to].groups[0].whole {
		return false
	}
	if c.importing(es[to:]) != importing && (!importing || !onlyRemarks(es[to:])) {
		return true
	}
	apart := es[to-1].end() < es[to].start()
	return apart && !importing && es[to].end()-es[from].start() > maxRun
}

func onlyRemarks(es []entry) bool {
	for _, e := range es {
		if !e.groups[0].remark() {
			return false
		}
	}
	return true
}

func (c *cutter) run(es []entry, in enclosure, importing bool) {
	var gs []group
	for _, e := range es {
		gs = append(gs, e.groups...)
	}
	if !gs[0].whole && len(c.chunks) > 0 || in.suite && onlyRemarks(es) {
		// no boundary inside a line, and no chunk that would stand for a statement and hold none
		last := &c.chunks[len(c.chunks)-1]
		last.Units = append(last.Units, c.groupUnits(gs, c.all(gs))...)
		return
	}
	kind := KindModule
	if importing {
		kind = KindImports
	}
	kept := map[int]bool{}
	if in.suite {
		kept[c.keeper(gs)] = true
	}
	chunk := c.open(Chunk{Kind: kind, StartLine: gs[0].start, Parent: in.parent})
	chunk.Units = append(chunk.Units, c.groupUnits(gs, kept)...)
}
