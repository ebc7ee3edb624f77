package compress

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"pith/compress/knapsack"
)

const (
	refSmallLines  = 5   // chunks of fewer lines are kept, and chunks of fewer blocks
	refAlpha       = 0.2 // of the threshold mean + alpha*std
	refKeepWhole   = 0.999
	refExactItems  = 100 // beyond these the reference is greedy
	refExactTokens = 2000
)

// refPrune is the reference's fine stage over the selected chunks.
func (j *job) refPrune(ctx context.Context, chunks []refChunk) error {
	defer j.time("blocks", time.Now())
	var selected []*refChunk
	for i := range chunks {
		if chunks[i].keep {
			selected = append(selected, &chunks[i])
		}
	}
	lines := make([]int, len(selected))
	scores := make([]float64, len(selected))
	for i, c := range selected {
		lines[i], scores[i] = strings.Count(c.text, "\n")+1, c.score
	}
	rates := refRates(lines, scores, j.opt.FineRatio, *j.opt.Beta)
	all, err := j.refBlocks(ctx, selected, rates)
	if err != nil {
		return err
	}
	values, err := j.refValues(ctx, all)
	if err != nil {
		return err
	}
	for i, c := range selected {
		if len(all[i]) > 0 {
			j.refPack(c, all[i], values[i], int(float64(c.tokens)*rates[i]))
		}
	}
	return nil
}

// refRates is the reference's line-based share-out: it rescales once and clamps, so it can miss its
// target, and where no lines are left for the large functions, or more than they have, everything
// is kept.
func refRates(lines []int, scores []float64, fine, beta float64) []float64 {
	rates := slices.Repeat([]float64{1}, len(lines))
	all, small, large := 0, 0, 0
	low, high := math.Inf(1), math.Inf(-1)
	for i, n := range lines {
		all += n
		if n < refSmallLines {
			small += n
			continue
		}
		large += n
		if finite(scores[i]) {
			low, high = min(low, scores[i]), max(high, scores[i])
		}
	}
	target := max(0, int(fine*float64(all))-small)
	if large == 0 || target == 0 || target >= large {
		return rates
	}
	base := float64(target) / float64(large)
	kept := 0.0
	for i, n := range lines {
		if n < refSmallLines {
			continue
		}
		rates[i] = base
		if high > low {
			norm := 0.0
			if finite(scores[i]) {
				norm = (scores[i] - low) / (high - low)
			}
			rates[i] = unit(base * (1 + beta*(2*norm-1)))
		}
		kept += rates[i] * float64(n)
	}
	if kept > 0 && math.Abs(kept-float64(target)) > 1 {
		for i, n := range lines {
			if n >= refSmallLines {
				rates[i] = unit(rates[i] * float64(target) / kept)
			}
		}
	}
	return rates
}

func unit(x float64) float64 { return min(1, max(0, x)) }

// A refBlock is a run of lines of a chunk.
type refBlock struct {
	from, to int
	text     string
}

func (b refBlock) blank() bool { return strings.TrimSpace(b.text) == "" }

// refBlocks segments the chunks that will be cut; the others get none.
func (j *job) refBlocks(ctx context.Context, chunks []*refChunk, rates []float64) ([][]refBlock, error) {
	all := make([][]refBlock, len(chunks))
	lines := make([][]string, len(chunks))
	var seqs []Sequence
	var asked []int
	for i, c := range chunks {
		lines[i] = refLines(c.text)
		if rates[i] < refKeepWhole {
			seqs = append(seqs, Sequence{Text: strings.Join(lines[i], "\n")})
			asked = append(asked, i)
		}
	}
	if len(seqs) == 0 || j.name != rankAMI {
		return all, ctx.Err() // line perplexities need the model
	}
	losses, ok, err := j.model(ctx, seqs)
	if err != nil || !ok {
		return all, err
	}
	for n, i := range asked {
		scores := lineScores(seqs[n].Text, losses[n].Text, losses[n].Dropped)
		for len(scores) < len(lines[i]) {
			scores = append(scores, 0)
		}
		if scores[0] == 0 && lines[i][0] != "" {
			scores[0] = math.Inf(1) // a first line of one token has no loss
		}
		blocks := refCut(lines[i], scores)
		full := 0
		for _, b := range blocks {
			if !b.blank() {
				full++
			}
		}
		if full >= refSmallLines {
			all[i] = blocks
		}
	}
	return all, nil
}

// refLines splits text at line ends, with every other blank line as a single space.
func refLines(text string) []string {
	return strings.Split(strings.ReplaceAll(text, "\n\n", "\n \n"), "\n")
}

// refCut cuts behind each spike.
func refCut(lines []string, scores []float64) []refBlock {
	mean, std, n := deviation(scores)
	theta := mean + refAlpha*std
	if n < fewScores {
		theta = fewTheta
	}
	var blocks []refBlock
	from := 0
	for _, spike := range append(spikes(scores, theta), len(lines)-1) {
		blocks = append(blocks, refBlock{from: from, to: spike + 1, text: strings.Join(lines[from:spike+1], "\n")})
		from = spike + 1
	}
	return blocks
}

