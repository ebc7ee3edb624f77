package compress

// A countCache counts lines and markers; most texts repeat many of theirs.
type countCache struct {
	counter Counter
	seen    map[string]int
}

func (m countCache) count(text string) int {
	n, ok := m.seen[text]
	if !ok {
		n = m.counter.Count(text)
		m.seen[text] = n
	}
	return n
}
