package parsers

import "bytes"

// A chain is an expression that goes on from line to line with calls or members of what is before
// them: a.b(), and below it .c() and .d(). Its nodes lie inside each other, all beginning at one
// byte, down to a core, and what a link adds stands behind the node that it belongs to.
type chain struct {
	core int
	// links are lines that can be left out: what is before and behind them fits together.
	links []span
}

// chainAt reads the nodes that begin with node i, down to the first list.
func (c *cutter) chainAt(i int) chain {
	ch := chain{core: i}
	for n := c.nodes[i]; !n.is(list) && n.next > ch.core+1 && c.nodes[ch.core+1].start == n.start; {
		ch.core++
		n = c.nodes[ch.core]
	}
	from, style := -1, noSeam
	for k := ch.core; k >= i; k-- {
		n := c.nodes[k]
		s := c.seamAfter(n, c.nodes[i].end)
		if s == noSeam || from > n.last {
			continue
		}
		if s == style {
			ch.links = append(ch.links, span{from, n.last + 1})
		}
		from, style = n.last+1, s
	}
	return ch
}

// A seam is a line break between two links, with the dot before it or behind it.
type seam int

const (
	noSeam seam = iota
	dotBefore
	dotBehind
)

// seamAfter is the seam between a node and the rest of an expression that ends before the byte end.
func (c *cutter) seamAfter(n node, end int) seam {
	next, broken := c.skipSpace(n.end, end)
	dot := dotAt(c.lines.src[next:end])
	if dot == 0 {
		return noSeam
	}
	if broken {
		return dotBehind
	}
	if _, broken = c.skipSpace(next+dot, end); broken {
		return dotBefore
	}
	return noSeam
}

// dotAt is the length of the operator at the beginning of src by which a link follows, 0 if none.
func dotAt(src []byte) int {
	for _, dot := range [...]string{"?.", "!!.", "?->", "->", "&.", "."} {
		if bytes.HasPrefix(src, []byte(dot)) && !bytes.HasPrefix(src[len(dot):], []byte(".")) {
			return len(dot)
		}
	}
	return 0
}

// skipSpace returns where code goes on behind white space and comments, and whether a line ended
// before it.
func (c *cutter) skipSpace(at, limit int) (next int, broken bool) {
	for at < limit {
		if end, ok := c.comments[at]; ok {
			at = min(end, limit)
			continue
		}
		if !isSpace(c.lines.src[at]) {
			break
		}
		broken = broken || c.lines.src[at] == '\n'
		at++
	}
	return at, broken
}

// chainUnits are the units of the expression at node i: its links, and what their parts and those
// of the rest hold.
func (c *cutter) chainUnits(i int, ch chain) []Unit {
	us := c.units(ch.core, c.nodes[ch.core].next)
	k, end := c.nodes[ch.core].next, c.nodes[i].next
	before := func(line int) (us []Unit) {
		for ; k < end && c.nodes[k].first < line; k = c.nodes[k].next {
			us = append(us, c.units(k, c.nodes[k].next)...)
		}
		return us
	}
	for _, link := range ch.links {
		us = append(us, before(link.start)...)
		us = append(us, Unit{Start: link.start, End: link.end, Units: before(link.end)})
	}
	return append(us, before(len(c.lines.starts))...)
}
