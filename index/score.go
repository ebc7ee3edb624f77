package index

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"pith/compress/lexical"
)

// BM25's constants.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// scores are those of the files that have words of the question, by the best of their chunks, what
// their paths say, and the names that the question names.
func (x *Index) scores(question string, within func(string) bool) map[string]float64 {
	asked := lexical.Terms(question)
	slices.Sort(asked)
	asked = slices.Compact(asked)
	chunks, words := 0, 0
	holders := make([]int, len(asked))
	for _, f := range x.files {
		chunks += len(f.Lengths)
		for _, n := range f.Lengths {
			words += int(n)
		}
		for i, term := range asked {
			holders[i] += len(f.Terms[term])
		}
	}
	average := float64(words) / float64(max(chunks, 1))
	best := map[string]float64{}
	for name, f := range x.files {
		if f.NoSource || !within(name) {
			continue
		}
		byChunk := map[int32]float64{}
		inPath := lexical.Terms(name)
		bonus := 0.0
		for i, term := range asked {
			idf := math.Log(1 + (float64(chunks-holders[i])+.5)/(float64(holders[i])+.5))
			for _, h := range f.Terms[term] {
				tf := float64(h.Times)
				norm := 1 - bm25B + bm25B*float64(f.Lengths[h.Chunk])/max(average, 1)
				byChunk[h.Chunk] += idf * tf * (bm25K + 1) / (tf + bm25K*norm)
			}
			if slices.Contains(inPath, term) {
				bonus += idf / 2
			}
		}
		first, second := 0.0, 0.0
		for _, s := range byChunk {
			if s > first {
				first, second = s, first
			} else {
				second = max(second, s)
			}
		}
		if s := first + second/4 + bonus; s > 0 {
			best[name] = s
		}
	}
	for id := range lexical.Identifiers(question) {
		for _, name := range x.defines[id] {
			if within(name) {
				best[name] += 10 / float64(len(x.defines[id]))
			}
		}
	}
	return best
}

// addNeighbours lets the files that define what the best chunks use profit from them.
func (x *Index) addNeighbours(scores map[string]float64, question string, within func(string) bool) {
	asked := map[string]bool{}
	for _, term := range lexical.Terms(question) {
		asked[term] = true
	}
	order := slices.SortedFunc(maps.Keys(scores), func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
	})
	gains := map[string]float64{}
	for _, name := range order[:min(len(order), 4)] {
		f := x.files[name]
		counts := map[int32]int32{}
		for term := range asked {
			for _, h := range f.Terms[term] {
				counts[h.Chunk]++
			}
		}
		for chunk, n := range counts {
			if int(n)*2 < len(asked) {
				continue
			}
			names := f.Parsed.Chunks[chunk].Names
			for _, used := range slices.Concat(names.Calls, names.Types) {
				if list := x.defines[used]; len(list) <= 3 {
					for _, other := range list {
						if other != name && within(other) {
							gains[other] = max(gains[other], scores[name]/4/float64(len(list)))
						}
					}
				}
			}
		}
	}
	for name, gain := range gains {
		scores[name] += gain
	}
}
