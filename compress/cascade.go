package compress

// cascade says which chunks the model reads: those that words rank first, as far as allowance pays
// for costs. Words alone seldom put the chunk that a question is about far behind; where it stands
// among the first is what they know least, and what its share of the budget hangs on. (Reading the
// chunks around the place where the budget ends instead loses more than words alone do; both are
// measured in bench/RESULTS.md.)
func cascade(order, costs []int, allowance int) []bool {
	read := make([]bool, len(order))
	for _, n := range order {
		if allowance -= costs[n]; allowance < 0 {
			break
		}
		read[n] = true
	}
	return read
}
