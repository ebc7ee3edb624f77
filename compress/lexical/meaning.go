package lexical

import "math"

// An Embedding knows words as vectors: words that stand for one another in questions and code lie
// close.
type Embedding interface {
	// Embed returns a word's vector, of length 1 in units of 1/254, and its weights in a question
	// and in code. ok is false for a word that it does not know. The vector must not be changed.
	Embed(word string) (vector []int8, question, code float32, ok bool)
	// ID names the table; it is part of every cache key.
	ID() string
}

// A Meaning compares bags of words with a question through an Embedding.
type Meaning struct {
	query   []float64 // the question's bag, of length 1
	vectors [][]int8  // of the vocabulary's words, nil where unknown
	code    []float64 // weights of the vocabulary's words in code
}

// NewMeaning returns the meaning of a question, whose terms query lists, for the words of v.
func NewMeaning(e Embedding, v *Vocabulary, query []int32) *Meaning {
	m := &Meaning{vectors: make([][]int8, len(v.terms)), code: make([]float64, len(v.terms))}
	asked := make([]float64, len(v.terms))
	for w, term := range v.terms {
		if vector, question, code, ok := e.Embed(term); ok {
			m.vectors[w], asked[w], m.code[w] = vector, float64(question), float64(code)
		}
	}
	for _, q := range query {
		m.query = add(m.query, m.vectors[q], asked[q])
	}
	normalise(m.query)
	return m
}

// Cosines compares the question's bag with those of texts.
func (m *Meaning) Cosines(texts []Bag) []float64 {
	scores := make([]float64, len(texts))
	if m.query == nil {
		return scores
	}
	for i, text := range texts {
		var sum []float64
		for _, w := range text.order() {
			sum = add(sum, m.vectors[w], m.code[w]*(1+math.Log(float64(text.counts[w]))))
		}
		normalise(sum)
		for k, x := range sum {
			scores[i] += x * m.query[k]
		}
	}
	return scores
}

func add(sum []float64, vector []int8, weight float64) []float64 {
	if sum == nil && vector != nil {
		sum = make([]float64, len(vector))
	}
	for k, x := range vector {
		sum[k] += weight * float64(x)
	}
	return sum
}

func normalise(v []float64) {
	sum := 0.0
	for _, x := range v {
		sum += x * x
	}
	if sum == 0 {
		return
	}
	length := math.Sqrt(sum)
	for k := range v {
		v[k] /= length
	}
}
