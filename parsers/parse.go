package parsers

import (
	"context"
	"errors"
	"fmt"
	"time"

	sitter "github.com/smacker/go-tree-sitter"
)

// errSlow reports that a grammar did not finish in time.
var errSlow = errors.New("parse ran out of time")

// errCut reports a defect of the cutter.
var errCut = errors.New("cutting the file failed")

// An outline is what a parse yields: chunks, and how sound the tree was.
type outline struct {
	chunks []Chunk
	errors int
}

// parseTree runs the grammar over src and cuts the tree. Where a preprocessor has its say it does
// so in several ways. Each parse has a parser of its own: a parser that ran out of time resumes the
// old document at its next parse. The context that the library takes is never one that can be
// cancelled, since its watcher races with the end of the parse; the library's own limit is checked
// once in a hundred steps, so this bounds well-natured input only.
func parseTree(s *syntax, src []byte, limit time.Duration) (outline, error) {
	lines := newLineTable(src)
	var frames []*conditionalFrame
	if s.preprocessed {
		frames = framesOf(lines)
	}
	if len(frames) == 0 {
		return parseOnce(s, reading{lines: lines, seen: lines}, limit)
	}
	list := []reading{{lines: lines, seen: mask(lines, frames, false), frames: frames}}
	if branched(frames) {
		list = append(list, reading{lines: lines, seen: mask(lines, frames, true), frames: frames, first: true})
	}
	list = append(list, reading{lines: lines, seen: lines})
	return parseBest(s, list, limit)
}

// A reading is a way to show a file to its grammar.
type reading struct {
	lines, seen lineTable
	frames      []*conditionalFrame
	first       bool // the grammar sees the first branch of each frame only
}

// parseBest parses in several ways until one has no syntax error, and returns the one with the
// fewest.
func parseBest(s *syntax, list []reading, limit time.Duration) (best outline, err error) {
	for i, r := range list {
		o, err := parseOnce(s, r, limit/time.Duration(len(list)))
		switch {
		case err != nil && i == 0:
			return outline{}, err
		case err != nil:
			return best, nil
		case o.errors == 0:
			return o, nil
		case i == 0 || o.errors < best.errors:
			best = o
		}
	}
	return best, nil
}

func parseOnce(s *syntax, r reading, limit time.Duration) (outline, error) {
	parser := sitter.NewParser()
	defer parser.Close()
	parser.SetLanguage(s.language)
	parser.SetOperationLimit(int(limit.Microseconds()))
	tree, err := parser.ParseCtx(context.Background(), nil, r.seen.src)
	if errors.Is(err, sitter.ErrOperationLimit) {
		return outline{}, errSlow
	}
	if err != nil {
		return outline{}, fmt.Errorf("run grammar: %w", err)
	}
	defer tree.Close() // without it memory grows fifty-fold before a finalizer runs
	return cutTree(s, tree, r)
}

// cutTree turns a mistake of ours, on a tree that nobody thought of, into an error: the file then
// goes to the line fallback, and nobody's request is lost.
func cutTree(s *syntax, tree *sitter.Tree, r reading) (o outline, err error) {
	defer func() {
		if v := recover(); v != nil {
			o, err = outline{}, fmt.Errorf("%w: %v", errCut, v)
		}
	}()
	nodes, failures, names, err := readTree(s, tree, r.seen)
	if err != nil {
		return outline{}, err
	}
	if s.guesses && failures > 0 {
		whole := Chunk{Kind: KindModule, Parent: -1}
		whole.EndLine, whole.End = r.lines.count(), len(r.lines.src)
		return outline{chunks: []Chunk{whole}, errors: failures}, nil
	}
	nodes = weave(nodes, r.frames, r.lines, r.first)
	chunks := newCutter(s, r.lines, nodes).cut()
	names.deal(chunks)
	return outline{chunks: chunks, errors: failures}, nil
}
