package parsers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	sitter "github.com/smacker/go-tree-sitter"
)

// ErrSlow reports that a grammar did not finish in time.
var ErrSlow = errors.New("parse ran out of time")

// errCut reports a defect of the cutter.
var errCut = errors.New("cutting the file failed")

// An Outline is what a parse yields: chunks, and how sound the tree was.
type Outline struct {
	Chunks []Chunk
	Errors int
}

// Parse runs the grammar over src and cuts the tree. Where a preprocessor has its say it does
// so in several ways. Each parse has a parser of its own: a parser that ran out of time resumes the
// old document at its next parse. The context that the library takes is never one that can be
// cancelled, since its watcher races with the end of the parse; the library's own limit is checked
// once in a hundred steps, so this bounds well-natured input only.
func Parse(s *Syntax, src []byte, limit time.Duration) (Outline, error) {
	lines := NewLines(src)
	var frames []*conditionalFrame
	if s.preprocessed {
		frames = framesOf(lines)
	}
	if s.newer != nil && s.newer.Match(src) {
		return parseBest(s, []reading{{lines: lines, seen: blanked(src, s.newer)}, {lines: lines, seen: lines}}, limit)
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

// blanked is src with blanks for what an expression matches, its last byte apart.
func blanked(src []byte, what *regexp.Regexp) Lines {
	return NewLines(what.ReplaceAllFunc(src, func(found []byte) []byte {
		last := len(found) - 1
		return append(bytes.Repeat([]byte(" "), last), found[last])
	}))
}

// A reading is a way to show a file to its grammar.
type reading struct {
	lines, seen Lines
	frames      []*conditionalFrame
	first       bool // the grammar sees the first branch of each frame only
}

// parseBest parses in several ways until one has no syntax error, and returns the one with the
// fewest.
func parseBest(s *Syntax, list []reading, limit time.Duration) (best Outline, err error) {
	for i, r := range list {
		o, err := parseOnce(s, r, limit/time.Duration(len(list)))
		switch {
		case err != nil && i == 0:
			return Outline{}, err
		case err != nil:
			return best, nil
		case o.Errors == 0:
			return o, nil
		case i == 0 || o.Errors < best.Errors:
			best = o
		}
	}
	return best, nil
}

func parseOnce(s *Syntax, r reading, limit time.Duration) (Outline, error) {
	parser := sitter.NewParser()
	defer parser.Close()
	parser.SetLanguage(s.language)
	parser.SetOperationLimit(int(limit.Microseconds()))
	tree, err := parser.ParseCtx(context.Background(), nil, r.seen.src)
	if errors.Is(err, sitter.ErrOperationLimit) {
		return Outline{}, ErrSlow
	}
	if err != nil {
		return Outline{}, fmt.Errorf("run grammar: %w", err)
	}
	defer tree.Close() // without it memory grows fifty-fold before a finalizer runs
	return cutTree(s, tree, r)
}

// cutTree turns a mistake of ours, on a tree that nobody thought of, into an error: the file then
// goes to the line fallback, and nobody's request is lost.
func cutTree(s *Syntax, tree *sitter.Tree, r reading) (o Outline, err error) {
	defer func() {
		if v := recover(); v != nil {
			o, err = Outline{}, fmt.Errorf("%w: %v", errCut, v)
		}
	}()
	nodes, failures, names, err := readTree(s, tree, r.seen)
	if err != nil {
		return Outline{}, err
	}
	if s.guesses && failures > 0 {
		whole := Chunk{Kind: KindModule, Parent: -1}
		whole.EndLine, whole.End = r.lines.Count(), len(r.lines.src)
		return Outline{Chunks: []Chunk{whole}, Errors: failures}, nil
	}
	nodes = weave(nodes, r.frames, r.lines, r.first)
	chunks := newCutter(s, r.lines, nodes).cut()
	names.deal(chunks)
	return Outline{Chunks: chunks, Errors: failures}, nil
}