// refValues is by how much each block lowers the query's perplexity. The query's first token counts
// after a block and not alone, as in the reference. Blank blocks are worth -Inf.
func (j *job) refValues(ctx context.Context, chunks [][]refBlock) ([][]float64, error) {
	values := make([][]float64, len(chunks))
	var seqs []Sequence
	var at []*float64
	for i, blocks := range chunks {
		values[i] = make([]float64, len(blocks))
		for n, b := range blocks {
			if b.blank() {
				values[i][n] = math.Inf(-1)
				continue
			}
			seqs = append(seqs, Sequence{Given: b.text + "\n\n", Text: j.req.Query})
			at = append(at, &values[i][n])
		}
	}
	if len(seqs) == 0 || j.name != rankAMI {
		return values, ctx.Err()
	}
	losses, ok, err := j.model(ctx, seqs)
	if err != nil || !ok {
		return values, err
	}
	alone := perplexity(j.alone)
	for i, l := range losses {
		*at[i] = alone - perplexity(l.Text)
	}
	return values, nil
}

// refPack chooses blocks under budget tokens and writes the chunk.
func (j *job) refPack(c *refChunk, blocks []refBlock, values []float64, budget int) {
	weights := make([]int, len(blocks))
	for i, b := range blocks {
		weights[i] = j.count(b.text)
	}
	marker := refMarker(c.src.parsed.Language)
	var preserved []int
	for i, b := range blocks {
		if refPreserved(b.text, marker) {
			preserved = append(preserved, i)
		}
	}
	chosen := refChoose(weights, values, preserved, budget)
	c.pruned = true
	c.short = refAssemble(blocks, chosen, marker)
	for _, i := range chosen {
		for line := blocks[i].from; line < blocks[i].to; line++ {
			c.kept = append(c.kept, line)
		}
	}
}

// refPreserved looks for definitions, comments and returns in a block's first line that is not
// blank, strings included.
func refPreserved(text, marker string) bool {
	first, _, _ := strings.Cut(strings.TrimLeft(text, " \t\r\n"), "\n")
	for _, part := range []string{"def ", "class ", "function ", "fn ", "func ", "return "} {
		if strings.Contains(first, part) {
			return true
		}
	}
	return strings.HasPrefix(first, marker)
}

// refChoose returns the chosen blocks in order: the preserved ones and, for what they leave of the
// budget, the exact knapsack, or by value per token where the reference finds that too much.
func refChoose(weights []int, values []float64, preserved []int, budget int) []int {
	chosen := slices.Clone(preserved)
	for _, i := range preserved {
		budget -= weights[i]
	}
	if budget <= 0 {
		return chosen
	}
	var items []int
	worth := make([]float64, len(values))
	for i, v := range values {
		if finite(v) {
			worth[i] = v
		}
		if !slices.Contains(preserved, i) {
			items = append(items, i)
		}
	}
	ratio := func(i int) float64 { return worth[i] / float64(max(weights[i], 1)) }
	slices.SortStableFunc(items, func(a, b int) int { return cmp.Compare(ratio(b), ratio(a)) })
	if len(items) <= refExactItems && budget <= refExactTokens {
		slices.Reverse(items) // of equal choices the reference prefers the one without the last items
		walk := make([]knapsack.Step, len(items))
		for n, i := range items {
			walk[n] = knapsack.Keep(weights[i], worth[i], n+1)
		}
		forms, ok := (&knapsack.Tree{Steps: walk}).Pack(budget)
		for n, i := range items {
			if ok && forms[n] != knapsack.Left {
				chosen = append(chosen, i)
			}
		}
	} else {
		for _, i := range items {
			if weights[i] <= budget {
				budget -= weights[i]
				chosen = append(chosen, i)
			}
		}
	}
	slices.Sort(chosen)
	return chosen
}

// refAssemble joins chosen blocks by blank lines, with a marker where blocks between them or after
// them are missing.
func refAssemble(blocks []refBlock, chosen []int, marker string) string {
	if len(chosen) == 0 {
		return ""
	}
	gap := refIndent(blocks) + marker + " ... "
	var parts []string
	for n, i := range chosen {
		if n > 0 && i != chosen[n-1]+1 {
			parts = append(parts, gap)
		}
		parts = append(parts, blocks[i].text)
	}
	if chosen[len(chosen)-1] != len(blocks)-1 {
		parts = append(parts, gap)
	}
	return strings.Join(parts, "\n\n")
}

// refIndent is the first indentation found among the first lines of the blocks.
func refIndent(blocks []refBlock) string {
	for _, b := range blocks {
		for line := range strings.SplitSeq(b.text, "\n") {
			body := strings.TrimLeft(line, " \t")
			if strings.TrimSpace(line) == "" {
				continue
			}
			if len(body) < len(line) {
				return line[:len(line)-len(body)]
			}
			break
		}
	}
	return ""
}
