package compress

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// scoredQuery is how much of the query the model reads, in bytes, from its end: there stands what is to be done. It is
	// read once per chunk and once per block, so a long query would cost more than the code.
	scoredQuery = 1024
	// epsilon is the value of a token that the ranker gives no value: room that nothing relevant wants is still used.
	epsilon = 1e-6
)

// tail returns the end of query that the model reads, cut at white space where there is some.
func tail(query string) string {
	if len(query) <= scoredQuery {
		return query
	}
	cut := len(query) - scoredQuery
	for cut < len(query) && !utf8.RuneStart(query[cut]) {
		cut++
	}
	if space := strings.IndexAny(query[cut:], " \t\n"); space >= 0 && space < scoredQuery/4 {
		cut += space + 1
	}
	return query[cut:]
}

// given is a context as the reference puts it before a query.
func given(text string) string { return strings.TrimRight(text, "\r\n") + "\n\n" }

// model asks the Scorer within the deadline. ok is false where it failed and the request goes on with the cheap ranker; the
// error is not nil only when the request itself is over.
func (j *job) model(ctx context.Context, seqs []Sequence) (losses []Losses, ok bool, err error) {
	bounded := ctx
	if !j.deadline.IsZero() {
		var cancel context.CancelFunc
		bounded, cancel = context.WithDeadline(ctx, j.deadline)
		defer cancel()
	}
	losses, err = j.opt.Scorer.Score(bounded, seqs)
	if err == nil && len(losses) != len(seqs) {
		err = fmt.Errorf("%d results for %d sequences", len(losses), len(seqs))
	}
	switch {
	case err == nil:
		return losses, true, nil
	case ctx.Err() != nil:
		return nil, false, fmt.Errorf("score %d texts: %w", len(seqs), ctx.Err())
	case bounded.Err() != nil:
		j.reason = fmt.Sprintf("the deadline of %v for scoring passed", j.opt.Deadline)
	default:
		j.reason = fmt.Sprintf("the model failed: %v", err)
	}
	j.short = true
	return nil, false, nil
}

// rankChunks scores all chunks and, in the same pass, the lines of those that the fine stage may cut.
func (j *job) rankChunks(ctx context.Context) error {
	defer j.time("rank", time.Now())
	ranked := j.ranked()
	e := evidence{texts: len(ranked)}
	texts := make([]string, len(ranked))
	for n, i := range ranked {
		c := &j.chunks[i]
		texts[n] = c.src.path + " " + c.syntax.Name + "\n" + c.text()
	}
	e.terms = bm25(j.req.Query, texts)
	if j.ranker.needsModel() {
		seqs := []Sequence{{Text: tail(j.req.Query)}}
		for _, i := range ranked {
			c := &j.chunks[i]
			seqs = append(seqs, Sequence{Given: given(c.text()), Text: seqs[0].Text, WantGiven: j.prunable(c)})
		}
		losses, ok, err := j.model(ctx, seqs)
		if err != nil {
			return err
		}
		if !ok {
			j.use(rankBM25)
		} else {
			j.alone, e.alone = losses[0].Text, losses[0].Text
			for n, l := range losses[1:] {
				e.given = append(e.given, l.Text)
				if c := &j.chunks[ranked[n]]; j.prunable(c) {
					c.surprise = lineScores(c.text(), l.Given, l.Dropped)
				}
			}
		}
	}
	scores := j.ranker.scores(e)
	for rank, n := range byScore(scores) {
		c := &j.chunks[ranked[n]]
		c.score, c.rank = scores[n], rank+1
	}
	return nil
}

// ranked lists the chunks that are ranked: all but those that only close another.
func (j *job) ranked() []int {
	var list []int
	for i := range j.chunks {
		if !j.chunks[i].isCloser() {
			list = append(list, i)
		}
	}
	return list
}

// rankBlocks segments the chosen chunks and values their blocks, all with one pass of the model.
func (j *job) rankBlocks(ctx context.Context, chosen []int) error {
	defer j.time("blocks", time.Now())
	var blocks []*node
	var texts []string
	var tokens []int
	for _, i := range chosen {
		c := &j.chunks[i]
		if !j.prunable(c) {
			continue
		}
		c.blocks = segmenter{src: c.src, opens: c.opens()}.blocks(c.units)
		if len(c.blocks) == 1 && len(c.blocks[0].kids) == 0 {
			c.blocks = nil // one block is no choice: without it only a frame would stay
			continue
		}
		leaves(c.blocks, func(b *node) {
			blocks = append(blocks, b)
			texts = append(texts, c.src.text(b.start, b.end))
			tokens = append(tokens, c.src.cost(b.start, b.end))
		})
	}
	values, err := j.blockValues(ctx, texts)
	if err != nil {
		return err
	}
	for n, value := range normalised(values) {
		blocks[n].value = value + epsilon*float64(tokens[n])
	}
	return nil
}

// blockValues scores blocks as chunks are scored: by what each alone, before the query, tells about it.
func (j *job) blockValues(ctx context.Context, texts []string) ([]float64, error) {
	e := evidence{texts: len(texts), terms: bm25(j.req.Query, texts)}
	if !j.ranker.needsModel() || len(texts) == 0 {
		return j.ranker.scores(e), ctx.Err()
	}
	query := tail(j.req.Query)
	seqs := make([]Sequence, len(texts))
	for i, text := range texts {
		seqs[i] = Sequence{Given: given(text), Text: query}
	}
	losses, ok, err := j.model(ctx, seqs)
	if err != nil {
		return nil, err
	}
	if !ok {
		j.reason += "; blocks are valued by bm25"
		return bm25Ranker{}.scores(e), nil
	}
	e.alone = j.alone
	for _, l := range losses {
		e.given = append(e.given, l.Text)
	}
	return j.ranker.scores(e), nil
}
