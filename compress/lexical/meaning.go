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

// fullScale is 1 in the coordinates of an Embedding.
const fullScale = 254

// A Meaning compares bags of words with a question through an Embedding.
type Meaning struct {
	query   []float64   // the question's bag, of length 1
	weights []float64   // of the question's terms
	near    [][]float64 // near[q][w] is the cosine of the question's term q and the vocabulary's word w
	vectors [][]int8    // of the vocabulary's words, nil where unknown
	code    []float64   // weights of the vocabulary's words in code
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
	total := 0.0
	for _, q := range query {
		weight := asked[q]
		if m.vectors[q] == nil {
			weight = unknownWeight
		}
		m.weights = append(m.weights, weight)
		total += weight
		m.query = add(m.query, m.vectors[q], weight)
	}
	normalise(m.query)
	for q := range m.weights {
		m.weights[q] *= math.Sqrt(total+0.01) / (total + 1)
	}
	for _, q := range query {
		m.near = append(m.near, m.cosinesOf(q))
	}
	return m
}

// cosinesOf compares one word with all others: 1 with itself, -1 where one of the two is unknown.
func (m *Meaning) cosinesOf(q int32) []float64 {
	list := make([]float64, len(m.vectors))
	for w, vector := range m.vectors {
		switch {
		case int32(w) == q: //nolint:gosec // see vocabulary.id
			list[w] = 1
		case vector == nil || m.vectors[q] == nil:
			list[w] = -1
		default:
			list[w] = float64(dot(m.vectors[q], vector)) / (fullScale * fullScale)
		}
	}
	return list
}

// dot is exact in integers, so it is the same on every machine.
func dot(a, b []int8) int32 {
	sum := int32(0)
	b = b[:len(a)]
	for i, x := range a {
		sum += int32(x) * int32(b[i])
	}
	return sum
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

// Matches lets each word of the question find the text's nearest word and sums up how near they
// are.
func (m *Meaning) Matches(texts []Bag) []float64 {
	scores := make([]float64, len(texts))
	for i, text := range texts {
		for q, near := range m.near {
			nearest := -1.0
			for w := range text.counts {
				nearest = max(nearest, near[w])
			}
			scores[i] += m.weights[q] * nearness(nearest)
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

// The reference points of nearness, and what each step up from one to the next is worth.
var (
	nearnessFrom  = [...]float64{0, 0.25, 0.4, 0.55, 0.7, 0.85}
	nearnessSlope = [...]float64{0.38, 1.04, 0.44, 0.09, 0.08, 2.25}
)

// unknownWeight is what a word weighs in a question that the Embedding does not know: it is rare.
const unknownWeight = 4

// nearness is what a match of a cosine is worth.
func nearness(cosine float64) float64 {
	sum := 0.0
	for i, from := range nearnessFrom {
		sum += nearnessSlope[i] * max(0, cosine-from)
	}
	return sum
}
