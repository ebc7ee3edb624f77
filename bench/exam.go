package bench

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"pith/compress"
	"pith/parsers"
)

// An exam is a case made ready to judge results by.
type exam struct {
	Case
	codebase
	// wanted are the lines that the answer needs.
	wanted []position
	needed []lineRange
	defs   []lineRange
}

// A position is a line of a file, 0-based.
type position struct{ file, line int }

// newExam parses the files of a case. Paths and lines of the case have been checked.
func newExam(ctx context.Context, c Case, splitter compress.Splitter) (exam, error) {
	e := exam{Case: c, codebase: codebase{files: slices.Clone(c.Files)}}
	index := make(map[string]int, len(c.Files))
	for i, f := range c.Files {
		parsed, err := splitter.Parse(ctx, f.Path, []byte(f.Content))
		if err != nil {
			return exam{}, fmt.Errorf("parse %s: %w", f.Path, err)
		}
		e.parsed = append(e.parsed, parsed)
		e.files[i].Language = parsed.Language
		index[f.Path] = i
	}
	for _, n := range c.Needed {
		e.needed = append(e.needed, lineRange{index[n.Path], span{n.Start - 1, n.End}, n.Start - 1})
	}
	for path, lines := range c.Changed {
		for _, line := range lines {
			e.wanted = append(e.wanted, position{index[path], line - 1})
		}
	}
	if len(e.wanted) == 0 {
		for _, n := range e.needed {
			e.wanted = append(e.wanted, e.solid(n)...)
		}
	}
	e.defs = e.definitions(e.needed)
	return e, nil
}

// Figures of a result, besides mrr. lines is the share of the wanted lines that are kept, all
// whether they all are; whole the share of the needed functions that are kept whole, every whether
// they all are, seen the share whose first line is kept; defs the share of the definitions that
// they use whose naming line is; parse whether nothing got new syntax errors.
const (
	figureLines   = "lines"
	figureAll     = "all"
	figureWhole   = "whole"
	figureEvery   = "every"
	figureSeen    = "seen"
	figureDefs    = "defs"
	figureParse   = "parse"
	figureTokens  = "tokens"
	figureRatio   = "ratio"
	figureSeconds = "seconds"
)

// caseFigures are in the order of a case's outcome.
var caseFigures = []string{
	figureLines, figureAll, figureWhole, figureEvery, figureSeen, figureDefs, figureParse, mrr, figureTokens,
	figureRatio, figureSeconds,
}

// judge gives the figures of a result, but for the last, the seconds.
func (e exam) judge(ctx context.Context, splitter compress.Splitter, res compress.Result) (outcome, error) {
	kept := e.keptLines(res)
	have := 0
	for _, p := range e.wanted {
		if kept[p.file][p.line] {
			have++
		}
	}
	whole, seen := 0, 0
	for _, n := range e.needed {
		if e.isWhole(n, kept) {
			whole++
		}
		if kept[n.file][n.key] {
			seen++
		}
	}
	parse, err := e.parseable(ctx, splitter, res)
	if err != nil {
		return nil, err
	}
	n := len(e.needed)
	return outcome{
		share(have, len(e.wanted)), boolean(have == len(e.wanted)), share(whole, n),
		boolean(whole == n), share(seen, n),
		visible(e.defs, kept), parse, e.reciprocalRank(res), float64(res.CompressedTokens),
		share(res.OriginalTokens, res.CompressedTokens),
	}, nil
}

// nothing is what a request leaves whose budget cannot hold anything.
func nothing() outcome {
	return outcome{0, 0, 0, 0, 0, 0, math.NaN(), math.NaN(), 0, math.NaN()}
}

// isWhole reports that all lines of a place are kept, blank ones not counted.
func (b codebase) isWhole(p lineRange, kept []map[int]bool) bool {
	for _, at := range b.solid(p) {
		if !kept[at.file][at.line] {
			return false
		}
	}
	return true
}

// solid lists the lines of a place that are not blank.
func (b codebase) solid(p lineRange) []position {
	lines := strings.Split(b.files[p.file].Content, "\n")
	var found []position
	for i := p.lines.start; i < p.lines.end; i++ {
		if strings.TrimSpace(lines[i]) != "" {
			found = append(found, position{p.file, i})
		}
	}
	return found
}

// reciprocalRank is the mean over the needed functions of 1 / rank among the functions that nobody
// needs, 1 for one that stands before all of them. It is NaN where the result ranks nothing.
func (e exam) reciprocalRank(res compress.Result) float64 {
	own := make([]int, len(e.needed))
	var others []int
	for _, c := range res.Chunks {
		if c.Kind != parsers.KindFunction || c.Rank == 0 {
			continue
		}
		stranger := true
		for i, n := range e.needed {
			if c.File == e.files[n.file].Path && c.StartLine <= n.lines.end && n.lines.start < c.EndLine {
				stranger = false
				if own[i] == 0 || c.Rank < own[i] {
					own[i] = c.Rank
				}
			}
		}
		if stranger {
			others = append(others, c.Rank)
		}
	}
	sum, n := 0.0, 0
	for _, rank := range own {
		if rank == 0 {
			continue
		}
		place := 1
		for _, other := range others {
			if other < rank {
				place++
			}
		}
		sum += 1 / float64(place)
		n++
	}
	if n == 0 {
		return math.NaN()
	}
	return sum / float64(n)
}
