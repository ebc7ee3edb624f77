package compress

// A standing is what came of a piece of text that the model might have read.
type standing uint8

const (
	heard   standing = iota // the model read it
	below                   // words put it behind all that the model read
	unheard                 // it was not asked about it, and words do not say either
)

// cascade says which chunks the model reads: those that words rank first, as far as allowance pays for costs. Words alone seldom
// put the chunk that a question is about far behind; where it stands among the first is what they know least, and what its share of
// the budget hangs on. (Reading the chunks around the place where the budget ends instead loses more than words alone do; both are
// measured in bench/RESULTS.md.)
func cascade(order, costs []int, allowance int) []standing {
	list := make([]standing, len(order))
	for at, n := range order {
		if allowance -= costs[n]; allowance < 0 {
			for _, n := range order[at:] {
				list[n] = below
			}
			break
		}
	}
	return list
}
