package compress

import (
	"context"
	"time"
)

// epsilon is the value of a token that the ranker gives no value: room that nothing relevant wants
// is still used.
const epsilon = 1e-6

// A leaf is a block without blocks inside, to be valued.
type leaf struct {
	*node
	chunk  int
	text   string
	tokens int
	// read says that the class leaves it to the model.
	read bool
}

// largePart is the share of the budget, one in so many, from which a chunk is large: only then is
// it cut inside.
const largePart = 3

// maxLarge bounds the large chunks that are cut inside: those that rank first.
const maxLarge = 8

// pruneLarge cuts the large chunks that rank first into blocks, values the blocks, and offers forms
// of them that hold a part of the budget each. All else stays whole, with its signature, or not at
// all.
func (j *job) pruneLarge(ctx context.Context) error {
	defer j.time("blocks", time.Now())
	var large []int
	for _, i := range j.byRank() {
		c := &j.chunks[i]
		if c.src.level == cutBlocks && len(c.units) > 0 && c.src.cost(c.start, c.end)*largePart > j.budget &&
			len(large) < maxLarge {
			large = append(large, i)
		}
	}
	inside, room := j.insides(large)
	if err := j.readLines(ctx, inside); err != nil {
		return err
	}
	var list []leaf
	for _, i := range large {
		c := &j.chunks[i]
		c.blocks = segmenter{src: c.src, opens: c.opens()}.blocks(c.units)
		leaves(c.blocks, func(b *node) {
			list = append(list, leaf{
				node: b, chunk: i, text: c.src.text(b.start, b.end), tokens: c.src.cost(b.start, b.end),
				read: inside[i],
			})
		})
	}
	values, err := j.values(ctx, list, room)
	if err != nil {
		return err
	}
	for n, value := range normalised(values) {
		list[n].value = value + epsilon*float64(list[n].tokens)
	}
	j.large = large
	j.offerPruned()
	return nil
}

// offerPruned makes the pruned forms of the large chunks, from the blocks that they have now.
func (j *job) offerPruned() {
	for _, i := range j.large {
		c := &j.chunks[i]
		c.pruned = nil
		for _, part := range []int{2, 3, 4, 5, 6} { // sixths of the budget, less what frames and files take
			share := j.budget*part/6 - c.src.marker
			if p, ok := c.prune(share); ok && p.share > 0 {
				c.pruned = append(c.pruned, p)
			}
		}
	}
}

// insides picks those of the chunks that the model reads line by line and block by block: the best
// that the class allows. room is what the class leaves for more.
func (j *job) insides(large []int) (picked map[int]bool, room int) {
	picked = map[int]bool{}
	if !j.ranker.reads() || j.short {
		return picked, 0
	}
	room = j.class.inside
	for _, i := range large {
		if c := &j.chunks[i]; c.whole <= room {
			room -= c.whole
			picked[i] = true
		}
	}
	return picked, room
}

// cascadeLeaves leaves to the model those of the other leaves that words rank first, as far as room
// pays: of a function that is too large to be read whole, what the question is most likely about.
func cascadeLeaves(list []leaf, terms []float64, room, question int) {
	for _, n := range byScore(terms) {
		l := &list[n]
		if cost := min(l.tokens, windowTokens) + question; !l.read && cost <= room {
			room -= cost
			l.read = true
		}
	}
}

// A lineRead is a passage of a chunk and how the model is asked for the losses of its lines.
type lineRead struct {
	chunk *chunk
	text  string
	seq   Sequence
}

// lineReads says how the model reads the lines of c: in windows, so that a long function costs as
// much a line as a short one. The first window of a chunk that it read for ranking is asked for
// with the same words: a model that keeps states then knows all but the losses.
func (c *chunk) lineReads() []lineRead {
	var list []lineRead
	for _, p := range passages(c.src, c.start, c.end) {
		r := lineRead{chunk: c, text: head(c.src.text(p.from, p.to))}
		if p.from == c.start && c.read {
			r.seq = Sequence{Given: given(r.text), WantGiven: true}
		} else {
			r.seq = Sequence{Given: c.src.text(p.lead, p.from), Text: r.text}
		}
		list = append(list, r)
	}
	return list
}

// readLines has the model read the lines of chunks.
func (j *job) readLines(ctx context.Context, inside map[int]bool) error {
	var reads []lineRead
	for i := range j.chunks {
		if inside[i] {
			reads = append(reads, j.chunks[i].lineReads()...)
		}
	}
	seqs := make([]Sequence, len(reads))
	for k, r := range reads {
		seqs[k] = r.seq
	}
	losses, err := j.read(ctx, seqs)
	if err != nil {
		return err
	}
	for k, l := range losses {
		r := reads[k]
		own := l.Text
		if r.seq.WantGiven {
			own = l.Given
		}
		r.chunk.surprise = append(r.chunk.surprise, lineScores(r.text, own, 0)...)
	}
	return nil
}

// values scores blocks as chunks are scored: by what each alone, before the query, tells about it.
// Beside those that are to be read the model reads others for room tokens.
func (j *job) values(ctx context.Context, list []leaf, room int) ([]float64, error) {
	query := tail(j.req.Query)
	texts := make([]string, len(list))
	for n, l := range list {
		texts[n] = l.text
	}
	e := evidence{
		rows: j.blockRows(texts), read: make([]bool, len(list)),
		given: make([][]Loss, len(list)), alone: j.alone,
	}
	cascadeLeaves(list, wordsRanker{}.scores(e), room, j.count(query))
	var seqs []Sequence
	var read []int
	chunks := map[int]bool{}
	for n, l := range list {
		if l.read {
			read = append(read, n)
			seqs = append(seqs, Sequence{Given: given(head(l.text)), Text: query})
			chunks[l.chunk] = true
		}
	}
	j.reading.Inside = len(chunks)
	losses, err := j.read(ctx, seqs)
	if err != nil {
		return nil, err
	}
	for k, l := range losses {
		e.given[read[k]], e.read[read[k]] = l.Text, true
	}
	if len(losses) == 0 && j.ranker.reads() {
		return bm25Ranker{}.scores(e), nil
	}
	return j.ranker.scores(e), nil
}
