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
var errCut = errors.New("cutting the tree failed")

// An outline is what a parse yields: chunks, and how sound the tree was.
type outline struct {
	chunks []Chunk
	errors int
}

// parseTree runs the grammar over src and cuts the tree. Each parse has a parser of its own: a parser that ran out of
// time resumes the old document at its next parse. The context that the library takes is never one that can be
// cancelled, since its watcher races with the end of the parse; the library's own limit is checked once in a hundred
// steps, so this bounds well-natured input only.
func parseTree(s *syntax, src []byte, limit time.Duration) (outline, error) {
	parser := sitter.NewParser()
	defer parser.Close()
	parser.SetLanguage(s.language)
	parser.SetOperationLimit(int(limit.Microseconds()))
	tree, err := parser.ParseCtx(context.Background(), nil, src)
	if errors.Is(err, sitter.ErrOperationLimit) {
		return outline{}, errSlow
	}
	if err != nil {
		return outline{}, fmt.Errorf("run grammar: %w", err)
	}
	defer tree.Close() // without it memory grows fifty-fold before a finalizer runs
	return cutTree(s, tree, newLineTable(src))
}

// cutTree turns a mistake of ours, on a tree that nobody thought of, into an error: the file then goes to the line
// fallback, and nobody's request is lost.
func cutTree(s *syntax, tree *sitter.Tree, lines lineTable) (o outline, err error) {
	defer func() {
		if v := recover(); v != nil {
			o, err = outline{}, fmt.Errorf("%w: %v", errCut, v)
		}
	}()
	nodes, failures, names, err := readTree(s, tree, lines)
	if err != nil {
		return outline{}, err
	}
	chunks := newCutter(s, lines, nodes).cut()
	names.deal(chunks)
	return outline{chunks: chunks, errors: failures}, nil
}
