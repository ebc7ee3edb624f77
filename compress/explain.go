package compress

// parts says what each signal added to a chunk's score; together they make the score, but for the
// last bits of a sum.
func (j *job) parts(c *chunk) map[string]float64 {
	var weights weighting
	switch j.name {
	case rankWords:
		weights = fitted.Words
	case rankHybrid:
		weights = fitted.Hybrid
	default: // one signal alone, by the ranker's name
		return map[string]float64{j.name: c.score}
	}
	list := map[string]float64{}
	for i, name := range signalNames {
		if part := weights[name] * c.signals[i]; part != 0 {
			list[name] = part
		}
	}
	return list
}
