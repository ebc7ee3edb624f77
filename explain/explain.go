// Package explain says what compression did to a text and why: one row for each chunk, with its
// rank, the parts of its score, its tokens and the decision, in a table for people and as JSON.
//
// It also keeps requests, where that is asked for, so that they can be explained afterwards.
package explain

import (
	"cmp"
	"slices"

	"pith/compress"
)

// A Chunk is what became of one chunk of a file, and why.
type Chunk struct {
	File      string `json:"file"`
	Kind      string `json:"kind"`
	Name      string `json:"name"`
	StartLine int    `json:"start_line"`
	EndLine   int    `json:"end_line"`
	// Rank is 1 for the best; 0 for lines that only close another chunk, and where nothing was
	// ranked.
	Rank     int               `json:"rank"`
	Score    float64           `json:"score"`
	Parts    []Part            `json:"parts"`
	Tokens   int               `json:"tokens"`
	Decision compress.Decision `json:"decision"`
	// KeptLines are runs of lines, counted from 1, inclusive.
	KeptLines [][2]int `json:"kept_lines"`
	Why       string   `json:"why"`
}

// A Part is what one signal added to a score.
type Part struct {
	Signal string  `json:"signal"`
	Value  float64 `json:"value"`
}

// A Block is one text that went through the engine, or was left as it came.
type Block struct {
	Path     string `json:"path"`
	Language string `json:"language"`
	// Question is what the text was shortened for.
	Question string `json:"question"`
	// Outcome is compressed, or left; Reason says why.
	Outcome          string  `json:"outcome"`
	Reason           string  `json:"reason,omitempty"`
	Ranker           string  `json:"ranker,omitempty"`
	RankerReason     string  `json:"ranker_reason,omitempty"`
	Cache            string  `json:"cache,omitempty"`
	OriginalTokens   int     `json:"original_tokens"`
	CompressedTokens int     `json:"compressed_tokens"`
	Budget           int     `json:"budget"`
	LineTokens       int     `json:"line_tokens"`
	Coverage         float64 `json:"coverage,omitempty"`
	// Notes say in what the result is less than was asked for.
	Notes []string `json:"notes,omitempty"`
	// Original and Sent are the text before and after; Sent is empty where it is the same.
	Original string  `json:"original"`
	Sent     string  `json:"sent,omitempty"`
	Chunks   []Chunk `json:"chunks"`
}

// A Piece is a block as it is kept: what the engine was asked, for it and for others of its
// message, and what it said.
type Piece struct {
	Request compress.Request
	// File is the index of the block's file in the request.
	File int
	// Result is empty where the engine was not asked, or did not answer.
	Result compress.Result
	// Taken says that the result went out, Reason why it did not.
	Taken  bool
	Reason string
}

// The outcomes of a Block.
const (
	outcomeCompressed = "compressed"
	outcomeLeft       = "left"
)

// Block explains a piece.
func (p Piece) Block() Block {
	res := p.Result
	b := Block{
		Question:         p.Request.Query,
		Outcome:          outcomeCompressed,
		Reason:           p.Reason,
		Ranker:           res.Ranker,
		RankerReason:     res.RankerReason,
		Cache:            res.Cache,
		OriginalTokens:   res.OriginalTokens,
		CompressedTokens: res.CompressedTokens,
		Budget:           res.Budget,
		LineTokens:       res.LineTokens,
		Coverage:         res.Coverage,
		Chunks:           ofFile(Chunks(res), p.File),
	}
	sent := res.Text
	if len(p.Request.Files) > p.File {
		f := p.Request.Files[p.File]
		b.Path, b.Language, b.Original = f.Path, f.Language, f.Content
	}
	if len(res.Files) > p.File {
		f := res.Files[p.File]
		res.Files = res.Files[p.File : p.File+1]
		b.Language, sent = cmp.Or(f.Language, b.Language), f.Text
		if len(p.Result.Files) > 1 {
			b.OriginalTokens, b.CompressedTokens = f.OriginalTokens, f.CompressedTokens
		}
	}
	b.Notes = res.Notes()
	if !p.Taken {
		b.Outcome, b.CompressedTokens = outcomeLeft, b.OriginalTokens
		return b
	}
	if b.Sent = sent; b.Sent == b.Original {
		b.Sent = ""
	}
	return b
}

// ofFile returns the chunks of one of several files: a file's chunks tile it from its first line
// on.
func ofFile(chunks []Chunk, file int) []Chunk {
	at, from := -1, len(chunks)
	for i, c := range chunks {
		if i > 0 && c.StartLine > chunks[i-1].StartLine {
			continue
		}
		if at++; at == file {
			from = i
		} else if at == file+1 {
			return chunks[from:i]
		}
	}
	return chunks[from:]
}

// Chunks explains a result, in the order of its files and lines.
func Chunks(res compress.Result) []Chunk {
	list := make([]Chunk, len(res.Chunks))
	about := newOverview(res)
	for i, c := range res.Chunks {
		list[i] = Chunk{
			File: c.File, Kind: string(c.Kind), Name: c.Name, StartLine: c.StartLine, EndLine: c.EndLine,
			Rank: c.Rank, Score: c.Score, Parts: parts(c.Parts), Tokens: c.Tokens,
			Decision: c.Decision, KeptLines: c.KeptLines, Why: about.why(c),
		}
	}
	return list
}

// ByRank returns chunks with the best first and those without a rank last.
func ByRank(chunks []Chunk) []Chunk {
	list := slices.Clone(chunks)
	slices.SortStableFunc(list, func(a, b Chunk) int {
		if (a.Rank == 0) != (b.Rank == 0) {
			return cmp.Compare(b.Rank, a.Rank)
		}
		return cmp.Compare(a.Rank, b.Rank)
	})
	return list
}

// parts lists the parts of a score, those that weigh most first.
func parts(of map[string]float64) []Part {
	list := make([]Part, 0, len(of))
	for signal, value := range of {
		list = append(list, Part{signal, value})
	}
	slices.SortFunc(list, func(a, b Part) int {
		return cmp.Or(cmp.Compare(max(b.Value, -b.Value), max(a.Value, -a.Value)), cmp.Compare(a.Signal, b.Signal))
	})
	return list
}
