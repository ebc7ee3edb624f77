package parsers

import "slices"

// maxWrappers is how many wrappers may lie around a definition: export, declaration, declarator,
// and one to spare.
const maxWrappers = 4

// definition is the node that a group defines, or -1. The group has to be alone on its lines.
func (c *cutter) definition(g group) int {
	guessed := g.whole && g.is(failed) && c.nodes[g.from].is(failed) && g.to == c.nodes[g.from].next
	if !g.removable() && !guessed || g.remark() {
		return -1
	}
	for i := g.from; i < g.to; i = c.nodes[i].next {
		if d := c.defined(i, maxWrappers); d >= 0 {
			return d
		}
	}
	return -1
}

// defined is the definition at a node or inside its wrappers, at most depth of them, or -1.
func (c *cutter) defined(i, depth int) int {
	n := c.nodes[i]
	switch {
	case n.is(bodied) && c.bodyOf(i) < 0:
		return -1
	case n.is(accessor | literal):
		if n.first < n.last && c.bodyOf(i) >= 0 {
			return i
		}
		return -1
	case n.is(function | class | typedef):
		return i
	case n.is(scope):
		if c.memberList(i) >= 0 || c.isLong(i) {
			return i
		}
		return -1
	case !n.is(wrapper) || depth == 0:
		return -1
	}
	for k := i + 1; k < n.next; k = c.nodes[k].next {
		if d := c.defined(k, depth-1); d >= 0 {
			return d
		}
	}
	return -1
}

// isLong reports a list with a scope of its own that is too long for one chunk (a C header between
// its guards).
func (c *cutter) isLong(i int) bool {
	n := c.nodes[i]
	return n.is(scope) && n.is(list) && n.last-n.first > maxRun
}

// bodyOf is the first body among a node's children or, for a list that is its own body, the node
// itself; -1 if none.
func (c *cutter) bodyOf(i int) int {
	if c.nodes[i].is(list) {
		return i
	}
	for k := i + 1; k < c.nodes[i].next; k = c.nodes[k].next {
		if c.nodes[k].is(list | body) {
			return k
		}
	}
	return -1
}

// define makes the chunk or chunks of one definition.
func (c *cutter) define(e entry, in enclosure) {
	d := c.nodes[e.def]
	chunk := Chunk{Kind: c.kindOf(e.def), StartLine: e.start(), Parent: in.parent}
	if name := c.nameOf(e); name != "" {
		chunk.Name = qualify(in.name, name)
	}
	chunk.SignatureStart = e.sign
	if body := c.bodyOf(e.def); body >= 0 {
		chunk.SignatureEnd = c.headerEnd(e.def, body)
	}
	chunk.DocStart, chunk.DocEnd = c.docOf(e)
	if d.is(class|scope) && c.split(e, chunk, in.name) {
		return
	}
	opened := c.open(chunk)
	opened.Units = append(opened.Units, c.entryUnits(e)...)
}

// docOf is the span of lines of a definition's doc comment: the comments above it, or else the
// docstring inside.
func (c *cutter) docOf(e entry) (start, end int) {
	if e.sign > e.start() {
		return e.start(), e.sign
	}
	if body := c.bodyOf(e.def); body >= 0 && body != e.def {
		for k := body + 1; k < c.nodes[body].next; k = c.nodes[k].next {
			n := c.nodes[k]
			if g := (group{from: k, to: n.next}); c.isDocstring(g) {
				return n.first, n.last + 1
			}
			if !n.is(comment | token) {
				break
			}
		}
	}
	return e.start(), e.start()
}

// entryUnits are the units of a definition that is one chunk: its doc comments and what is inside.
func (c *cutter) entryUnits(e entry) []Unit {
	var us []Unit
	for _, g := range e.groups {
		if g.remark() {
			us = append(us, c.groupUnits([]group{g}, nil)...)
			continue
		}
		us = append(us, c.partUnits(g)...)
	}
	return joinComments(us)
}

func joinComments(us []Unit) []Unit {
	var out []Unit
	for _, u := range us {
		if last := len(out) - 1; last >= 0 && u.Comment && out[last].Comment && out[last].End == u.Start {
			out[last].End = u.End
			continue
		}
		out = append(out, u)
	}
	return out
}

// headerEnd is the line after the header of a definition: the line where a body opens with a
// bracket is the header's.
func (c *cutter) headerEnd(def, body int) int {
	b := c.nodes[body]
	if body == def {
		return c.nodes[def].first + 1
	}
	if body+1 < b.next && c.nodes[body+1].is(token) || c.lines.indent(b.first) < b.start-c.lines.start(b.first) {
		return b.first + 1
	}
	end := c.nodes[def].first + 1
	for k := def + 1; k < body; k = c.nodes[k].next {
		if !c.nodes[k].is(comment) {
			end = max(end, c.nodes[k].last+1)
		}
	}
	return end
}

