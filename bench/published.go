package bench

import (
	"context"
	"fmt"
	"math"
	"strings"

	"pith/compress"
)

// A Published is the scoring schedule of the LongCodeZip reference as released: one pass for each chunk, one for each line
// over everything before it, one for each block, batch size one. Only its scoring is here; what is chosen comes from
// outside, so that both schedules work on the same functions.
//
// The reference also projects every position onto the whole vocabulary. A Scorer projects only where a loss is wanted,
// so the time measured here flatters the published schedule.
type Published struct {
	Scorer compress.Scorer
	// Tokens counts the tokens of a text, for Cost.
	Tokens func(text string) int
}

// A Cost is what a schedule ran.
type Cost struct {
	// Passes are sequences given to the model, Calls the batches that they came in.
	Passes int `json:"passes"`
	Calls  int `json:"calls"`
	// Tokens went into the model, queries counted each time.
	Tokens int `json:"tokens"`
}

// A Choice is a chunk with what was decided about it: selected ones have their lines scored, and those to be pruned
// their blocks as well.
type Choice struct {
	Text             string
	Selected, Pruned bool
}

// leastBlocks is the number of blocks below which the reference keeps a function whole.
const leastBlocks = 5

// Run scores every chunk for the query, then lines and blocks as chosen.
func (p Published) Run(ctx context.Context, chunks []Choice, query string) (Cost, error) {
	var cost Cost
	if _, err := p.score(ctx, &cost, "", query); err != nil {
		return cost, fmt.Errorf("score query: %w", err)
	}
	for _, chunk := range chunks {
		if _, err := p.score(ctx, &cost, chunk.Text+"\n\n", query); err != nil {
			return cost, fmt.Errorf("score chunk: %w", err)
		}
	}
	for _, chunk := range chunks {
		if !chunk.Selected {
			continue
		}
		blocks, err := p.blocks(ctx, &cost, chunk.Text)
		if err != nil {
			return cost, err
		}
		if !chunk.Pruned || len(blocks) < leastBlocks {
			continue
		}
		for _, block := range blocks {
			if _, err := p.score(ctx, &cost, block+"\n\n", query); err != nil {
				return cost, fmt.Errorf("score block: %w", err)
			}
		}
	}
	return cost, nil
}

// blocks cuts a chunk behind each line whose perplexity spikes. Blank blocks are left out.
func (p Published) blocks(ctx context.Context, cost *Cost, chunk string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(chunk, "\n"), "\n")
	bits := make([]float64, len(lines))
	for i, line := range lines {
		if line == "" {
			line = " " // the reference scores an empty line as one space
		}
		given := ""
		if i > 0 {
			given = strings.Join(lines[:i], "\n") + "\n"
		}
		nll, err := p.score(ctx, cost, given, line)
		if err != nil {
			return nil, fmt.Errorf("score line: %w", err)
		}
		bits[i] = nll / math.Ln2
	}
	var blocks []string
	start := 0
	for _, cut := range append(spikes(bits), len(lines)-1) {
		if block := strings.Join(lines[start:cut+1], "\n"); strings.TrimSpace(block) != "" {
			blocks = append(blocks, block)
		}
		start = cut + 1
	}
	return blocks, nil
}

// spikes are the inner local maxima of which one side stands out by the mean and a fifth of the deviation of all scores,
// the released rule (the paper's compares with the deviation alone).
func spikes(bits []float64) []int {
	var valid []float64
	for _, s := range bits {
		if s > 0 && !math.IsInf(s, 0) {
			valid = append(valid, s)
		}
	}
	threshold := 0.5
	if len(valid) >= 3 {
		m, square := mean(valid), 0.0
		for _, s := range valid {
			square += (s - m) * (s - m)
		}
		threshold = m + 0.2*math.Sqrt(square/float64(len(valid)))
	}
	var at []int
	for i := 1; i+1 < len(bits); i++ {
		left, right := rise(bits[i], bits[i-1]), rise(bits[i], bits[i+1])
		if !math.IsInf(bits[i], 0) && left >= 0 && right >= 0 && max(left, right) >= threshold {
			at = append(at, i)
		}
	}
	return at
}

// rise is how far s stands above a neighbour; a neighbour without a score counts as level with it.
func rise(s, neighbour float64) float64 {
	if math.IsInf(neighbour, 0) {
		return 0
	}
	return s - neighbour
}

// score runs one pass and returns the mean loss of text, or infinity where text is a single first token.
func (p Published) score(ctx context.Context, cost *Cost, given, text string) (float64, error) {
	cost.Passes++
	cost.Calls++
	cost.Tokens += p.Tokens(given) + p.Tokens(text)
	losses, err := p.Scorer.Score(ctx, []compress.Sequence{{Given: given, Text: text}})
	if err != nil {
		return 0, err
	}
	if len(losses) != 1 || len(losses[0].Text) == 0 {
		return math.Inf(1), nil
	}
	sum := 0.0
	for _, l := range losses[0].Text {
		sum += l.NLL
	}
	return sum / float64(len(losses[0].Text)), nil
}
