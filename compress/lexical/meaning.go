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

// A Meaning is a question's bag of words through an Embedding, of length 1; nil where no word is
// known.
type Meaning []float64

// NewMeaning returns the meaning of a question of these terms.
func NewMeaning(e Embedding, terms []string) (m Meaning) {
	for _, term := range terms {
		vector, weight, _, _ := e.Embed(term)
		m = add(m, vector, float64(weight))
	}
	normalise(m)
	return m
}

// Cosines compares the question's bag with those of the texts, or of their heads.
func (m Meaning) Cosines(c Corpus, heads bool) []float64 {
	var scores []float64
	for _, lex := range c {
		for n := range lex.texts {
			vector := lex.texts[n].meaning
			if heads {
				vector = lex.texts[n].head
			}
			score := 0.0
			if m != nil {
				for k, x := range vector {
					score += x * m[k]
				}
			}
			scores = append(scores, score)
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
