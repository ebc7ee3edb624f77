package compress

import (
	"cmp"
	"math"
	"slices"
)

// The rankers. order is what stands in for all of them when the query is empty.
const (
	rankAuto   = "auto"
	rankAMI    = "ami"
	rankBM25   = "bm25"
	rankWords  = "words"
	rankHybrid = "hybrid"
	rankOrder  = "order"
)

// evidence is what is known about pieces of text (all chunks of a request, or all blocks) with
// regard to its query.
type evidence struct {
	// rows hold the signals of the pieces, the model's excepted.
	rows []row
	// alone are the query's losses without context, given[i] those after piece i. Nil where no
	// model ran, or it was not asked.
	alone []Loss
	given [][]Loss
	// read says which pieces the model read. Nil: all.
	read []bool
}

// A ranker turns evidence into one score per piece; higher is more relevant. Scores are finite.
type ranker interface {
	scores(e evidence) []float64
	// reads says whether the model should read the pieces.
	reads() bool
	// probabilities are those of being needed, by scores.
	probabilities(scores []float64) []float64
}

func (amiRanker) probabilities(scores []float64) []float64 {
	return fitted.Plain.of(standardised(scores, nil))
}

func (bm25Ranker) probabilities(scores []float64) []float64 {
	return fitted.Plain.of(standardised(scores, nil))
}

func (orderRanker) probabilities(scores []float64) []float64 {
	return fitted.Plain.of(standardised(scores, nil))
}
func (wordsRanker) probabilities(scores []float64) []float64  { return fitted.WordsOdds.of(scores) }
func (hybridRanker) probabilities(scores []float64) []float64 { return fitted.HybridOdds.of(scores) }

type (
	amiRanker    struct{}
	bm25Ranker   struct{}
	wordsRanker  struct{}
	hybridRanker struct{}
	orderRanker  struct{}
)

func rankerOf(name string) (ranker, bool) {
	switch name {
	case rankAMI:
		return amiRanker{}, true
	case rankBM25:
		return bm25Ranker{}, true
	case rankWords:
		return wordsRanker{}, true
	case rankHybrid:
		return hybridRanker{}, true
	case rankOrder:
		return orderRanker{}, true
	}
	return nil, false
}

func (amiRanker) reads() bool    { return true }
func (bm25Ranker) reads() bool   { return false }
func (wordsRanker) reads() bool  { return false }
func (hybridRanker) reads() bool { return true }
func (orderRanker) reads() bool  { return false }

// scores is the paper's AMI: by how much a piece lowers the query's perplexity.
func (amiRanker) scores(e evidence) []float64 {
	return gains(e, func(alone, given float64) float64 { return math.Exp(alone) - math.Exp(given) })
}

func (bm25Ranker) scores(e evidence) []float64 { return e.signal(signalWords) }

// scores weighs all signals but the model's.
func (wordsRanker) scores(e evidence) []float64 { return fitted.Words.scores(e.rows) }

// scores weighs all signals, what the model read among them.
func (hybridRanker) scores(e evidence) []float64 {
	e.hear()
	return fitted.Hybrid.scores(e.rows)
}

// hear sets the model's signal: the gain in nats, in standard deviations of what it read. It is
// that in nats and not in perplexity: both order the pieces alike, but differences of perplexity
// are so skewed that one piece would take the whole scale.
func (e evidence) hear() {
	nats := func(alone, given float64) float64 { return alone - given }
	for i, s := range standardised(gains(e, nats), e.heard) {
		e.rows[i][signalModel] = s
	}
}

// signal lists one signal of all pieces.
func (e evidence) signal(at int) []float64 {
	list := make([]float64, len(e.rows))
	for i := range e.rows {
		list[i] = e.rows[i][at]
	}
	return list
}

// heard reports that the model read piece i.
func (e evidence) heard(i int) bool { return e.read == nil || e.read[i] }

func (orderRanker) scores(e evidence) []float64 {
	list := make([]float64, len(e.rows))
	for i := range list {
		list[i] = 1 - float64(i)/float64(len(list))
	}
	return list
}

// gains applies gain to the query's mean loss alone and after each piece. A piece without a usable
// loss ranks with the last. Of those that the model did not read nothing is known, so they get the
// median: what it read and thinks little of goes behind them. (Put behind all that it read, they
// leave the budget to whatever words took for the best: the needed lines kept fall from 0.918 to
// 0.902, and further the more is read; bench/RESULTS.md.)
func gains(e evidence, gain func(alone, given float64) float64) []float64 {
	list := make([]float64, len(e.given))
	alone, ok := meanLoss(e.alone)
	if !ok {
		return list // a query of one token: the model has nothing to say
	}
	var known []float64
	for i, losses := range e.given {
		list[i] = math.NaN()
		if given, ok := meanLoss(losses); ok {
			if g := gain(alone, given); finite(g) {
				list[i] = g
				known = append(known, g)
			}
		}
	}
	if len(known) == 0 {
		clear(list)
		return list
	}
	slices.Sort(known)
	for i := range list {
		switch {
		case !math.IsNaN(list[i]):
		case e.heard(i):
			list[i] = known[0]
		default:
			list[i] = known[(len(known)-1)/2]
		}
	}
	return list
}

// meanLoss is the mean loss in nats of a query, its first token left out: alone it has no loss, so
// it may not count after a context either. (The reference counts it in its fine stage, which skews
// the difference.)
func meanLoss(losses []Loss) (float64, bool) {
	sum, n := 0.0, 0
	for _, l := range losses {
		if l.Offset > 0 {
			sum += l.NLL
			n++
		}
	}
	mean := sum / float64(n)
	return mean, n > 0 && finite(mean)
}

// standardised returns z-scores with regard to the values that counts, or to all if it is nil; all
// 0 where those do not differ.
func standardised(values []float64, counts func(i int) bool) []float64 {
	mean, variance, n := 0.0, 0.0, 0.0
	for i, v := range values {
		if counts == nil || counts(i) {
			mean += v
			n++
		}
	}
	mean /= max(n, 1)
	for i, v := range values {
		if counts == nil || counts(i) {
			variance += (v - mean) * (v - mean)
		}
	}
	list := make([]float64, len(values))
	if std := math.Sqrt(variance / max(n, 1)); std > 1e-12 {
		for i, v := range values {
			list[i] = (v - mean) / std
		}
	}
	return list
}

// normalised maps values to [0, 1] by least and greatest; all 0 where they do not differ.
func normalised(values []float64) []float64 {
	list := make([]float64, len(values))
	if len(values) == 0 {
		return list
	}
	low, high := slices.Min(values), slices.Max(values)
	if high > low {
		for i, v := range values {
			list[i] = (v - low) / (high - low)
		}
	}
	return list
}

// byScore returns indices from the best score to the worst. Ties keep their order.
func byScore(scores []float64) []int {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	return order
}
