package compress

// A memo counts lines and markers; most texts repeat many of theirs.
type memo struct {
	counter Counter
	seen    map[string]int
}

func (m memo) count(text string) int {
	n, ok := m.seen[text]
	if !ok {
		n = m.counter.Count(text)
		m.seen[text] = n
	}
	return n
}
