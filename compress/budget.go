package compress

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// smallText is the least adaptive budget in tokens: there is little to win below it and much to
	// lose.
	smallText = 256
	// leastPart and mostPart bound the adaptive budget as parts of the original.
	leastPart = 0.08
	mostPart  = 0.8
)

// adaptive reports that the request and the options leave the budget to the engine.
func (j *job) adaptive() bool {
	return j.req.Budget == 0 && j.req.Rate == 0 && j.opt.DefaultRate == 0
}

// allowance is the budget before anything is known of the text but its size. An adaptive one is the
// most that it can become.
func (j *job) allowance() int {
	rate := j.req.Rate
	switch {
	case j.req.Budget > 0:
		return j.req.Budget
	case j.adaptive():
		return max(smallText, int(mostPart*float64(j.original)))
	case rate == 0:
		return max(smallText, int(float64(j.original)*j.opt.DefaultRate))
	}
	return int(math.Floor(float64(j.original)*rate + 1e-9)) // 0.29*100 is 28.999999999999996
}

// cover is the adaptive budget: what holds the needed code with the coverage asked for. The chunks'
// odds share out one answer; the best chunks are taken until their shares, by what such shares were
// found to hold (weights.json), come to the coverage. A question that fits all chunks alike spreads
// its shares and gets a large budget, not a confident cut.
func (j *job) cover() (budget int, coverage float64) {
	ranked := j.byRank()
	shares, sum := make([]float64, len(ranked)), 0.0
	for n, i := range ranked {
		p := j.chunks[i].probability
		shares[n] = p / (1 - min(p, 1-1e-9))
		sum += shares[n]
	}
	order := make([]int, len(ranked))
	density := make([]float64, len(ranked))
	for n, i := range ranked {
		order[n] = n
		density[n] = j.chunks[i].probability / math.Sqrt(float64(1+j.chunks[i].whole))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(density[b], density[a]) })
	goal := fitted.mass(j.opt.Coverage)
	need, mass := 0, 0.0
	least := max(smallText, int(leastPart*float64(j.original)))
	for _, n := range order {
		if mass >= goal && need >= least || need >= j.budget {
			break
		}
		c := &j.chunks[ranked[n]]
		need += c.whole + c.src.marker/2
		mass += shares[n] / max(sum, 1e-300)
	}
	j.capped = mass < goal && need >= j.budget
	return min(max(need, least), j.budget), fitted.coverage(min(mass, 1))
}

// pickRanker decides which ranker runs, and why if it is not the one asked for.
func (j *job) pickRanker() {
	name := j.req.Ranker
	if name == "" || name == rankAuto {
		name = j.opt.Ranker
	}
	j.use(name)
	j.class, _ = classOf(j.req.Speed)
	j.reading.Speed = j.req.Speed
	switch {
	case strings.TrimSpace(j.req.Query) == "":
		j.use(rankOrder)
		j.reason = "the query is empty"
	case j.ranker.reads() && j.opt.Scorer == nil:
		j.use(rankWords)
		j.reason = "no model is loaded"
	}
	if j.opt.Deadline > 0 {
		j.deadline = time.Now().Add(j.opt.Deadline)
	}
}

func (j *job) use(name string) {
	j.name = name
	j.ranker, _ = rankerOf(name)
}
