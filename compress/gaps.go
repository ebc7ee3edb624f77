package compress

// joinGaps leaves out blank lines between two gaps, which would cost a second marker. The first of
// keep is line base.
func joinGaps(src *source, keep []bool, base int) {
	for from := 0; from < len(keep); {
		to := from + 1
		for to < len(keep) && keep[to] == keep[from] {
			to++
		}
		if keep[from] && from > 0 && to < len(keep) && src.allBlank(base+from, base+to) {
			for line := from; line < to; line++ {
				keep[line] = false
			}
		}
		from = to
	}
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
