package compress

import "math"

// maxSharers is how many chunks may define a name for its use to say anything: `get` says nothing.
const maxSharers = 8

// A use is one chunk's use of what another one defines. Weight is shared out over all that define
// the name.
type use struct {
	by, of int // places in the list of ranked chunks
	weight float64
}

// uses lists which of the ranked chunks use what others define, by the names that the grammars
// tell.
func (j *job) uses(ranked []int) []use {
	definers := map[string][]int{}
	for n, i := range ranked {
		c := &j.chunks[i]
		for _, name := range c.syntax.Names.Defines {
			if list := definers[name]; len(list) == 0 || list[len(list)-1] != n {
				definers[name] = append(list, n)
			}
		}
	}
	var list []use
	for n, i := range ranked {
		names := &j.chunks[i].syntax.Names
		at := map[int]int{} // definer to its place in list
		for _, group := range [][]string{names.Calls, names.Types, names.Refers} {
			for _, name := range group {
				of := definers[name]
				if len(of) == 0 || len(of) > maxSharers {
					continue
				}
				for _, d := range of {
					if d == n {
						continue
					}
					weight := 1 / float64(len(of))
					if k, ok := at[d]; ok {
						list[k].weight = max(list[k].weight, weight)
						continue
					}
					at[d] = len(list)
					list = append(list, use{by: n, of: d, weight: weight})
				}
			}
		}
	}
	return list
}

// callers tells for each chunk how well the best of what uses it scores.
func (j *job) callers(ranked []int, own []float64) []float64 {
	scores := make([]float64, len(ranked))
	for _, u := range j.used(ranked) {
		scores[u.of] = math.Max(scores[u.of], u.weight*own[u.by])
	}
	return scores
}

// used is uses, computed once.
func (j *job) used(ranked []int) []use {
	if j.links == nil {
		j.links = j.uses(ranked)
	}
	return j.links
}
