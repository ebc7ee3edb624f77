package compress

import "slices"

// rankNone is the ranker of a request that needed none.
const rankNone = "none"

// report describes a plan.
func (j *job) report(p *plan) Result {
	encoding, exact := j.counter.Encoding()
	res := Result{
		OriginalTokens: j.original, CompressedTokens: p.tokens, Ratio: ratio(j.original, p.tokens), Budget: j.budget,
		Coverage: j.coverage, Capped: j.capped,
		Ranker: j.name, RankerReason: j.reason, Device: j.device(), Text: p.text, TimingsMS: j.timings,
		Tokenizer: encoding, Estimated: !exact, Cut: j.short || j.slow,
		Files: []FileResult{}, Chunks: []ChunkResult{},
	}
	if j.reading.Passes+j.reading.Late > 0 {
		res.Reading = &j.reading
	}
	for i, src := range j.sources {
		f := FileResult{
			Path: src.path, Language: src.parsed.Language, Text: p.texts[i], Fallback: src.parsed.Fallback,
			OriginalTokens: j.original, CompressedTokens: p.tokens,
		}
		if len(j.sources) > 1 {
			f.OriginalTokens, f.CompressedTokens = j.count(src.content), j.count(p.texts[i])
		}
		if j.opt.Retrieval != nil && p.keep != nil { // the reference's markers have no hashes
			f.Hashes = src.hashes(p.keep[i])
		}
		res.Files = append(res.Files, f)
	}
	for i := range j.chunks {
		c := &j.chunks[i]
		r := c.result(p.keep[c.src.index])
		for _, run := range r.KeptLines {
			res.LineTokens += c.src.cost(run[0]-1, run[1])
		}
		if j.req.Explain && c.rank > 0 {
			r.Signals, r.Parts = c.signals.named(), j.parts(c)
		}
		res.Chunks = append(res.Chunks, r)
	}
	res.LineTokens = min(res.LineTokens, p.tokens)
	return res
}

// result describes what became of a chunk.
func (c *chunk) result(keep []bool) ChunkResult {
	r := ChunkResult{
		File: c.src.path, FileIndex: c.src.index, Language: c.src.parsed.Language, Kind: c.syntax.Kind,
		Name:      c.syntax.Name,
		StartLine: c.start + 1, EndLine: c.end, Tokens: c.src.cost(c.start, c.end), Score: c.score, Rank: c.rank,
		Decision: Pruned, KeptLines: runs(keep, c.start, c.end),
	}
	switch {
	case !slices.Contains(keep[c.start:c.end], false):
		r.Decision = Kept
	case len(r.KeptLines) == 0:
		r.Decision = Omitted
	}
	return r
}

// runs lists the kept lines in [from, to) as editors count them.
func runs(keep []bool, from, to int) [][2]int {
	list := [][2]int{}
	for line := from; line < to; line++ {
		switch {
		case !keep[line]:
		case line > from && keep[line-1]:
			list[len(list)-1][1] = line + 1
		default:
			list = append(list, [2]int{line + 1, line + 1})
		}
	}
	return list
}

// device is where the model ran, empty where none did.
func (j *job) device() string {
	if j.opt.Scorer == nil || j.alone == nil {
		return ""
	}
	_, device := j.opt.Scorer.Info()
	return device
}

// ratio is original/compressed; 1 for two empty texts.
func ratio(original, compressed int) float64 {
	if original == compressed {
		return 1
	}
	return float64(original) / float64(max(compressed, 1))
}

// minUsed is the part of its budget, one in so many, that a result's lines have to take. Below it
// the files are as good as gone.
const minUsed = 3

// Thin reports that a result is nothing but markers, or leaves nearly all of its budget unused:
// what was asked about could not be cut to fit.
func (r Result) Thin() bool {
	keeps := func(c ChunkResult) bool { return len(c.KeptLines) > 0 }
	if len(r.Chunks) > 0 && !slices.ContainsFunc(r.Chunks, keeps) {
		return true
	}
	return r.CompressedTokens < r.OriginalTokens && minUsed*r.LineTokens < r.Budget
}
