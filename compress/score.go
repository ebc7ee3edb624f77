package compress

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pith/parsers"
)

// scoredQuery is how much of the query the model reads, in bytes, from its end: there stands what
// is to be done. It is read once per chunk and once per block, so a long query would cost more than
// the code.
const scoredQuery = 1024

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

// rankChunks scores all chunks: by words, and by the model where the class wants it.
func (j *job) rankChunks(ctx context.Context) error {
	defer j.time("rank", time.Now())
	ranked := j.ranked()
	e := evidence{rows: j.rows(ranked)}
	order := byScore(wordsRanker{}.scores(e))
	if j.ranker.reads() {
		if err := j.readChunks(ctx, &e, ranked, order); err != nil {
			return err
		}
	}
	scores := j.ranker.scores(e)
	// Of equal scores, such as those of chunks that the model did not read, the better words go
	// first.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	for rank, n := range order {
		c := &j.chunks[ranked[n]]
		c.score, c.rank, c.signals = scores[n], rank+1, e.rows[n]
	}
	for n, p := range j.ranker.probabilities(scores) {
		j.chunks[ranked[n]].probability = p
	}
	return nil
}

// readChunks has the model read those of the chunks ranked that the class leaves to it, in the
// order of their words, so that a deadline loses the least promising ones.
func (j *job) readChunks(ctx context.Context, e *evidence, ranked, order []int) error {
	query := tail(j.req.Query)
	e.read = cascade(order, j.costs(ranked, query), j.class.chunks)
	seqs := []Sequence{{Text: query}}
	var read []int
	for _, n := range order {
		if !e.read[n] {
			continue
		}
		c := &j.chunks[ranked[n]]
		seqs = append(seqs, Sequence{Given: given(head(c.text())), Text: query})
		read = append(read, n)
	}
	losses, err := j.read(ctx, seqs)
	if err != nil {
		return err
	}
	j.reading.Settled = len(order) - len(read)
	j.reading.Ranked = max(len(losses)-1, 0)
	j.reading.Late = len(read) - j.reading.Ranked
	if j.reading.Ranked == 0 && j.short {
		j.use(rankWords)
		return nil
	}
	j.alone, e.alone = losses[0].Text, losses[0].Text
	e.given = make([][]Loss, len(ranked))
	for k, n := range read {
		if k >= j.reading.Ranked {
			e.read[n] = false
			continue
		}
		e.given[n], j.chunks[ranked[n]].read = losses[1+k].Text, true
	}
	return nil
}

// costs is about what reading each of the chunks ranked takes, in tokens of the upstream's
// tokenizer.
func (j *job) costs(ranked []int, query string) []int {
	question := j.count(query)
	list := make([]int, len(ranked))
	for n, i := range ranked {
		list[n] = min(j.chunks[i].whole, windowTokens) + question
	}
	return list
}

// header returns the chunk's name and signature.
func (c *chunk) header() string {
	return c.syntax.Name + "\n" + c.src.text(c.syntax.SignatureStart, c.syntax.SignatureEnd)
}

// ranked lists the chunks that are ranked: all but those that only close another.
func (j *job) ranked() []int {
	var list []int
	for i := range j.chunks {
		if !j.chunks[i].isCloser() && j.chunks[i].syntax.Kind != parsers.KindHead {
			list = append(list, i)
		}
	}
	return list
}

// byRank lists the ranked chunks, the best first.
func (j *job) byRank() []int {
	list := j.ranked()
	slices.SortFunc(list, func(a, b int) int { return cmp.Compare(j.chunks[a].rank, j.chunks[b].rank) })
	return list
}
