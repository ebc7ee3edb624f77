package compress

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pith/parsers"
)

// A tallyCounter counts the bytes that it is asked about.
type tallyCounter struct {
	wordCounter
	bytes *int
}

func (c tallyCounter) For(string) Counter { return c }

func (c tallyCounter) Count(text string) int {
	*c.bytes += len(text)
	return c.wordCounter.Count(text)
}

// What cannot be made small enough is found at once, and not by counting it again and again.
func TestTooSmallABudgetIsFoundAtOnce(t *testing.T) {
	bytes := 0
	e := engine(t, func(o *Options) { o.Counters = tallyCounter{bytes: &bytes} })
	line := strings.Repeat("a(); ", 20_000)
	_, err := e.Compress(t.Context(), Request{Query: "why?", Rate: 0.3, Files: []File{{Path: "a.js", Content: line}}})
	if !errors.Is(err, ErrBudget) {
		t.Fatalf("a file of one line: %v", err)
	}
	if bytes > 5*len(line) {
		t.Errorf("%d bytes were counted for a line of %d", bytes, len(line))
	}
}

// A lateSplitter cuts by lines what a grammar had no time for: all files, or only shortened ones.
type lateSplitter struct {
	indents
	shortened bool
}

func (s lateSplitter) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	f, err := s.indents.ParseAs(ctx, language, src)
	f.Late = !s.shortened || strings.Contains(string(src), "omitted")
	return f, err
}

func (s lateSplitter) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	f, err := s.indents.Parse(ctx, path, src)
	f.Late = !s.shortened
	return f, err
}

// A file that is cut otherwise for want of time makes a result that may not repeat.
func TestLateGrammarCutsTheResult(t *testing.T) {
	for _, shortened := range []bool{false, true} {
		e := engine(t, func(o *Options) { o.Splitter = lateSplitter{shortened: shortened} })
		res, err := e.Compress(t.Context(), anyFile(1))
		if err != nil || !res.Cut {
			t.Errorf("late only for shortened files %t: cut %t, %v", shortened, res.Cut, err)
		}
	}
	e := engine(t, nil)
	if res, err := e.Compress(t.Context(), anyFile(1)); err != nil || res.Cut {
		t.Errorf("in time: cut %t, %v", res.Cut, err)
	}
}
