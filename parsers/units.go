package parsers

import "bytes"

// units returns what can be left out between two node indices: for each list there its groups, the
// links of chains, and for all that is in neither what its own lists hold.
func (c *cutter) units(from, to int) []Unit {
	var us []Unit
	for i := from; i < to; {
		if !c.nodes[i].is(list) {
			ch := c.chainAt(i)
			switch {
			case len(ch.links) > 0:
				us = append(us, c.chainUnits(i, ch)...)
				i = c.nodes[i].next
			case c.nodes[ch.core].is(list):
				i = ch.core
			default:
				i = ch.core + 1 // what is behind it in the expression
			}
			continue
		}
		us = append(us, c.listUnits(i)...)
		i = c.nodes[i].next
	}
	return us
}

func (c *cutter) listUnits(parent int) []Unit {
	gs := c.groups(parent)
	if c.nodes[parent].is(markup) {
		for _, g := range gs {
			c.markup = append(c.markup, g.start)
		}
	}
	return c.groupUnits(gs, c.keepers(parent, gs))
}

// faulty reports that a syntax error stands in a group itself and not in a list inside of it. The
// grammar guesses there.
func (c *cutter) faulty(g group) bool {
	for i := g.from; i < g.to; {
		switch n := c.nodes[i]; {
		case !n.is(broken | failed):
			i = n.next
		case n.is(failed):
			return true
		case n.is(list):
			i = n.next
		default:
			i++
		}
	}
	return false
}

// partUnits are the units inside a group: none where the grammar guesses what its parts are.
func (c *cutter) partUnits(g group) []Unit {
	if c.faulty(g) && !c.nodes[g.from].is(failed) {
		return nil
	}
	return c.units(g.from, g.to)
}

// groupUnits makes a unit of each removable group that is not kept; the parts of the others are
// parts of the frame. A group next to a syntax error stays with it: where the statement at fault
// begins and ends is guessed.
func (c *cutter) groupUnits(gs []group, kept map[int]bool) []Unit {
	var us []Unit
	for i, g := range gs {
		beside := i > 0 && gs[i-1].is(failed) || i+1 < len(gs) && gs[i+1].is(failed)
		if kept[i] || beside || !g.removable() {
			us = append(us, c.partUnits(g)...)
			continue
		}
		u := Unit{Start: g.start, End: g.end, Comment: g.remark() || c.isDocstring(g)}
		u.Units = c.partUnits(g)
		if last := len(us) - 1; last >= 0 && u.Comment && us[last].Comment && us[last].End == u.Start {
			us[last].End = u.End
			continue
		}
		us = append(us, u)
		if i+1 < len(gs) {
			us[len(us)-1].End = c.absorbBlank(g.end, gs[i+1].start)
		}
	}
	return us
}

// absorbBlank returns where a run of lines that ends at line ends with its blank lines, if
// something follows them.
func (c *cutter) absorbBlank(line, next int) int {
	if after := c.lines.skipBlank(line, next); after == next {
		return after
	}
	return line
}

// keepers are the groups of a list that must stay: where the grammar wants a statement, in each
// stretch between keywords the first one that is not a docstring, or the docstring if that is all;
// in an ended list the last one.
func (c *cutter) keepers(parent int, gs []group) map[int]bool {
	kept := map[int]bool{}
	if c.nodes[parent].is(ended) {
		for i, g := range gs {
			if g.removable() && !g.remark() {
				clear(kept)
				kept[i] = true
			}
		}
	}
	if !c.wantsStatement(parent) {
		return kept
	}
	for start := 0; start < len(gs); start++ {
		end := start
		for end < len(gs) && !gs[end].is(token) {
			end++
		}
		if i := c.keeper(gs[start:end]); i >= 0 {
			kept[start+i] = true
		}
		start = end
	}
	return kept
}

// wantsStatement reports that the grammar wants a statement in a list.
func (c *cutter) wantsStatement(i int) bool {
	n := c.nodes[i]
	return n.is(suite) || n.is(offside) && c.lines.src[n.start] != '{'
}

// keeper is the index of the group to keep, -1 when there are only comments.
func (c *cutter) keeper(gs []group) int {
	fallback := -1
	for i, g := range gs {
		switch {
		case g.remark() || g.empty() || g.is(token):
		case !c.isDocstring(g):
			return i
		case fallback < 0:
			fallback = i
		}
	}
	return fallback
}

// isDocstring reports that the group is one string literal and nothing else: a comment in all but
// name.
func (c *cutter) isDocstring(g group) bool {
	n := c.nodes[g.from]
	return n.is(docstring) && g.to == n.next && isStringLiteral(c.lines.src[n.start:n.end])
}

func isStringLiteral(text []byte) bool {
	text = bytes.TrimLeft(text, "rRuU")
	for _, quote := range []string{`"""`, "'''", `"`, "'"} {
		if rest, ok := bytes.CutPrefix(text, []byte(quote)); ok {
			return bytes.Index(rest, []byte(quote)) == len(rest)-len(quote)
		}
	}
	return false
}
