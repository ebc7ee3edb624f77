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

// readLines has the model read the lines of chunks, in windows, so that a long function costs as much a line as a short one.
func (j *job) readLines(ctx context.Context, inside map[int]bool) error {
	var owners []*chunk
	var seqs []Sequence
	for i := range j.chunks {
		if !inside[i] {
			continue
		}
		c := &j.chunks[i]
		for _, p := range passages(c.src, c.start, c.end) {
			owners = append(owners, c)
			seqs = append(seqs, Sequence{Given: c.src.text(p.lead, p.from), Text: head(c.src.text(p.from, p.to))})
		}
	}
	losses, err := j.read(ctx, seqs)
	if err != nil {
		return err
	}
	for k, l := range losses {
		owners[k].surprise = append(owners[k].surprise, lineScores(seqs[k].Text, l.Text, 0)...)
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
