package parsers

import "bytes"

// A cutter turns the nodes of one file into chunks and units.
type cutter struct {
	syntax *Syntax
	lines  Lines
	nodes  []node
	// comments maps the first byte of each comment to its end, to see past comments at line ends.
	comments map[int]int
	chunks   []Chunk
	// markup are the lines on which JSX children begin.
	markup []int
}

func newCutter(s *Syntax, lines Lines, nodes []node) *cutter {
	c := &cutter{syntax: s, lines: lines, nodes: nodes, comments: map[int]int{}}
	for _, n := range nodes {
		if n.is(comment) {
			c.comments[n.start] = n.end
		}
	}
	return c
}

// A group is a run of siblings in a list that share lines. If nothing else is on these lines, it
// can be left out.
type group struct {
	from, to   int // node indices, half-open; their descendants lie between
	start, end int // lines, half-open
	roles      role
	whole      bool // nothing else is on its lines
	column     int  // bytes before it on its first line
}

func (g group) is(r role) bool { return g.roles&r != 0 }

// removable reports that the group is something on lines of its own.
func (g group) removable() bool { return g.whole && !g.is(token|pinned|head|failed) && !g.empty() }

// empty reports that it is nothing but separators.
func (g group) empty() bool { return g.roles == separator }

// remark reports that the group is a comment and nothing else.
func (g group) remark() bool { return g.roles&^(separator|broken) == comment }

// groups cuts the children of a list.
func (c *cutter) groups(parent int) []group {
	var gs []group
	for i := parent + 1; i < c.nodes[parent].next; i = c.nodes[i].next {
		n := c.nodes[i]
		if n.start == n.end {
			continue
		}
		next := group{from: i, to: n.next, start: n.first, end: n.last + 1, roles: groupRoles(n)}
		if c.nodes[parent].is(commas) && c.lines.src[n.start] == ':' {
			next.roles = ordinary // between a key and its value, where no node holds both
		}
		if last := len(gs) - 1; last >= 0 && c.joins(gs[last], next) {
			gs[last] = merge(gs[last], next)
			continue
		}
		gs = append(gs, next)
	}
	if c.nodes[parent].is(commas) {
		gs = closeCommas(c.nodes, gs)
	}
	for i := range gs {
		gs[i].whole = c.whole(gs[i])
		gs[i].column = c.nodes[gs[i].from].start - c.lines.start(gs[i].start)
	}
	return gs
}

// groupRoles are the roles that a node gives to its group. Something ordinary counts as none of the
// special ones.
func groupRoles(n node) role {
	r := n.roles
	if r&(comment|token|separator) == 0 {
		r |= ordinary
	}
	return r
}

// joins reports that b cannot be told from a: they share a line, or one belongs to the other.
func (c *cutter) joins(a, b group) bool {
	switch {
	case b.start < a.end:
		return true
	case a.is(token) || b.is(token):
		return false
	case b.is(tail) && !a.remark():
		return true
	case a.is(attribute) && c.endsInAttribute(a):
		return true
	case a.remark() || b.remark():
		return false
	}
	return c.continues(b)
}

// endsInAttribute reports that the group's last node, comments aside, is an attribute.
func (c *cutter) endsInAttribute(g group) bool {
	var last node
	for i := g.from; i < g.to; i = c.nodes[i].next {
		if !c.nodes[i].is(comment) {
			last = c.nodes[i]
		}
	}
	return last.is(attribute)
}

// continues reports that the group's first byte could carry on the statement before it.
func (c *cutter) continues(g group) bool {
	return bytes.IndexByte([]byte(c.syntax.fragile), c.lines.src[c.nodes[g.from].start]) >= 0
}

func merge(a, b group) group {
	return group{from: a.from, to: b.to, start: a.start, end: max(a.end, b.end), roles: a.roles | b.roles}
}

// closeCommas joins elements with their neighbours so that each group but the last ends in a comma:
// only then any of them can go.
func closeCommas(nodes []node, gs []group) []group {
	var out []group
	open := -1 // group that lacks its comma
	for _, g := range gs {
		if g.is(token) {
			open = -1
			out = append(out, g)
			continue
		}
		if open >= 0 {
			out[len(out)-1] = merge(out[len(out)-1], g)
		} else {
			out = append(out, g)
		}
		last := len(out) - 1
		if out[last].remark() || endsInComma(nodes, out[last]) {
			open = -1
		} else {
			open = last
		}
	}
	return out
}

func endsInComma(nodes []node, g group) bool {
	comma := false
	for i := g.from; i < g.to; i = nodes[i].next {
		if !nodes[i].is(comment) {
			comma = nodes[i].is(separator)
		}
	}
	return comma
}

// whole reports that the lines of a group hold nothing else than the group and comments.
func (c *cutter) whole(g group) bool {
	start := c.nodes[g.from].start
	end := start
	for i := g.from; i < g.to; i = c.nodes[i].next {
		end = max(end, c.nodes[i].end)
	}
	return c.headFree(start, g.start) && c.tailFree(end, g.end)
}

// headFree reports that nothing but white space and comments stands before the byte on its line.
func (c *cutter) headFree(at, line int) bool {
	for from := c.lines.start(line); from < at; {
		if isSpace(c.lines.src[from]) {
			from++
			continue
		}
		end, ok := c.comments[from]
		if !ok || end > at {
			return false
		}
		from = end
	}
	return true
}

// tailFree reports that nothing but white space, separators and comments follows the byte before
// the line after starts.
func (c *cutter) tailFree(at, lineAfter int) bool {
	limit := c.lines.start(lineAfter)
	for at < limit {
		if isSpace(c.lines.src[at]) || c.lines.src[at] == ';' {
			at++
			continue
		}
		end, ok := c.comments[at]
		if !ok || end > limit {
			return false
		}
		at = end
	}
	return true
}
