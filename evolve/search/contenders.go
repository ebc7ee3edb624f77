package search

import (
	"math"
	"slices"
)

// TopPercent returns the indices of the scores at or above the (100-percent)th percentile, in their
// order (calibration, paper section 3.3: the search's best are judged again on the validation
// split, as a few examples flatter some by luck). The percentile interpolates linearly.
func TopPercent(scores []float64, percent float64) []int {
	if len(scores) == 0 {
		return nil
	}
	sorted := slices.Sorted(slices.Values(scores))
	at := (1 - percent/100) * float64(len(sorted)-1)
	low := int(math.Floor(at))
	cut := sorted[low]
	if low+1 < len(sorted) {
		cut += (at - float64(low)) * (sorted[low+1] - sorted[low])
	}
	var out []int
	for i, s := range scores {
		if s >= cut {
			out = append(out, i)
		}
	}
	return out
}

// TopCandidates are the complete candidates of a history at or above the (100-percent)th
// percentile, in their order and as often as they occur: the published procedure.
func TopCandidates(history []Candidate, percent float64) []Candidate {
	whole := slices.DeleteFunc(slices.Clone(history), func(c Candidate) bool { return c.Partial })
	return topPercent(whole, percent)
}

// topPercent are the candidates that TopPercent picks by fitness.
func topPercent(cs []Candidate, percent float64) (out []Candidate) {
	scores := make([]float64, len(cs))
	for i, c := range cs {
		scores[i] = c.Fitness
	}
	for _, i := range TopPercent(scores, percent) {
		out = append(out, cs[i])
	}
	return out
}

// Contenders picks the candidates of a history that go on to the validation split: distinct
// complete texts in the top percent by fitness, fittest first, and never more than most. Ties go to
// the shorter, then to the earlier.
func Contenders(history []Candidate, percent float64, most int) []Candidate {
	seen := map[string]bool{}
	distinct := slices.DeleteFunc(slices.Clone(history), func(c Candidate) bool {
		dup := seen[c.Text]
		seen[c.Text] = true
		return dup || c.Partial
	})
	out := topPercent(distinct, percent)
	slices.SortStableFunc(out, func(a, b Candidate) int {
		if c := compareFitness(b, a); c != 0 {
			return c
		}
		return a.Length - b.Length
	})
	return out[:min(most, len(out))]
}

// SpreadContenders thins contenders that are near-copies: a guided search ends among neighbours of
// one prompt, and twenty of those say no more on the validation split than one. It takes complete
// candidates by fitness, each at least apart units away from all taken before it.
func SpreadContenders(history []Candidate, apart, most int) []Candidate {
	var out []Candidate
	for _, c := range Contenders(history, 100, len(history)) {
		if len(out) == most {
			break
		}
		if !slices.ContainsFunc(out, func(o Candidate) bool { return distance(o.Mask, c.Mask) < apart }) {
			out = append(out, c)
		}
	}
	return out
}

// distance counts the bits that differ.
func distance(a, b Mask) int {
	n := 0
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// ShortestFirst lists the shortest prompts that lost nothing on the search split, most of them at
// most.
func ShortestFirst(found Result, most int) []Candidate {
	var out []Candidate
	seen := map[string]bool{}
	for _, c := range found.History {
		if !c.Partial && c.Fitness >= found.Full.Fitness && !seen[c.Text] {
			seen[c.Text] = true
			out = append(out, c)
		}
	}
	sortByLength(out)
	return out[:min(most, len(out))]
}

func sortByLength(cs []Candidate) {
	slices.SortStableFunc(cs, func(a, b Candidate) int {
		if a.Length != b.Length {
			return a.Length - b.Length
		}
		return compareFitness(b, a)
	})
}
