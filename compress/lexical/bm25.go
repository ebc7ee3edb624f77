package lexical

import (
	"maps"
	"math"
	"slices"
)

// BM25 with the usual constants (Robertson and Zaragoza, 2009): bm25K bounds what repeats of a term
// add, bm25B is how much longer texts are discounted.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// A Bag is a text as its terms, numbered, with their counts.
type Bag struct {
	counts map[int32]int32
	length int
	// pairs counts the neighbours in the text that are neighbours in the question as well.
	pairs map[[2]int32]int32
}

// A Vocabulary numbers the terms of a request in the order in which they come up.
type Vocabulary struct {
	ids   map[string]int32
	terms []string
	// roots are the numbers of the terms' roots, pairs the neighbours in the question.
	roots []int32
	pairs map[[2]int32]bool
}

// NewVocabulary returns an empty Vocabulary.
func NewVocabulary() *Vocabulary {
	return &Vocabulary{ids: map[string]int32{}, pairs: map[[2]int32]bool{}}
}

func (v *Vocabulary) id(term string) int32 {
	id, ok := v.ids[term]
	if !ok {
		id = int32(len(v.terms)) //nolint:gosec // a text has fewer than 2^31 terms
		v.ids[term] = id
		v.terms = append(v.terms, term)
	}
	return id
}

// Bag counts the terms of a text.
func (v *Vocabulary) Bag(text string) Bag {
	b := Bag{counts: map[int32]int32{}, pairs: map[[2]int32]int32{}}
	last := int32(-1)
	for _, term := range Terms(text) {
		id := v.id(term)
		b.counts[id]++
		b.length++
		if pair := [2]int32{last, id}; v.pairs[pair] {
			b.pairs[pair]++
		}
		last = id
	}
	return b
}

// NotePairs notes which terms are neighbours in the question.
func (v *Vocabulary) NotePairs(query string) {
	for _, pair := range v.Pairs(query) {
		v.pairs[pair] = true
	}
}

// Pairs lists the neighbours in a question in their order, each once.
func (v *Vocabulary) Pairs(query string) [][2]int32 {
	var list [][2]int32
	seen := map[[2]int32]bool{}
	last := int32(-1)
	for n, term := range Terms(query) {
		id := v.id(term)
		if pair := [2]int32{last, id}; n > 0 && n < maxQueryTerms && !seen[pair] {
			seen[pair] = true
			list = append(list, pair)
		}
		last = id
	}
	return list
}

// DistinctRoots lists the roots of terms, each once.
func (v *Vocabulary) DistinctRoots(ids []int32) []int32 {
	var list []int32
	for _, id := range ids {
		if root := v.root(id); !slices.Contains(list, root) {
			list = append(list, root)
		}
	}
	return list
}

// Rooted is a bag of the roots of a bag's terms.
func (v *Vocabulary) Rooted(b Bag) Bag {
	r := Bag{counts: make(map[int32]int32, len(b.counts)), length: b.length}
	for id, n := range b.counts {
		r.counts[v.root(id)] += n
	}
	return r
}

// root is the number of a term's root, which is a term itself.
func (v *Vocabulary) root(id int32) int32 {
	for len(v.roots) < len(v.terms) {
		v.roots = append(v.roots, -1)
	}
	if v.roots[id] < 0 {
		root := v.id(root(v.terms[id]))
		v.roots[id] = root
	}
	return v.roots[id]
}

// Distinct numbers the distinct terms of a question in their order, maxQueryTerms at most.
func (v *Vocabulary) Distinct(query string) []int32 {
	var list []int32
	seen := map[int32]bool{}
	for _, term := range Terms(query) {
		if id := v.id(term); !seen[id] && len(list) < maxQueryTerms {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// BM25 scores texts for the terms of a query.
func BM25(query []int32, texts []Bag) []float64 {
	return rare(texts, query, func(b Bag, id int32) int32 { return b.counts[id] }, once[int32])
}

// BM25Pairs scores texts for the neighbours of a question, in the order of pairs.
func BM25Pairs(pairs [][2]int32, texts []Bag) []float64 {
	return rare(texts, pairs, func(b Bag, pair [2]int32) int32 { return b.pairs[pair] }, once[[2]int32])
}

func once[T any](T) float64 { return 1 }

// rare is BM25 of texts for what is asked for with its weight, in that order: another would change
// the last bits of the sum.
func rare[T any](texts []Bag, asked []T, count func(Bag, T) int32, weight func(T) float64) []float64 {
	average := 0.0
	for _, text := range texts {
		average += float64(text.length) / float64(len(texts))
	}
	scores := make([]float64, len(texts))
	for _, what := range asked {
		holders := 0.0
		for _, text := range texts {
			if count(text, what) > 0 {
				holders++
			}
		}
		if holders == 0 {
			continue
		}
		idf := weight(what) * math.Log(1+(float64(len(texts))-holders+0.5)/(holders+0.5))
		for i, text := range texts {
			if tf := float64(count(text, what)); tf > 0 {
				norm := bm25K * (1 - bm25B + bm25B*float64(text.length)/max(average, 1))
				scores[i] += idf * tf * (bm25K + 1) / (tf + norm)
			}
		}
	}
	return scores
}

// BM25Texts scores texts for a query.
func BM25Texts(query string, texts []string) []float64 {
	terms := NewVocabulary()
	asked := terms.Distinct(query)
	bags := make([]Bag, len(texts))
	for i, text := range texts {
		bags[i] = terms.Bag(text)
	}
	return BM25(asked, bags)
}

// order lists the terms of a bag by their numbers: sums in another order would differ in the last
// bits.
func (b Bag) order() []int32 { return slices.Sorted(maps.Keys(b.counts)) }
