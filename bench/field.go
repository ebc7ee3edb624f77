package bench

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"pith/parsers"
)

// Contenders are the ways to shorten that need no model and no installation, each with the tokens
// that the setting ours used: plain BM25 over whole functions, the beginning and the end, and the
// headers of all functions.
func (r Cases) Contenders(ours string) []Setting {
	contender := func(name string, choose func(*sketch, string, int) []int) Setting {
		return Setting{Name: name, TokensOf: ours, Compressor: baseline{r.Splitter, r.Counters, choose}}
	}
	return []Setting{
		contender("bm25, whole functions", wholeByWords), contender("head and tail", headAndTail),
		contender("signatures", signatures),
	}
}

// headAndTail keeps the first and the last lines, half of the budget each, of all files as one
// text.
func headAndTail(s *sketch, query string, budget int) []int {
	order := headTruncation(s, query, budget/2)
	left := budget / 2
	for f, lines := range slices.Backward(s.lines) {
		for i := range slices.Backward(lines) {
			left -= s.tokens[f][i]
			if left < 0 {
				return order
			}
			s.keep[f][i] = true
		}
	}
	return order
}

// signatures keeps the headers of functions, classes and types as far as they fit.
func signatures(s *sketch, _ string, budget int) []int {
	order := make([]int, len(s.chunks))
	for i, at := range s.chunks {
		order[i] = i
		from, to := at.chunk.SignatureStart, at.chunk.SignatureEnd
		if at.chunk.Kind == parsers.KindType || at.chunk.Kind == parsers.KindClass && from == to {
			from, to = at.chunk.StartLine, at.chunk.EndLine
		}
		need := 0
		for line := from; line < to; line++ {
			need += s.tokens[at.file][line]
		}
		if need > budget {
			continue
		}
		budget -= need
		for line := from; line < to; line++ {
			s.keep[at.file][line] = true
		}
	}
	return order
}

// Parameters of BM25 as its authors give them.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// wholeByWords keeps the chunks that plain BM25 ranks first, whole, passing over those that do not
// fit.
func wholeByWords(s *sketch, query string, budget int) []int {
	frequency := make(map[string]int)
	counts := make([]map[string]int, len(s.chunks))
	sizes, total := make([]float64, len(s.chunks)), 0.0
	for i, at := range s.chunks {
		counts[i] = make(map[string]int)
		for _, w := range splitWords(strings.Join(s.lines[at.file][at.chunk.StartLine:at.chunk.EndLine], "")) {
			counts[i][w]++
			sizes[i]++
		}
		for w := range counts[i] {
			frequency[w]++
		}
		total += sizes[i]
	}
	n := float64(len(s.chunks))
	score := make([]float64, len(s.chunks))
	for _, w := range splitWords(query) {
		idf := math.Log(1 + (n-float64(frequency[w])+0.5)/(float64(frequency[w])+0.5))
		for i := range s.chunks {
			if tf := float64(counts[i][w]); tf > 0 {
				score[i] += idf * tf * (bm25K + 1) / (tf + bm25K*(1-bm25B+bm25B*sizes[i]*n/total))
			}
		}
	}
	order := make([]int, len(s.chunks))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case score[a] > score[b]:
			return -1
		case score[a] < score[b]:
			return 1
		}
		return 0
	})
	s.take(order, budget)
	return order
}

var wordParts = regexp.MustCompile(`[A-Z]+(?:[a-z]+|\b|_)|[A-Z]?[a-z]+|[A-Z]+|\d+`)

// splitWords lists the words of a text in small letters, identifiers taken apart.
func splitWords(text string) []string {
	words := wordParts.FindAllString(text, -1)
	for i, w := range words {
		words[i] = strings.ToLower(strings.Trim(w, "_"))
	}
	return words
}
