package compress

// A standing is where words alone put a piece of text, and whether the model had a say.
type standing uint8

const (
	heard   standing = iota // the model read it
	above                   // words put it before all that the model read
	below                   // words put it behind
	unheard                 // the model did not get to it
)

// cascade says which chunks the model reads. Words alone rank them as order says; the budget cuts that ranking where the
// chunks before take limit tokens. What stands far from the cut is settled: the model would have to contradict the words
// strongly to move it across. So it reads the chunks around the cut, a third of its allowance before it and the rest behind,
// where one that the words undervalue can still be saved; what one side has no use for the other gets.
type cascade struct {
	order []int
	// sizes are the tokens of the chunks, costs what reading each of them takes.
	sizes, costs []int
	limit        int
	allowance    int
}

func (c cascade) standings() []standing {
	cut, total := 0, 0
	for cut < len(c.order) && total+c.sizes[c.order[cut]] <= c.limit {
		total += c.sizes[c.order[cut]]
		cut++
	}
	from, room := c.back(cut, c.allowance/3)
	to := cut
	room += c.allowance - c.allowance/3
	for to < len(c.order) && c.costs[c.order[to]] <= room {
		room -= c.costs[c.order[to]]
		to++
	}
	from, _ = c.back(from, room)
	list := make([]standing, len(c.order))
	for at, n := range c.order {
		switch {
		case at < from:
			list[n] = above
		case at >= to:
			list[n] = below
		}
	}
	return list
}

// back goes from at towards the first chunk as far as room pays for, and returns where it gets and what is left.
func (c cascade) back(at, room int) (int, int) {
	for at > 0 && c.costs[c.order[at-1]] <= room {
		at--
		room -= c.costs[c.order[at]]
	}
	return at, room
}
