package parsers

import (
	"cmp"
	"slices"
)

// A weaver writes the nodes of a tree anew with nodes for the frames that lie in its lists, as if
// the grammar had known them: a list with a scope of its own, between two tokens, and the branches
// after #else as further such lists inside.
type weaver struct {
	nodes  []node
	out    []node
	lines  Lines
	first  bool // the grammar saw the first branches only
	inList map[int][]*conditionalFrame
}

func weave(nodes []node, frames []*conditionalFrame, lines Lines, first bool) []node {
	if len(nodes) == 0 || len(frames) == 0 {
		return nodes
	}
	w := weaver{nodes: nodes, lines: lines, first: first, inList: map[int][]*conditionalFrame{}}
	for _, f := range frames {
		i, whole := w.place(f)
		switch {
		case whole:
			w.inList[i] = append(w.inList[i], f)
		case w.nodes[i].is(list) || i == 0:
			w.pin(f)
			w.inList[i] = append(w.inList[i], w.bundle(i, span{f.start(), f.end()}))
		default:
			w.pin(f)
		}
	}
	for i, list := range w.inList {
		w.inList[i] = w.nest(i, list)
	}
	w.emit(0)
	return w.out
}

// bundle is what holds the children of a list together that some lines are part of.
func (w *weaver) bundle(parent int, s span) *conditionalFrame {
	for k := parent + 1; k < w.nodes[parent].next; k = w.nodes[k].next {
		if n := w.nodes[k]; n.first < s.end && n.last >= s.start {
			s = span{min(s.start, n.first), max(s.end, n.last+1)}
		}
	}
	return &conditionalFrame{open: span{s.start, s.start}, close: span{s.end, s.end}, bundle: true}
}

// nest orders the frames of a list from the outermost to the innermost, and bundles those that lie
// across each other.
func (w *weaver) nest(parent int, list []*conditionalFrame) []*conditionalFrame {
	for {
		slices.SortStableFunc(list, func(a, b *conditionalFrame) int {
			return cmp.Or(a.start()-b.start(), b.end()-a.end())
		})
		i := slices.IndexFunc(list[1:], func(f *conditionalFrame) bool {
			return slices.ContainsFunc(list, func(g *conditionalFrame) bool {
				return g.start() < f.start() && f.start() < g.end() && g.end() < f.end()
			})
		}) + 1
		if i == 0 {
			return list
		}
		f := list[i]
		k := slices.IndexFunc(list, func(g *conditionalFrame) bool {
			return g.start() < f.start() && f.start() < g.end() && g.end() < f.end()
		})
		both := w.bundle(parent, span{list[k].start(), f.end()})
		list = append(slices.Delete(slices.Delete(list, i, i+1), k, k+1), both)
	}
}

// place is the innermost node around a frame, and whether that is a list of which the frame holds
// whole children.
func (w *weaver) place(f *conditionalFrame) (at int, whole bool) {
	for {
		next := -1
		for k := at + 1; k < w.nodes[at].next; k = w.nodes[k].next {
			n := w.nodes[k]
			if n.first <= f.start() && f.end()-1 <= n.last {
				next = k
				break
			}
			if n.first >= f.end() {
				break
			}
		}
		if next < 0 {
			break
		}
		at = next
	}
	if at > 0 && !w.nodes[at].is(list) {
		return at, false
	}
	for k := at + 1; k < w.nodes[at].next; k = w.nodes[k].next {
		n := w.nodes[k]
		if n.first < f.start() && n.last >= f.start() || n.first < f.end() && n.last >= f.end() {
			return at, false
		}
		for _, m := range f.middles {
			if n.first < m.start && n.last >= m.start {
				return at, false
			}
		}
	}
	return at, true
}

// pin makes a frame that lies across the tree stay: what holds one of its lines stays with the
// others.
func (w *weaver) pin(f *conditionalFrame) {
	at, _ := w.place(f)
	for k := at + 1; k < w.nodes[at].next; {
		n := &w.nodes[k]
		holds := false
		for _, s := range append([]span{f.open, f.close}, f.middles...) {
			holds = holds || n.first <= s.start && s.start <= n.last
		}
		if !holds {
			k = n.next
			continue
		}
		n.roles |= pinned
		k++
	}
}

// emit writes a node and what is in it.
func (w *weaver) emit(i int) {
	at := len(w.out)
	w.out = append(w.out, w.nodes[i])
	var kids []int
	for k := i + 1; k < w.nodes[i].next; k = w.nodes[k].next {
		kids = append(kids, k)
	}
	w.sequence(kids, w.inList[i])
	w.out[at].next = len(w.out)
}

// sequence writes the children of a list with the frames around them.
func (w *weaver) sequence(kids []int, frames []*conditionalFrame) {
	for len(frames) > 0 {
		f := frames[0]
		n := 0
		for n < len(kids) && w.nodes[kids[n]].first < f.start() {
			w.emit(kids[n])
			n++
		}
		inside := n
		for inside < len(kids) && w.nodes[kids[inside]].first < f.end() {
			inside++
		}
		nested := 1
		for nested < len(frames) && frames[nested].start() < f.end() {
			nested++
		}
		if f.bundle {
			at := w.lead(span{f.start(), f.end()}, wrapper)
			for _, k := range kids[n:inside] {
				w.emit(k)
			}
			w.out[at].next = len(w.out)
		} else {
			w.frame(f, kids[n:inside], frames[1:nested])
		}
		kids, frames = kids[inside:], frames[nested:]
	}
	for _, k := range kids {
		w.emit(k)
	}
}

func (w *weaver) frame(f *conditionalFrame, kids []int, frames []*conditionalFrame) {
	opened := []int{w.lead(span{f.start(), f.end()}, scope|list)}
	w.leaf(f.open, token)
	for i, b := range f.branches() {
		if i > 0 {
			opened = append(opened, w.lead(span{f.middles[i-1].start, f.close.start}, scope|list))
			w.leaf(f.middles[i-1], token)
		}
		n, m := 0, 0
		for n < len(kids) && w.nodes[kids[n]].first < b.end {
			n++
		}
		for m < len(frames) && frames[m].start() < b.end {
			m++
		}
		if f.hidden(i, w.first) {
			w.leaf(b, comment)
		} else {
			w.sequence(kids[:n], frames[:m])
		}
		kids, frames = kids[n:], frames[m:]
	}
	for _, at := range opened[1:] {
		w.out[at].next = len(w.out)
	}
	w.leaf(f.close, token)
	w.out[opened[0]].next = len(w.out)
}

// lead writes the node of a run of lines, leaf one that has no children; a run of blank lines is
// none.
func (w *weaver) lead(s span, r role) int {
	start, end := s.start, s.end
	for end > start+1 && w.lines.blank(end-1) {
		end--
	}
	start = w.lines.skipBlank(start, end-1)
	n := node{
		roles: r, first: start, last: end - 1, start: w.lines.start(start) + w.lines.indent(start),
		end: w.lines.start(end),
	}
	for n.end > n.start && isSpace(w.lines.src[n.end-1]) {
		n.end--
	}
	w.out = append(w.out, n)
	return len(w.out) - 1
}

func (w *weaver) leaf(s span, r role) {
	if w.lines.skipBlank(s.start, s.end) == s.end {
		return
	}
	at := w.lead(s, r)
	w.out[at].next = at + 1
}
