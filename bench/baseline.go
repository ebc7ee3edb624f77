package bench

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"

	"pith/compress"
	"pith/parsers"
)

// A baseline shortens without reading the query. It shows what is had for nothing.
type baseline struct {
	splitter compress.Splitter
	counters compress.Counters
	// choose marks the lines to keep and returns the chunks of all files from best to worst.
	choose func(s *sketch, query string, budget int) (order []int)
}

// A sketch is a request on its way to a Result: all files cut into chunks and lines, and which
// lines stay.
type sketch struct {
	lines  [][]string
	tokens [][]int
	keep   [][]bool
	chunks []chunkAt
}

type chunkAt struct {
	file  int
	chunk parsers.Chunk
}

// headTruncation keeps the first lines that fit, as callers do who cut a prompt to a limit.
func headTruncation(s *sketch, _ string, budget int) []int {
	full := false
	for f := range s.lines {
		for i, n := range s.tokens[f] {
			full = full || n > budget
			if !full {
				s.keep[f][i] = true
				budget -= n
			}
		}
	}
	order := make([]int, len(s.chunks))
	for i := range order {
		order[i] = i
	}
	return order
}

// randomChunks returns a choice that keeps whole chunks in random order, passing over those that do
// not fit. The same seed and query give the same order.
func randomChunks(seed uint64) func(*sketch, string, int) []int {
	return func(s *sketch, query string, budget int) []int {
		h := fnv.New64a()
		_, _ = io.WriteString(h, query) // a hash takes everything
		order := rand.New(rand.NewPCG(seed, h.Sum64())).Perm(len(s.chunks))
		s.take(order, budget)
		return order
	}
}

// take keeps whole chunks in order, passing over those that do not fit.
func (s *sketch) take(order []int, budget int) {
	for _, i := range order {
		at := s.chunks[i]
		need := 0
		for line := at.chunk.StartLine; line < at.chunk.EndLine; line++ {
			need += s.tokens[at.file][line]
		}
		if need > budget {
			continue
		}
		budget -= need
		for line := at.chunk.StartLine; line < at.chunk.EndLine; line++ {
			s.keep[at.file][line] = true
		}
	}
}

// Compress implements Compressor. Lines are counted one by one, which errs on the side of the
// budget by a few in a hundred tokens; gaps leave no marker.
func (b baseline) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	counter := b.counters.For(req.Model)
	s, total, err := b.sketch(ctx, req.Files, counter)
	if err != nil {
		return compress.Result{}, err
	}
	budget := req.Budget
	if budget == 0 {
		budget = int(req.Rate * float64(total))
	}
	order := b.choose(s, req.Query, budget)
	rank := make([]int, len(order))
	for place, i := range order {
		rank[i] = place + 1
	}
	res := compress.Result{OriginalTokens: total, Budget: budget}
	for f, file := range req.Files {
		var text strings.Builder
		kept := 0
		for i, line := range s.lines[f] {
			if s.keep[f][i] {
				text.WriteString(line)
				kept += s.tokens[f][i]
			}
		}
		res.CompressedTokens += kept
		res.Files = append(
			res.Files, compress.FileResult{
				Path: file.Path, Language: file.Language, CompressedTokens: kept,
				Text: text.String(),
			})
	}
	for i, at := range s.chunks {
		res.Chunks = append(res.Chunks, compress.ChunkResult{
			File: req.Files[at.file].Path, Kind: at.chunk.Kind, Name: at.chunk.Name, Rank: rank[i],
			StartLine: at.chunk.StartLine + 1, EndLine: at.chunk.EndLine,
			KeptLines: runs(s.keep[at.file], span{at.chunk.StartLine, at.chunk.EndLine}),
		})
	}
	return res, nil
}

func (b baseline) sketch(ctx context.Context, files []compress.File, counter compress.Counter) (*sketch, int, error) {
	s := &sketch{}
	total := 0
	for f, file := range files {
		parsed, err := b.splitter.ParseAs(ctx, file.Language, []byte(file.Content))
		if err != nil {
			return nil, 0, fmt.Errorf("parse %s: %w", file.Path, err)
		}
		for _, c := range parsed.Chunks {
			s.chunks = append(s.chunks, chunkAt{f, c})
		}
		lines := strings.SplitAfter(file.Content, "\n")
		tokens := make([]int, len(lines))
		for i, line := range lines {
			tokens[i] = counter.Count(line)
			total += tokens[i]
		}
		s.lines = append(s.lines, lines)
		s.tokens = append(s.tokens, tokens)
		s.keep = append(s.keep, make([]bool, len(lines)))
	}
	return s, total, nil
}

// runs lists the kept lines inside a span as 1-based inclusive pairs.
func runs(keep []bool, within span) [][2]int {
	var out [][2]int
	for i := within.start; i < within.end; i++ {
		switch {
		case !keep[i]:
		case len(out) > 0 && out[len(out)-1][1] == i:
			out[len(out)-1][1] = i + 1
		default:
			out = append(out, [2]int{i + 1, i + 1})
		}
	}
	return out
}
