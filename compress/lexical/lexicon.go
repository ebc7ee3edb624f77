package lexical

import "math"

// A Lexicon is what the words of texts say, whatever is asked of them. It does not change and is
// safe for concurrent use.
type Lexicon struct {
	ids map[string]int32 // terms by their numbers, in the order in which they come up
	// roots are the numbers in rootIDs of the terms' roots, vectors their vectors, nil where
	// unknown.
	roots   []int32
	rootIDs map[string]int32
	vectors [][]int8
	texts   []bag
}

// A Bag is a text as its terms, numbered.
type bag struct {
	terms            []int32 // in their order
	distinct, counts []int32
	// meaning and head are the weighed sums of the vectors of the text and of its head, of length
	// 1; nil where no word has one.
	meaning, head []float64
}

// NewLexicon reads texts and their heads; heads may be nil, and so may the Embedding, with which
// nothing has a meaning.
func NewLexicon(e Embedding, texts, heads []string) *Lexicon {
	r := reader{e: e, Lexicon: &Lexicon{ids: map[string]int32{}, rootIDs: map[string]int32{}}}
	for n, text := range texts {
		b := r.read(text)
		b.meaning = r.sum(b)
		if heads != nil {
			b.head = r.sum(r.read(heads[n]))
		}
		r.texts = append(r.texts, b)
	}
	return r.Lexicon
}

// A reader makes a Lexicon.
type reader struct {
	*Lexicon
	e     Embedding
	code  []float64 // weights of the terms in code
	place []int32   // of the terms in the text at hand, plus one
}

func (r *reader) id(term string) int32 {
	id, ok := r.ids[term]
	if ok {
		return id
	}
	id = number(r.ids, term)
	r.roots = append(r.roots, number(r.rootIDs, root(term)))
	var vector []int8
	var weight float32
	if r.e != nil {
		vector, _, weight, _ = r.e.Embed(term)
	}
	r.vectors, r.code, r.place = append(r.vectors, vector), append(r.code, float64(weight)), append(r.place, 0)
	return id
}

// number is the number of a word, the next one if it is new.
func number(ids map[string]int32, word string) int32 {
	id, ok := ids[word]
	if !ok {
		id = int32(len(ids)) //nolint:gosec // a text has fewer than 2^31 terms
		ids[word] = id
	}
	return id
}

func (r *reader) read(text string) bag {
	var b bag
	for _, term := range Terms(text) {
		id := r.id(term)
		b.terms = append(b.terms, id)
		if r.place[id] == 0 {
			b.distinct, b.counts = append(b.distinct, id), append(b.counts, 0)
			r.place[id] = int32(len(b.distinct)) //nolint:gosec // see number
		}
		b.counts[r.place[id]-1]++
	}
	for _, id := range b.distinct {
		r.place[id] = 0
	}
	return b
}

// sum adds up the vectors of a text's words in the order in which they come up: sums in another
// order would differ in the last bits.
func (r *reader) sum(b bag) (sum []float64) {
	for k, id := range b.distinct {
		sum = add(sum, r.vectors[id], r.code[id]*(1+math.Log(float64(b.counts[k]))))
	}
	normalise(sum)
	return sum
}

// A Corpus are lexicons, whose texts follow one another.
type Corpus []*Lexicon

// A hit says how often something stands in a text.
type hit struct{ text, times int32 }

// note adds times to the hits of a text, which is that of the last one or one behind.
func note(list []hit, text, times int32) []hit {
	if n := len(list); n > 0 && list[n-1].text == text {
		list[n-1].times += times
		return list
	}
	return append(list, hit{text, times})
}

// hits lists where the terms asked for stand, or with roots the terms of those roots.
func (c Corpus) hits(asked []string, roots bool) [][]hit {
	list := make([][]hit, len(asked))
	base := int32(0)
	for _, lex := range c {
		places := lex.places(asked, roots)
		for n := range lex.texts {
			b := &lex.texts[n]
			for k, id := range b.distinct {
				if at := places[id]; at > 0 {
					list[at-1] = note(list[at-1], base, b.counts[k])
				}
			}
			base++
		}
	}
	return list
}

// places gives each term its place among those asked for, plus one.
func (l *Lexicon) places(asked []string, roots bool) []int32 {
	if !roots {
		return placesOf(l.ids, asked)
	}
	ofRoots := placesOf(l.rootIDs, asked)
	list := make([]int32, len(l.roots))
	for id, root := range l.roots {
		list[id] = ofRoots[root]
	}
	return list
}

func placesOf(ids map[string]int32, asked []string) []int32 {
	list := make([]int32, len(ids))
	for i, word := range asked {
		if id, ok := ids[word]; ok {
			list[id] = int32(i) + 1 //nolint:gosec // a question has at most maxQueryTerms
		}
	}
	return list
}

// neighbours lists where pairs of neighbouring terms stand.
func (c Corpus) neighbours(pairs [][2]string) [][]hit {
	list := make([][]hit, len(pairs))
	base := int32(0)
	for _, lex := range c {
		at := map[[2]int32]int{}
		first := make([]bool, len(lex.ids))
		for i, pair := range pairs {
			a, known := lex.ids[pair[0]]
			b, both := lex.ids[pair[1]]
			if known && both {
				at[[2]int32{a, b}], first[a] = i, true
			}
		}
		for n := range lex.texts {
			terms := lex.texts[n].terms
			for k := 1; k < len(terms); k++ {
				if !first[terms[k-1]] {
					continue
				}
				if i, ok := at[[2]int32{terms[k-1], terms[k]}]; ok {
					list[i] = note(list[i], base, 1)
				}
			}
			base++
		}
	}
	return list
}
