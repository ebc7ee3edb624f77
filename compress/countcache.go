package compress

// A countCache counts texts by their parts, of which most texts repeat many.
type countCache struct {
	counter Counter
	seen    map[string]int
}

func (m countCache) count(text string) int {
	sum := 0
	for part := range m.counter.Parts(text) {
		n, ok := m.seen[part]
		if !ok {
			n = m.counter.Count(part)
			m.seen[part] = n
		}
		sum += n
	}
	return sum
}
