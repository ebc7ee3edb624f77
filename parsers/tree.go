package parsers

import (
	"math"
	"slices"

	sitter "github.com/smacker/go-tree-sitter"
)

// MaxDepth is how deep into a tree units are looked for. Deeper code is left in one piece, which
// bounds our recursion on hostile input; real code stays under 100.
const MaxDepth = 400

// A node is what the cutter needs of one node of a grammar's tree. The nodes of a tree lie in one
// slice in document order, a parent before its children. Children of nodes that fit on one line are
// left out unless a name is among them.
type node struct {
	roles role
	field childField
	// start and end are the byte span without white space at either end.
	start, end int
	// first and last are the lines of the first and the last byte.
	first, last int
	// next is the index after the last descendant.
	next int
}

func (n node) is(r role) bool { return n.roles&r != 0 }

// A childField is the grammar's name for a child's place in its parent, as far as names are
// concerned.
type childField uint8

const (
	fieldNone childField = iota
	fieldName
	fieldDeclarator
	fieldLeft
	fieldType
	fieldReceiver
)

func fieldOf(name string) childField {
	switch name {
	case "name", "key", "property":
		return fieldName
	case "declarator":
		return fieldDeclarator
	case "left":
		return fieldLeft
	case "type":
		return fieldType
	case "receiver":
		return fieldReceiver
	}
	return fieldNone
}

// A reader copies a grammar's tree into nodes.
type reader struct {
	syntax *Syntax
	src    []byte
	lines  Lines
	nodes  []node
	depths []int // of each node
	open   []int // indices of the nodes that enclose the current one
	errors int
	// past is the depth below which no node is wanted until one comes that is not deeper.
	past int
}

// readTree returns the tree's nodes, the number of its error and missing nodes, and the names in
// it.
func readTree(s *Syntax, tree *sitter.Tree, lines Lines) ([]node, int, *mentions, error) {
	r := reader{syntax: s, src: lines.src, lines: lines, past: math.MaxInt}
	names := newNamer(s, lines)
	err := walkTree(tree, func(v visit) {
		r.see(v)
		names.see(v)
	})
	r.close(0)
	return r.nodes, r.errors, &names.mentions, err
}

// see records a node that is wanted.
func (r *reader) see(v visit) {
	v.fault = v.fault || v.symbol == r.syntax.command && r.strays(v)
	if v.fault {
		r.errors++
	}
	if v.depth > MaxDepth || v.depth > r.past {
		return
	}
	r.past = math.MaxInt
	if !r.record(v) {
		r.past = v.depth
	}
}

// strays reports that a command is called what none is.
func (r *reader) strays(v visit) bool {
	start, end := r.lines.start(v.startRow)+v.startColumn, r.lines.start(v.endRow)+v.endColumn
	return r.syntax.strays[string(r.src[start:end])]
}

// record adds a node and reports whether its children are wanted.
func (r *reader) record(at visit) bool {
	r.close(at.depth)
	v := node{
		roles: r.syntax.roles(at.symbol),
		first: at.startRow, last: at.endRow,
		start: r.lines.start(at.startRow) + at.startColumn,
		end:   r.lines.start(at.endRow) + at.endColumn,
	}
	if at.inside {
		v.roles |= broken
	}
	if at.fault {
		v.roles |= failed
	}
	if v.is(failed) && v.first != v.last {
		v.roles |= list | scope // what stands in it is cut as if it stood around it
	}
	if r.within()&named != 0 {
		v.field = r.syntax.fields[at.field]
	}
	r.trim(&v)
	r.add(v, at.depth)
	alone := v.is(list) && !v.is(commas) && r.leads(v)
	return at.inside || v.first != v.last || v.is(named) || alone
}

// add appends a node. Comments between a header and a list without an opening bracket become the
// list's: grammars of indented languages see them before the block begins.
func (r *reader) add(v node, depth int) {
	if v.is(list) && r.within()&demanding != 0 {
		v.roles |= suite
	}
	at := len(r.nodes)
	if v.is(list) && r.within()&list == 0 && v.start < v.end && r.src[v.start] != '{' {
		for at > 0 && r.depths[at-1] == depth && r.nodes[at-1].is(comment) && r.leads(r.nodes[at-1]) {
			at--
		}
	}
	if at < len(r.nodes) {
		v.start, v.first = r.nodes[at].start, r.nodes[at].first
	}
	r.nodes = slices.Insert(r.nodes, at, v)
	r.depths = append(r.depths, depth)
	r.open = append(r.open, at)
	for i := at + 1; i < len(r.nodes); i++ {
		r.nodes[i].next++
		r.depths[i] = depth + 1
	}
}

// within are the roles of the node that encloses the cursor.
func (r *reader) within() role {
	if len(r.open) == 0 {
		return 0
	}
	return r.nodes[r.open[len(r.open)-1]].roles
}

// leads reports that a node is the first on its line.
func (r *reader) leads(n node) bool { return r.lines.indent(n.first) == n.start-r.lines.start(n.first) }

// close ends the open nodes at depth and below.
func (r *reader) close(depth int) {
	for len(r.open) > depth {
		last := len(r.open) - 1
		r.end(r.open[last])
		r.open = r.open[:last]
	}
}

// end closes a node. A loose one lets go of the comments on lines of their own at its end.
func (r *reader) end(i int) {
	next := len(r.nodes)
	for r.nodes[i].is(loose) && next > i+1 && r.nodes[next-1].is(comment) && r.nodes[next-1].first > r.nodes[i].first {
		next--
	}
	if r.nodes[i].next = next; next == len(r.nodes) || next == i+1 {
		return
	}
	r.nodes[i].end, r.nodes[i].last = r.nodes[i].start, r.nodes[i].first
	for k := i + 1; k < next; k++ {
		if r.nodes[k].end > r.nodes[i].end {
			r.nodes[i].end, r.nodes[i].last = r.nodes[k].end, r.nodes[k].last
		}
	}
}

// trim takes white space off both ends: some grammars count the line end, or the indentation
// before, as the node's.
func (r *reader) trim(n *node) {
	n.end = min(n.end, len(r.src))
	n.start = min(n.start, n.end)
	for n.end > n.start && isSpace(r.src[n.end-1]) {
		n.end--
		if r.src[n.end] == '\n' {
			n.last--
		}
	}
	for n.start < n.end && isSpace(r.src[n.start]) {
		if r.src[n.start] == '\n' {
			n.first++
		}
		n.start++
	}
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
