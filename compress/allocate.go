package compress

import (
	"math"
	"slices"
)

// A claim is what one function may get of a shared budget, in tokens.
type claim struct {
	tokens    float64 // its size in the eyes of the share-out
	relevance float64 // its score; only its place between the least and the greatest matters
	least     float64 // it never gets less
	most      float64 // it never gets more
}

// allocate shares total out by LongCodeZip's Algorithm 1 (equations 4 to 6): the base rate total/tokens is bent by beta
// towards relevant functions, then all shares are scaled to meet the total. Where the paper scales once, so that shares may
// pass a function's size, the scale here is found by water-filling: the shares add up to total exactly, or to the nearest
// sum that the least and the most of the claims allow.
func allocate(claims []claim, total, beta float64) []float64 {
	sum, low, high := 0.0, math.Inf(1), math.Inf(-1)
	for _, c := range claims {
		sum += c.tokens
		low, high = min(low, c.relevance), max(high, c.relevance)
	}
	base := min(1, max(0, total/max(sum, 1)))
	weights := make([]float64, len(claims))
	for i, c := range claims {
		norm := 0.5
		if high > low {
			norm = (c.relevance - low) / (high - low)
		}
		biased := min(1, max(0, base*(1+beta*(2*norm-1))))
		// A function that beta takes everything from still takes what the others cannot use.
		weights[i] = max(biased, 1e-9) * c.tokens
	}
	return pour(claims, weights, total)
}

// pour returns clamp(level*weight, least, most) of each claim for the level at which they add up to total. The sum is
// piecewise linear in level, so the level is exact.
func pour(claims []claim, weights []float64, total float64) []float64 {
	var bends []float64
	for i, c := range claims {
		if weights[i] > 0 {
			bends = append(bends, c.least/weights[i], c.most/weights[i])
		}
	}
	slices.Sort(bends)
	fill := func(level float64) (shares []float64, sum float64) {
		shares = make([]float64, len(claims))
		for i, c := range claims {
			shares[i] = min(c.most, max(c.least, level*weights[i]))
			sum += shares[i]
		}
		return shares, sum
	}
	// The first bend at which the sum reaches total ends the stretch that holds the level.
	at, _ := slices.BinarySearchFunc(bends, total, func(level, total float64) int {
		if _, sum := fill(level); sum < total {
			return -1
		}
		return 1
	})
	if at == len(bends) || at == 0 {
		level := 0.0
		if at > 0 {
			level = bends[at-1]
		}
		shares, _ := fill(level)
		return shares
	}
	low, high := bends[at-1], bends[at]
	_, below := fill(low)
	_, above := fill(high)
	level := low
	if above > below {
		level += (high - low) * (total - below) / (above - below)
	}
	shares, _ := fill(level)
	return shares
}
