package compress

import (
	"math"
	"strings"
	"time"
)

const (
	// smallText is the least adaptive budget in tokens: there is little to win below it and much to lose.
	smallText = 256
	// clearly is the z-score from which a chunk clearly matters.
	clearly = 2
	// stretch bounds what clear chunks may add to the adaptive budget.
	stretch = 2
)

// adaptive reports that the request leaves the budget to the engine.
func (j *job) adaptive() bool { return j.req.Budget == 0 && j.req.Rate == 0 }

// allowance is the budget before anything is known of the text but its size.
func (j *job) allowance() int {
	switch {
	case j.req.Budget > 0:
		return j.req.Budget
	case j.adaptive():
		return max(smallText, int(float64(j.original)*j.opt.DefaultRate))
	}
	return int(math.Floor(float64(j.original)*j.req.Rate + 1e-9)) // 0.29*100 is 28.999999999999996
}

// clear is the budget that holds the chunks whose scores stand out, at most stretch times the adaptive one.
func (j *job) clear() int {
	var scores []float64
	for _, i := range j.ranked() {
		scores = append(scores, j.chunks[i].score)
	}
	z := standardised(scores, nil)
	need := 0
	for n, i := range j.ranked() {
		c := &j.chunks[i]
		if z[n] < clearly {
			continue
		}
		need += c.whole + c.src.marker
		for up := c.parent; up >= 0; up = j.chunks[up].parent {
			need += j.chunks[up].frame
		}
	}
	return min(need, stretch*j.budget, j.original)
}

// pickRanker decides which ranker runs, and why if it is not the one asked for.
func (j *job) pickRanker() {
	name := j.req.Ranker
	if name == "" || name == rankAuto {
		name = j.opt.Ranker
		if j.opt.Scorer == nil {
			name = rankWords
		}
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
