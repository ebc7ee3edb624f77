package compress

import (
	"math"

	"pith/compress/knapsack"
)

// Segmentation of a function (LongCodeZip, section III-C): the lines that surprise the model begin
// new blocks.

const (
	// spikeAlpha is the paper's alpha: a spike stands out of a neighbour by so many standard
	// deviations.
	spikeAlpha = 1.0
	// fewScores and fewTheta are the reference's rule for functions with hardly a scored line.
	fewScores = 3
	fewTheta  = 0.5
	// openTokens is the size from which a statement with statements inside is no longer one block.
	// Half of the statements below it are `if err != nil` and the like: their frame and a marker
	// would cost as much as they do.
	openTokens = 64
	// blockTokens is the size that no block of several units passes: even text leaves the model
	// unsurprised for pages, and one block of that would be all or nothing.
	blockTokens = 64
)

// lineScores returns the mean surprise, in bits, of the tokens that start on each line of text, the
// line end excluded: BPEs merge the newline with what is before or after it. A line without such
// Tokens, a blank one, has 0; a line that the model's length limit cut off has NaN.
func lineScores(text string, losses []Loss, dropped int) []float64 {
	var scores []float64
	next := 0
	for from := 0; from < len(text); {
		end := from
		for end < len(text) && text[end] != '\n' {
			end++
		}
		sum, n := 0.0, 0
		for ; next < len(losses) && losses[next].Offset <= end; next++ {
			if at := losses[next].Offset; at >= from && at < end {
				sum += losses[next].NLL
				n++
			}
		}
		switch {
		case n > 0:
			scores = append(scores, sum/float64(n)/math.Ln2)
		case from < dropped:
			scores = append(scores, math.NaN())
		default:
			scores = append(scores, 0)
		}
		from = end + 1
	}
	return scores
}

// deviation returns mean and population standard deviation of the finite values above 0, and their
// number.
func deviation(scores []float64) (mean, std float64, n int) {
	for _, s := range scores {
		if s > 0 && finite(s) {
			mean += s
			n++
		}
	}
	if n == 0 {
		return 0, 0, 0
	}
	mean /= float64(n)
	for _, s := range scores {
		if s > 0 && finite(s) {
			std += (s - mean) * (s - mean)
		}
	}
	return mean, math.Sqrt(std / float64(n)), n
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// spikes returns the inner lines that are local maxima and stand out of one neighbour by theta or
// more.
func spikes(scores []float64, theta float64) []int {
	var found []int
	for i := 1; i+1 < len(scores); i++ {
		s := scores[i]
		if !finite(s) {
			continue
		}
		var rise, fall float64 // a neighbour without a finite score counts as level
		if finite(scores[i-1]) {
			rise = s - scores[i-1]
		}
		if finite(scores[i+1]) {
			fall = s - scores[i+1]
		}
		if rise >= 0 && fall >= 0 && max(rise, fall) >= theta {
			found = append(found, i)
		}
	}
	return found
}

// boundaries marks the lines that begin a block. The reference cuts behind a spike; the paper
// observes that a spike opens a new block, and so it does in practice: the first statement of a
// Step is the surprising one. So the cut is before it.
func boundaries(scores []float64) []bool {
	_, std, n := deviation(scores)
	theta := spikeAlpha * std
	if n < fewScores {
		theta = fewTheta
	}
	marks := make([]bool, len(scores))
	for _, line := range spikes(scores, theta) {
		marks[line] = true
	}
	return marks
}

// A segmenter groups the units of one function to blocks: runs of complete sibling units, or a big
// unit that was opened and then is its frame and the blocks inside.
type segmenter struct {
	src *source
	// opens reports whether a block begins on a line. Nil: each unit is a block of its own.
	opens func(line int) bool
}

// blocks groups siblings. A boundary inside a unit counts for the unit's first line, so that no
// statement is torn, and again inside the unit if that is opened. No block is smaller than the
// Marker that would take its place, and a comment stays with the statement below it.
func (g segmenter) blocks(units []node) []node {
	var list []node
	fresh := true // the next unit begins a block
	for i, u := range units {
		if len(u.kids) > 0 && g.src.cost(u.start, u.end) >= openTokens {
			kids := g.blocks(u.kids)
			list = append(list, node{start: u.start, end: u.end, kids: kids})
			fresh = true
			continue
		}
		if i > 0 && units[i-1].end != u.start {
			fresh = true // lines of the frame stand between
		}
		if !fresh {
			last := &list[len(list)-1]
			attached := units[i-1].comment && !u.comment
			small := g.src.cost(last.start, last.end) < g.src.marker
			full := g.src.cost(last.start, u.end) > blockTokens
			if attached || small || !full && !g.boundary(u) {
				last.end = u.end
				continue
			}
		}
		list = append(list, node{start: u.start, end: u.end})
		fresh = false
	}
	return list
}

func (g segmenter) boundary(u node) bool {
	if g.opens == nil {
		return true
	}
	for line := u.start; line < u.end; line++ {
		if g.opens(line) {
			return true
		}
	}
	return false
}

// leaves calls visit for each block without blocks inside, in line order.
func leaves(list []node, visit func(*node)) {
	for i := range list {
		if len(list[i].kids) == 0 {
			visit(&list[i])
			continue
		}
		leaves(list[i].kids, visit)
	}
}

// Steps turns the blocks of the lines [from, to) into the walk of the knapsack and tells which
// lines each step stands for.
func steps(src *source, list []node, from, to int) (walk []knapsack.Step, spans [][2]int) {
	add := func(s knapsack.Step, from, to int) {
		walk = append(walk, s)
		spans = append(spans, [2]int{from, to})
	}
	frame := func(from, to int) {
		if from < to {
			add(knapsack.Keep(src.cost(from, to), 0, 0), from, to)
		}
	}
	var visit func(list []node, from, to int)
	visit = func(list []node, from, to int) {
		for _, b := range list {
			frame(from, b.start)
			from = b.end
			at := len(walk)
			if len(b.kids) == 0 {
				add(knapsack.Keep(src.cost(b.start, b.end), b.value, 0), b.start, b.end)
			} else {
				add(knapsack.Keep(0, b.value, 0), b.start, b.start)
				visit(b.kids, b.start, b.end)
			}
			walk[at].Skip = len(walk)
		}
		frame(from, to)
	}
	visit(list, from, to)
	return walk, spans
}