func (c *cutter) kindOf(def int) Kind {
	switch n := c.nodes[def]; {
	case n.is(class):
		if n.is(scope) || c.holdsFunction(def) {
			return KindClass
		}
		return KindType
	case n.is(typedef):
		return KindType
	case n.is(scope):
		return KindModule
	}
	return KindFunction
}

// holdsFunction reports that there is a function somewhere in a definition.
func (c *cutter) holdsFunction(def int) bool {
	for i := def + 1; i < c.nodes[def].next; i++ {
		if c.nodes[i].is(function|accessor) && c.defined(i, 0) >= 0 {
			return true
		}
	}
	return false
}

// split makes chunks of a class that holds functions: header, members, closing lines. It reports
// false, having done nothing, when there are none, or none on lines of their own: the class is one
// chunk then.
func (c *cutter) split(e entry, chunk Chunk, outer string) bool {
	d := c.nodes[e.def]
	body := c.memberList(e.def)
	if body < 0 && c.isLong(e.def) {
		body = e.def
	}
	if body < 0 || body != e.def && c.brokenHeader(e.def) {
		return false
	}
	es := c.entries(c.groups(body))
	first, last := c.memberRange(es, d.is(scope))
	if first < 0 || !d.is(scope) && !c.anyFunction(es) {
		return false
	}
	if d.is(class) {
		chunk.Kind = KindClass
	}
	opened := c.open(chunk)
	index := len(c.chunks) - 1
	in := enclosure{parent: index, name: chunk.Name, suite: c.wantsStatement(body)}
	if in.name == "" {
		in.name = outer
	}
	opened.Units, opened.NeedsChild = c.headerUnits(e, es[:first], in)
	opened.SignatureEnd = min(opened.SignatureEnd, es[first].start())
	c.body(es[first:last], in)
	if end := c.lines.skipBlank(es[last-1].end(), e.end()); end < e.end() {
		c.open(Chunk{Kind: KindEnd, StartLine: end, Parent: index})
	}
	return true
}

// brokenHeader reports a syntax error between a class's own parts, where nothing is known of its
// extent.
func (c *cutter) brokenHeader(def int) bool {
	for k := def + 1; k < c.nodes[def].next; k = c.nodes[k].next {
		if c.nodes[k].is(failed) {
			return true
		}
	}
	return false
}

// anyFunction reports that a member is a function or holds one.
func (c *cutter) anyFunction(es []entry) bool {
	for _, e := range es {
		if e.def >= 0 && (c.nodes[e.def].is(function|accessor|literal) || c.holdsFunction(e.def)) {
			return true
		}
	}
	return false
}

// memberList is the list that holds a definition's members: a child of it, or of its first list
// (Java enums), with a definition in it; -1 if there is none.
func (c *cutter) memberList(def int) int {
	if c.nodes[def].is(list) && c.anyDefinition(def) {
		return def
	}
	for i := def + 1; i < c.nodes[def].next; i = c.nodes[i].next {
		if !c.nodes[i].is(list) || c.nodes[i].is(definition) {
			continue // a definition in it is not ours; looking there twice would double the work at each level
		}
		if c.anyDefinition(i) {
			return i
		}
		for k := i + 1; k < c.nodes[i].next; k = c.nodes[k].next {
			if c.nodes[k].is(list) && !c.nodes[k].is(definition) && c.anyDefinition(k) {
				return k
			}
		}
	}
	return -1
}

func (c *cutter) anyDefinition(parent int) bool {
	return slices.ContainsFunc(c.groups(parent), func(g group) bool { return c.definition(g) >= 0 })
}

// memberRange is the stretch of entries that become chunks: from the first definition, or for a
// scope from the first entry, to the last before the closing token. It is -1, -1 when there is
// none.
func (c *cutter) memberRange(es []entry, all bool) (first, last int) {
	first, last = -1, len(es)
	for last > 0 && es[last-1].groups[0].is(token) {
		last--
	}
	for i, e := range es[:last] {
		if e.def >= 0 || all && i > 0 && !e.groups[0].is(token) && e.groups[0].whole {
			first = i
			break
		}
	}
	if first < 0 || last <= first {
		return -1, -1
	}
	return first, last
}

// headerUnits are the units of a class header: doc comments, and the members before the first
// function.
func (c *cutter) headerUnits(e entry, members []entry, in enclosure) (us []Unit, needsChild bool) {
	for _, g := range e.groups {
		if g.remark() && g.end <= c.nodes[e.def].first {
			us = append(us, c.groupUnits([]group{g}, nil)...)
		}
	}
	us = joinComments(us)
	var gs []group
	for _, m := range members {
		gs = append(gs, m.groups...)
	}
	kept := map[int]bool{}
	keep := -1
	if in.suite {
		// A docstring would do for a body, but it need not stay for that: there are members.
		if keep = c.keeper(gs); keep >= 0 && c.isDocstring(gs[keep]) {
			keep = -1
		}
		kept[keep] = true
	}
	us = append(us, c.groupUnits(gs, kept)...)
	return us, in.suite && keep < 0
}
