package lexical

import (
	"math"
	"slices"
)

// BM25 with the usual constants (Robertson and Zaragoza, 2009): bm25K bounds what repeats of a term
// add, bm25B is how much longer texts are discounted.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// Distinct lists the distinct terms of a question in their order, maxQueryTerms at most.
func Distinct(query string) []string {
	var list []string
	seen := map[string]bool{}
	for _, term := range Terms(query) {
		if !seen[term] && len(list) < maxQueryTerms {
			seen[term] = true
			list = append(list, term)
		}
	}
	return list
}

// Roots lists the roots of terms, each once.
func Roots(terms []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, term := range terms {
		if r := root(term); !seen[r] {
			seen[r] = true
			list = append(list, r)
		}
	}
	return list
}

// Pairs lists the neighbours in a question in their order, each once.
func Pairs(query string) [][2]string {
	terms := Terms(query)
	var list [][2]string
	seen := map[[2]string]bool{}
	for n := 1; n < min(len(terms), maxQueryTerms); n++ {
		if pair := [2]string{terms[n-1], terms[n]}; !seen[pair] {
			seen[pair] = true
			list = append(list, pair)
		}
	}
	return list
}

// BM25 scores the texts for terms.
func (c Corpus) BM25(terms []string) []float64 { return c.rare(c.hits(terms, false), once) }

// BM25Roots scores the texts for roots.
func (c Corpus) BM25Roots(roots []string) []float64 { return c.rare(c.hits(roots, true), once) }

// BM25Pairs scores the texts for neighbours.
func (c Corpus) BM25Pairs(pairs [][2]string) []float64 { return c.rare(c.neighbours(pairs), once) }

// BM25Hints scores the texts for hints.
func (c Corpus) BM25Hints(hints []Hint) []float64 {
	roots := make([]string, len(hints))
	for i, h := range hints {
		roots[i] = h.Root
	}
	return c.rare(c.hits(roots, true), func(asked int) float64 { return hints[asked].Strength })
}

func once(int) float64 { return 1 }

// lengths are those of the texts, in terms.
func (c Corpus) lengths() []float64 {
	var list []float64
	for _, lex := range c {
		list = slices.Grow(list, len(lex.texts))
		for n := range lex.texts {
			list = append(list, float64(len(lex.texts[n].terms)))
		}
	}
	return list
}

// rare is BM25 of the texts for what is asked for with its weight, in that order: another would
// change the last bits of the sum.
func (c Corpus) rare(hits [][]hit, weight func(asked int) float64) []float64 {
	lengths := c.lengths()
	texts, average := float64(len(lengths)), 0.0
	for _, length := range lengths {
		average += length / texts
	}
	scores := make([]float64, len(lengths))
	for asked, list := range hits {
		if len(list) == 0 {
			continue
		}
		holders := float64(len(list))
		idf := weight(asked) * math.Log(1+(texts-holders+0.5)/(holders+0.5))
		for _, h := range list {
			tf := float64(h.times)
			norm := bm25K * (1 - bm25B + bm25B*lengths[h.text]/max(average, 1))
			scores[h.text] += idf * tf * (bm25K + 1) / (tf + norm)
		}
	}
	return scores
}

// BM25Texts scores texts for a query.
func BM25Texts(query string, texts []string) []float64 {
	return Corpus{NewLexicon(nil, texts, nil)}.BM25(Distinct(query))
}
