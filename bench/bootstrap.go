package bench

import (
	"math"
	"math/rand/v2"
	"slices"
)

// An Interval is a mean difference with its 95 % bootstrap interval.
type Interval struct {
	Diff float64 `json:"diff"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resamples is enough for the ends of a 95 % interval to repeat to about a hundredth of its width.
const resamples = 4000

// leastGroups is the number of packages or repositories from which drawing whole ones says
// something.
const leastGroups = 8

// An Estimate is a mean with its 95 % bootstrap interval.
type Estimate struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// estimate bootstraps the mean of the values that are no NaN, as paired does.
func estimate(values []float64, group []string, seed uint64) (Estimate, bool) {
	i, ok := paired(values, make([]float64, len(values)), group, seed)
	return Estimate{i.Diff, i.Low, i.High}, ok
}

// paired bootstraps the mean of a[i]-b[i]. Whole groups are drawn, because functions of one package
// resemble each other and drawing them one by one would make the interval too narrow; with fewer
// than leastGroups of them, pairs are drawn. Pairs with a NaN are left out. It reports false where
// nothing is left.
func paired(a, b []float64, group []string, seed uint64) (Interval, bool) {
	type pile struct {
		sum float64
		n   int
	}
	few := len(slices.Compact(slices.Sorted(slices.Values(group)))) < leastGroups
	index := make(map[string]int)
	var piles []pile
	for i := range a {
		d := a[i] - b[i]
		if math.IsNaN(d) {
			continue
		}
		at, ok := index[group[i]]
		if !ok || few {
			at = len(piles)
			index[group[i]] = at
			piles = append(piles, pile{})
		}
		piles[at].sum += d
		piles[at].n++
	}
	if len(piles) == 0 {
		return Interval{}, false
	}
	mean := func(draw func(i int) pile) float64 {
		sum, n := 0.0, 0
		for i := range piles {
			p := draw(i)
			sum += p.sum
			n += p.n
		}
		return sum / float64(n)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	means := make([]float64, resamples)
	for i := range means {
		means[i] = mean(func(int) pile { return piles[rng.IntN(len(piles))] })
	}
	slices.Sort(means)
	return Interval{
		Diff: mean(func(i int) pile { return piles[i] }),
		Low:  means[resamples*25/1000],
		High: means[resamples-1-resamples*25/1000],
	}, true
}
