package compress

import (
	"math"
	"slices"

	"pith/compress/lexical"
	"pith/parsers"
)

// The signals: what is known of a chunk with regard to a question, by name and in the order of a
// row. Each is computed for all chunks of a request; where one cannot be had it is 0 for all.
const (
	signalWords    = iota // BM25 of path, name and text
	signalRoots           // BM25 of the words' roots (retries, retried, retrying)
	signalHints           // BM25 of terms that the question's everyday words stand for
	signalPairs           // BM25 of words that are neighbours in the question
	signalPath            // BM25 of the path among the request's files
	signalHeadVec         // cosine of the question's and the header's bags of embedded words
	signalBodyVec         // the same with the whole text
	signalFileMax         // the file's best
	signalCalled          // the best of what uses the chunk
	signalNamed           // the question names what the chunk defines
	signalPlace           // the question names the chunk's lines (a stack trace, file:line)
	signalBranches        // few of the words with which it decides
	signalInvokes         // few of its calls
	signalSize            // logarithm of its lines
	signalShort           // 1 for a few lines
	signalFunction        // 1 for a function
	signalModel           // nats by which the chunk makes the question likelier
	signals
)

// signalNames are the names of the signals in reports and in the table of weights.
var signalNames = [signals]string{
	"words", "roots", "hints", "pairs", "path", "head_vector", "body_vector",
	"file_best", "called", "named", "place", "branches", "invokes", "size", "short", "function", "model",
}

// A row holds the signals of one chunk.
type row [signals]float64

// corpus is what the words of the ranked chunks say, in their order, and the shapes of these.
func (j *job) corpus(ranked []int) (words lexical.Corpus, shapes [][2]int) {
	for from := 0; from < len(ranked); {
		src := j.chunks[ranked[from]].src
		var own []*chunk
		for _, i := range ranked[from:] {
			if j.chunks[i].src != src {
				break
			}
			own = append(own, &j.chunks[i])
		}
		words = append(words, src.known.lexicon(j.opt.Embedding, own))
		shapes = append(shapes, src.known.shapes...)
		from += len(own)
	}
	return words, shapes
}

// A rowSetter fills rows signal by signal.
type rowSetter []row

func (r rowSetter) set(signal int, values []float64) {
	for n, v := range values {
		r[n][signal] = v
	}
}

// setWords sets what the words of texts say, and returns the question's terms.
func (j *job) setWords(r rowSetter, texts lexical.Corpus) (query []string) {
	query = lexical.Distinct(j.req.Query)
	r.set(signalWords, texts.BM25(query))
	r.set(signalRoots, texts.BM25Roots(lexical.Roots(query)))
	r.set(signalHints, texts.BM25Hints(lexical.Hints(j.req.Query)))
	if j.opt.Embedding != nil {
		m := lexical.NewMeaning(j.opt.Embedding, query)
		r.set(signalHeadVec, m.Cosines(texts, true))
		r.set(signalBodyVec, m.Cosines(texts, false))
	}
	return query
}

// rows computes all signals but the model's.
func (j *job) rows(ranked []int) []row {
	words, shapes := j.corpus(ranked)
	rows := make([]row, len(ranked))
	set := rowSetter(rows).set
	query := j.setWords(rows, words)
	set(signalPairs, words.BM25Pairs(lexical.Pairs(j.req.Query)))
	set(signalPath, j.pathScores(query, ranked))
	standardise(rows)
	own := standardised(fitted.Seed.scores(rows), nil)
	set(signalFileMax, j.fileScores(ranked, own))
	set(signalCalled, j.callers(ranked, own))
	set(signalNamed, j.named(ranked))
	set(signalPlace, j.places(ranked))
	for n, i := range ranked {
		c := &j.chunks[i]
		rows[n][signalBranches], rows[n][signalInvokes] = few(shapes[n][0]), few(shapes[n][1])
		rows[n][signalSize] = few(c.end - c.start)
		if c.end-c.start <= shortLines {
			rows[n][signalShort] = 1
		}
		if c.syntax.Kind == parsers.KindFunction {
			rows[n][signalFunction] = 1
		}
	}
	standardise(rows)
	return rows
}

// standardise turns the signals that differ by degree into standard deviations from the mean of the
// request: how many terms a question has, and how rare they are, is the same for all chunks.
func standardise(rows []row) {
	column := make([]float64, len(rows))
	for signal := range signals {
		switch signal {
		case signalNamed, signalPlace, signalShort, signalFunction, signalModel:
			continue
		}
		for n := range rows {
			column[n] = rows[n][signal]
		}
		for n, v := range standardised(column, nil) {
			rows[n][signal] = v
		}
	}
}

// pathScores is BM25 over the paths of the files, for each chunk that of its file.
func (j *job) pathScores(query []string, ranked []int) []float64 {
	paths := make([]string, len(j.sources))
	for i, src := range j.sources {
		paths[i] = src.path
	}
	byFile := lexical.Corpus{lexical.NewLexicon(nil, paths, nil)}.BM25(query)
	scores := make([]float64, len(ranked))
	for n, i := range ranked {
		scores[n] = byFile[j.chunks[i].src.index]
	}
	return scores
}

// fileScores gives each chunk the best of its file.
func (j *job) fileScores(ranked []int, own []float64) []float64 {
	top := slices.Repeat([]float64{math.Inf(-1)}, len(j.sources))
	for n, i := range ranked {
		at := j.chunks[i].src.index
		top[at] = max(top[at], own[n])
	}
	scores := make([]float64, len(ranked))
	for n, i := range ranked {
		scores[n] = top[j.chunks[i].src.index]
	}
	return scores
}

// named counts what the question names of what a chunk defines: an identifier as it is written, of
// several words or with a capital or underscore inside, or called like a function.
func (j *job) named(ranked []int) []float64 {
	asked := lexical.Identifiers(j.req.Query)
	scores := make([]float64, len(ranked))
	for n, i := range ranked {
		c := &j.chunks[i]
		if c.syntax.Name == "" {
			continue
		}
		own := lexical.LastPart(c.syntax.Name)
		switch {
		case asked[own]:
			scores[n] = 1
		case slices.ContainsFunc(c.syntax.Names.Defines, func(name string) bool { return asked[name] }):
			scores[n] = 0.5
		}
	}
	return scores
}

// places marks the chunks whose lines the question names: "server.go:120", "line 120" behind a
// Path, `File "x.py", line 12`. The innermost place of a trace is as good as any other.
func (j *job) places(ranked []int) []float64 {
	scores := make([]float64, len(ranked))
	for _, at := range lexical.PlacesIn(j.req.Query) {
		for n, i := range ranked {
			c := &j.chunks[i]
			if c.start < at.Line && at.Line <= c.end && lexical.SamePath(c.src.path, at.Path) {
				scores[n] = 1
			}
		}
	}
	return scores
}

// blockRows computes what can be known of parts of functions.
func (j *job) blockRows(texts []string) []row {
	rows := make([]row, len(texts))
	j.setWords(rows, lexical.Corpus{lexical.NewLexicon(j.opt.Embedding, texts, nil)})
	standardise(rows)
	return rows
}

// named lists the signals that are not 0 by their names.
func (r row) named() map[string]float64 {
	list := map[string]float64{}
	for i, v := range r {
		if v != 0 {
			list[signalNames[i]] = v
		}
	}
	return list
}
