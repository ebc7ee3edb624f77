package compress

import (
	"context"
	"time"
)

// epsilon is the value of a token that the ranker gives no value: room that nothing relevant wants is still used.
const epsilon = 1e-6

// A leaf is a block without blocks inside, to be valued.
type leaf struct {
	*node
	text   string
	tokens int
	// read says that the class leaves it to the model.
	read bool
}

// rankBlocks cuts the chosen chunks that their share of the budget does not hold into blocks, and values the blocks. The
// model is asked this late because the lines and blocks of a chunk that stays whole, or goes, do not matter.
func (j *job) rankBlocks(ctx context.Context, sel *selection) error {
	defer j.time("blocks", time.Now())
	picks := j.picks(sel)
	var cut []int
	for n, share := range j.shares(sel, picks, j.budget) {
		if c := &j.chunks[picks[n]]; j.prunable(c) && int(share) < c.whole {
			cut = append(cut, picks[n])
		}
	}
	inside := j.inside(cut)
	if err := j.readLines(ctx, inside); err != nil {
		return err
	}
	var list []leaf
	for _, i := range cut {
		c := &j.chunks[i]
		c.blocks = segmenter{src: c.src, opens: c.opens()}.blocks(c.units)
		if len(c.blocks) == 1 && len(c.blocks[0].kids) == 0 {
			c.blocks = nil // one block is no choice: without it only a frame would stay
			continue
		}
		leaves(c.blocks, func(b *node) {
			list = append(list, leaf{node: b, text: c.src.text(b.start, b.end), tokens: c.src.cost(b.start, b.end), read: inside[i]})
		})
	}
	values, err := j.values(ctx, list)
	if err != nil {
		return err
	}
	for n, value := range normalised(values) {
		list[n].value = value + epsilon*float64(list[n].tokens)
	}
	return nil
}

// inside picks those of the chunks cut that the model reads line by line and block by block: the best that the class allows.
func (j *job) inside(cut []int) map[int]bool {
	picked := map[int]bool{}
	if j.ranker.reads() == readsNothing || j.short {
		return picked
	}
	room := j.class.inside
	for _, i := range cut {
		if c := &j.chunks[i]; c.whole <= room {
			room -= c.whole
			picked[i] = true
		}
	}
	j.reading.Inside = len(picked)
	return picked
}

// A lineRead is a passage of a chunk and how the model is asked for the losses of its lines.
type lineRead struct {
	chunk *chunk
	text  string
	seq   Sequence
}

// lineReads says how the model reads the lines of c: in windows, so that a long function costs as much a line as a short one. The
// first window of a chunk that it read for ranking is asked for with the same words: a model that keeps states then knows all but
// the losses.
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
func (j *job) values(ctx context.Context, list []leaf) ([]float64, error) {
	e := evidence{texts: len(list), standings: make([]standing, len(list)), given: make([][]Loss, len(list)), alone: j.alone}
	texts := make([]string, len(list))
	query := tail(j.req.Query)
	var seqs []Sequence
	var read []int
	for n, l := range list {
		texts[n] = l.text
		e.standings[n] = unheard
		if l.read {
			read = append(read, n)
			seqs = append(seqs, Sequence{Given: given(head(l.text)), Text: query})
		}
	}
	e.terms = bm25(j.req.Query, texts)
	losses, err := j.read(ctx, seqs)
	if err != nil {
		return nil, err
	}
	for k, l := range losses {
		e.given[read[k]], e.standings[read[k]] = l.Text, heard
	}
	if len(losses) == 0 && j.ranker.reads() > readsNothing {
		return bm25Ranker{}.scores(e), nil
	}
	return j.ranker.scores(e), nil
}
