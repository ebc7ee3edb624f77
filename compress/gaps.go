package compress

// joinGaps leaves out blank lines between two gaps, which would cost a second marker.
func joinGaps(src *source, keep []bool) {
	for from := 0; from < len(keep); {
		to := from + 1
		for to < len(keep) && keep[to] == keep[from] {
			to++
		}
		if keep[from] && from > 0 && to < len(keep) && src.allBlank(from, to) {
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
