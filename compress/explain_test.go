package compress

import (
	"math"
	"testing"
)

// The parts of a score are all of it, whatever ranks.
func TestPartsMakeTheScore(t *testing.T) {
	e := engine(t, func(o *Options) { o.Scorer = &hashModel{} })
	for _, name := range []string{rankWords, rankBM25, rankAMI, rankHybrid} {
		plain := compress(t, e, ask(func(r *Request) { r.Ranker = name }))
		res := compress(t, e, ask(func(r *Request) { r.Ranker, r.Explain = name, true }))
		if res.Text != plain.Text {
			t.Errorf("%s: an explained result has another text", name)
		}
		explained := 0
		for i, c := range res.Chunks {
			if len(plain.Chunks[i].Parts) > 0 {
				t.Fatalf("%s: parts that nobody asked for", name)
			}
			if c.Rank == 0 {
				continue
			}
			sum := 0.0
			for _, part := range c.Parts {
				sum += part
			}
			if math.Abs(sum-c.Score) > 1e-9 {
				t.Errorf("%s: the parts of %s come to %v, its score is %v: %v", name, c.Name, sum, c.Score, c.Parts)
			}
			explained++
		}
		if explained < 3 {
			t.Errorf("%s: %d chunks are explained", name, explained)
		}
	}
}
