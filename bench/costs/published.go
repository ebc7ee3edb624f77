package costs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"pith/compress"
)

// A PublishedSchedule is the scoring schedule of the LongCodeZip reference as released: one pass
// for each chunk, one for each line over everything before it, one for each block, batch size one,
// every position projected onto the whole vocabulary. Only its scoring is here; what is chosen
// comes from outside, so that both schedules work on the same functions.
type PublishedSchedule struct {
	// Scorer should remember nothing: the reference does not.
	Scorer compress.Scorer
	// Tokens counts the tokens of a text, for Cost.
	Tokens func(text string) int
	// Limit is how long Run may take. If zero, as long as it takes.
	Limit time.Duration
}

// A Cost is what a schedule ran.
type Cost struct {
	// Passes are sequences given to the model, Calls the batches that they came in.
	Passes int `json:"passes"`
	Calls  int `json:"calls"`
	// Tokens went into the model, queries counted each time.
	Tokens int `json:"tokens"`
}

// A Choice is a chunk with what was decided about it: selected ones have their lines scored, and
// those to be pruned their blocks as well.
type Choice struct {
	Text             string
	Selected, Pruned bool
}

// leastBlocks is the number of blocks below which the reference keeps a function whole.
const leastBlocks = 5

// A Sample is the part of the published schedule that ran. The whole takes 1/Share of its time and
// cost: chunks are taken in an order that has nothing to do with their size or place.
type Sample struct {
	Cost Cost `json:"cost"`
	// Share is the sample's part of the tokens that the whole schedule puts through the model, in
	// (0, 1].
	Share float64 `json:"share"`
}

// errLimit says that Limit has passed.
var errLimit = errors.New("time is up")

// Run scores every chunk for the query, and lines and blocks as chosen, until Limit has passed.
func (p PublishedSchedule) Run(ctx context.Context, chunks []Choice, query string) (Sample, error) {
	r := publishedRun{PublishedSchedule: p, query: query}
	if p.Limit > 0 {
		r.end = time.Now().Add(p.Limit)
	}
	_, err := r.score(ctx, "", query)
	left := 0.0
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(chunks)) {
		before := r.cost.Tokens
		if err == nil {
			err = r.chunk(ctx, chunks[i])
		}
		if err != nil {
			left += max(0, r.predicted(chunks[i])-float64(r.cost.Tokens-before))
		}
	}
	if err != nil && !errors.Is(err, errLimit) {
		return Sample{}, err
	}
	return Sample{Cost: r.cost, Share: float64(r.cost.Tokens) / (float64(r.cost.Tokens) + left)}, nil
}

// A publishedRun is one Run.
type publishedRun struct {
	PublishedSchedule
	query string
	end   time.Time // none if zero
	cost  Cost
}

// predicted is the tokens of a chunk's coarse and line passes; those of its blocks, a few percent,
// depend on their results.
func (r *publishedRun) predicted(chunk Choice) float64 {
	n := float64(r.Tokens(chunk.Text))
	sum := n + float64(r.Tokens(r.query))
	if chunk.Selected {
		sum += n * float64(strings.Count(chunk.Text, "\n")+1) / 2
	}
	return sum
}

// chunk runs the passes of one chunk.
func (r *publishedRun) chunk(ctx context.Context, chunk Choice) error {
	if _, err := r.score(ctx, chunk.Text+"\n\n", r.query); err != nil {
		return fmt.Errorf("score chunk: %w", err)
	}
	if !chunk.Selected {
		return nil
	}
	blocks, err := r.blocks(ctx, chunk.Text)
	if err != nil {
		return err
	}
	if !chunk.Pruned || len(blocks) < leastBlocks {
		return nil
	}
	for _, block := range blocks {
		if _, err := r.score(ctx, block+"\n\n", r.query); err != nil {
			return fmt.Errorf("score block: %w", err)
		}
	}
	return nil
}

// blocks cuts a chunk behind each line whose perplexity spikes. Blank blocks are left out. Lines
// are scored in any order, so that those of a run that is stopped are a sample of all, short
// prefixes and long ones.
func (r *publishedRun) blocks(ctx context.Context, chunk string) ([]string, error) {
	lines := strings.Split(strings.TrimSuffix(chunk, "\n"), "\n")
	bits := make([]float64, len(lines))
	for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(len(lines)) {
		line := lines[i]
		if line == "" {
			line = " " // the reference scores an empty line as one space
		}
		given := ""
		if i > 0 {
			given = strings.Join(lines[:i], "\n") + "\n"
		}
		nll, err := r.score(ctx, given, line)
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

// spikes are the inner local maxima of which one side stands out by the mean and a fifth of the
// deviation of all scores, the released rule (the paper's compares with the deviation alone).
func spikes(bits []float64) []int {
	var valid []float64
	for _, s := range bits {
		if s > 0 && !math.IsInf(s, 0) {
			valid = append(valid, s)
		}
	}
	threshold := 0.5
	if len(valid) >= 3 {
		n, sum, square := float64(len(valid)), 0.0, 0.0
		for _, s := range valid {
			sum += s
		}
		for _, s := range valid {
			square += (s - sum/n) * (s - sum/n)
		}
		threshold = sum/n + 0.2*math.Sqrt(square/n)
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

// score runs one pass and returns the mean loss of text, or infinity where text is a single first
// token.
func (r *publishedRun) score(ctx context.Context, given, text string) (float64, error) {
	if !r.end.IsZero() && time.Now().After(r.end) {
		return 0, errLimit
	}
	r.cost.Passes++
	r.cost.Calls++
	r.cost.Tokens += r.Tokens(given) + r.Tokens(text)
	// The reference takes the logits of every position and drops most; a loss of each costs the
	// same projection.
	losses, err := r.Scorer.Score(ctx, []compress.Sequence{{Given: given, Text: text, WantGiven: true}})
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
