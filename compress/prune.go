package compress

import (
	"slices"

	"pith/compress/knapsack"
)

// pruneRounds bounds how often a pruned form is mended until each local name has its declaration.
const pruneRounds = 8

// prune cuts a chunk down to share tokens by its blocks: the most valuable ones that fit, such that
// no line uses a local name whose declarations were all cut. It reports false where that cannot be
// had.
func (c *chunk) prune(share int) (piece, bool) {
	if len(c.blocks) == 0 || share >= c.src.cost(c.start, c.end) {
		return piece{}, false
	}
	walk, spans := steps(c.src, c.blocks, c.start, c.end)
	total := 0.0
	for _, s := range walk {
		total += s.Forms[0].Value
	}
	raised := make([]bool, len(walk))
	for range pruneRounds {
		tree := knapsack.Tree{Steps: walk, Marker: c.src.marker}
		chosen, ok := tree.Pack(share)
		tree.Free()
		if !ok {
			return piece{}, false
		}
		kept, value := make([]bool, c.end-c.start), 0.0
		for i, n := range chosen {
			if n == knapsack.Left {
				continue
			}
			value += walk[i].Forms[0].Value
			for line := spans[i][0]; line < spans[i][1]; line++ {
				kept[line-c.start] = true
			}
		}
		joinGaps(c.src, kept, c.start)
		missing := c.orphans(kept)
		if len(missing) == 0 {
			p := c.piece(lineRuns(kept, c.start))
			p.share = min(value/max(total, epsilon), 1)
			return p, len(p.lines) > 0
		}
		for _, o := range missing {
			if !mendOrphan(walk, spans, raised, o) {
				return piece{}, false
			}
		}
	}
	return piece{}, false
}

// mendOrphan raises the value of the block that declares a name, or, where that was done before and
// did not help, takes the value of the block that uses it. It reports false where neither is in a
// block.
func mendOrphan(walk []knapsack.Step, spans [][2]int, raised []bool, o orphan) bool {
	holds := func(line int) int {
		return slices.IndexFunc(spans, func(s [2]int) bool { return s[0] <= line && line < s[1] })
	}
	user, declaration := holds(o.line), holds(o.declared)
	if declaration >= 0 && walk[declaration].Skip > 0 && !raised[declaration] {
		raised[declaration] = true
		walk[declaration].Forms[0].Value += 1
		return true
	}
	if user >= 0 && walk[user].Skip > 0 && walk[user].Forms[0].Value > 0 {
		walk[user].Forms[0].Value = 0
		return true
	}
	return false
}

// An orphan is a line that stays and uses a local name whose declarations all go, the last of them
// before the line at declared.
type orphan struct{ line, declared int }

// orphans lists the orphans among the kept lines of c.
func (c *chunk) orphans(kept []bool) []orphan {
	declared := map[string][]int{}
	for _, l := range c.syntax.Names.Locals {
		if l.Declares && l.Name != "_" {
			declared[l.Name] = append(declared[l.Name], l.Line)
		}
	}
	stays := func(line int) bool { return line >= c.start && line < c.end && kept[line-c.start] }
	full := c.filled(kept)
	used := func(line int) bool { return line >= c.start && line < c.end && full[line-c.start] }
	var list []orphan
	for _, l := range c.syntax.Names.Locals {
		lines := declared[l.Name]
		if l.Declares || len(lines) == 0 || !used(l.Line) || slices.ContainsFunc(lines, stays) {
			continue
		}
		at := lines[0]
		for _, line := range lines {
			if line <= l.Line {
				at = line
			}
		}
		list = append(list, orphan{line: l.Line, declared: at})
	}
	return list
}

// filled is kept with the gaps that are no dearer than their marker, whose lines come back when the
// text is written.
func (c *chunk) filled(kept []bool) []bool {
	full := slices.Clone(kept)
	for _, gap := range gaps(kept) {
		if c.src.cost(c.start+gap[0], c.start+gap[1]) <= c.src.marker+markerSlack {
			for line := gap[0]; line < gap[1]; line++ {
				full[line] = true
			}
		}
	}
	return full
}

// markerSlack is by how many tokens a marker's cost may be off before its numbers are known.
const markerSlack = 2

// sound reports that no line of runs is an orphan.
func (c *chunk) sound(runs [][2]int) bool {
	kept := make([]bool, c.end-c.start)
	for _, run := range runs {
		for line := run[0]; line < run[1]; line++ {
			kept[line-c.start] = true
		}
	}
	return len(c.orphans(kept)) == 0
}

// lineRuns lists the runs of kept lines, the first of which is line base.
func lineRuns(kept []bool, base int) [][2]int {
	var list [][2]int
	for i, k := range kept {
		switch {
		case !k:
		case i > 0 && kept[i-1]:
			list[len(list)-1][1] = base + i + 1
		default:
			list = append(list, [2]int{base + i, base + i + 1})
		}
	}
	return list
}
