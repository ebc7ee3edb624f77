package compress

import (
	"context"
	"fmt"
	"strings"

	"pith/internal/panics"
	"pith/parsers"
)

// Find returns where a file declares name: lines counted from 1, inclusive, in order. A function or
// a class is found by its own name ("serve") as well as by its qualified one ("Server.serve"); the
// qualified name wins where both fit. A class comes with all that stands in it. It returns none
// where the file does not declare name.
func (e *Engine) Find(ctx context.Context, f File, name string) ([][2]int, error) {
	if name == "" {
		return nil, nil
	}
	parsed, err := split(ctx, e.opt.Splitter, f)
	if err != nil {
		return nil, fmt.Errorf("find a declaration: %w", err)
	}
	exact := func(c parsers.Chunk) bool { return c.Name == name }
	if found := spans(parsed.Chunks, exact); len(found) > 0 {
		return found, nil
	}
	return spans(parsed.Chunks,
		func(c parsers.Chunk) bool { return c.Name[1+strings.LastIndexAny(c.Name, ".:#"):] == name }), nil
}

// split has a file parsed under the language that it names, or under its path's. Files are parsed
// on goroutines of their own, where a panic would end the process: it becomes an error.
func split(ctx context.Context, s Splitter, f File) (parsed parsers.File, err error) {
	err = panics.Guard(func() (err error) {
		if f.Language != "" {
			parsed, err = s.ParseAs(ctx, f.Language, []byte(f.Content))
		} else {
			parsed, err = s.Parse(ctx, f.Path, []byte(f.Content))
		}
		return err
	})
	return parsed, err
}

// spans lists the lines of the chunks that match, each with the chunks inside it. A chunk inside
// one that matched is part of it.
func spans(chunks []parsers.Chunk, match func(parsers.Chunk) bool) [][2]int {
	var list [][2]int
	root := make([]int, len(chunks)) // index in list plus one of the match that holds the chunk
	for i, c := range chunks {
		if c.Parent >= 0 && root[c.Parent] > 0 {
			root[i] = root[c.Parent]
			span := &list[root[i]-1]
			span[1] = max(span[1], c.EndLine)
			continue
		}
		if c.Name != "" && c.Kind != parsers.KindEnd && match(c) {
			list = append(list, [2]int{c.StartLine + 1, c.EndLine})
			root[i] = len(list)
		}
	}
	return list
}
