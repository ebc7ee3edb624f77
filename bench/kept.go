package bench

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"pith/compress"
	"pith/parsers"
)

// A codebase is the files of a question with their chunks.
type codebase struct {
	files  []compress.File
	parsed []parsers.File
}

// definitions are the functions and types, the needed ones left out, that the code of the needed
// ones names. A name that several chunks define is left out, since the text alone cannot tell which
// one is meant.
func (b codebase) definitions(needed []lineRange) []lineRange {
	used := make(map[string]bool)
	for _, n := range needed {
		lines := strings.Split(b.files[n.file].Content, "\n")
		maps.Copy(used, identifiers(strings.Join(lines[n.lines.start:min(n.lines.end, len(lines))], "\n")))
	}
	where := make(map[string][]lineRange)
	for i, f := range b.parsed {
		lines := strings.Split(b.files[i].Content, "\n")
		for _, c := range f.Chunks {
			isNeeded := slices.ContainsFunc(needed, func(n lineRange) bool {
				return i == n.file && c.StartLine <= n.key && n.key < c.EndLine
			})
			name := simpleName(c.Name)
			if len(name) >= 3 && used[name] && defines(c.Kind) && !isNeeded {
				where[name] = append(where[name], lineRange{i, span{c.StartLine, c.EndLine}, nameLine(lines, c, name)})
			}
		}
	}
	var defs []lineRange
	for _, places := range where {
		if len(places) == 1 {
			defs = append(defs, places[0])
		}
	}
	slices.SortFunc(defs, func(a, b lineRange) int {
		if a.file != b.file {
			return a.file - b.file
		}
		return a.lines.start - b.lines.start
	})
	return defs
}

func defines(kind parsers.Kind) bool {
	return kind == parsers.KindFunction || kind == parsers.KindClass || kind == parsers.KindType
}

// nameLine is the first line of the chunk's header, or else of the chunk, that holds name.
func nameLine(lines []string, c parsers.Chunk, name string) int {
	for i := c.SignatureStart; i < min(c.EndLine, len(lines)); i++ {
		if strings.Contains(lines[i], name) {
			return i
		}
	}
	return c.StartLine
}

func identifiers(code string) map[string]bool {
	words := strings.FieldsFunc(code, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	set := make(map[string]bool, len(words))
	for _, w := range words {
		set[w] = true
	}
	return set
}

// keptLines marks the lines of each file that the result keeps.
func (b codebase) keptLines(res compress.Result) []map[int]bool {
	index := make(map[string]int, len(b.files))
	kept := make([]map[int]bool, len(b.files))
	for i, f := range b.files {
		index[f.Path] = i
		kept[i] = make(map[int]bool)
	}
	for _, c := range res.Chunks {
		for _, run := range c.KeptLines {
			for line := run[0]; line <= run[1]; line++ {
				kept[index[c.File]][line-1] = true
			}
		}
	}
	return kept
}

// visible is the share of the definitions whose naming line is kept; NaN where there are none.
func visible(defs []lineRange, kept []map[int]bool) float64 {
	have := 0
	for _, d := range defs {
		if kept[d.file][d.key] {
			have++
		}
	}
	return share(have, len(defs))
}

// parseable reports, as 1 or 0, that no file of the result has more syntax errors than it had
// before. It is NaN where no grammar can tell.
func (b codebase) parseable(ctx context.Context, splitter compress.Splitter, res compress.Result) (float64, error) {
	verdict := math.NaN()
	for i, f := range res.Files {
		before := b.parsed[i].SyntaxErrors
		parsed, err := splitter.ParseAs(ctx, b.parsed[i].Language, []byte(f.Text))
		if err != nil {
			return 0, fmt.Errorf("parse output %s: %w", f.Path, err)
		}
		switch {
		case before < 0 || parsed.SyntaxErrors < 0:
		case parsed.SyntaxErrors > before:
			return 0, nil
		default:
			verdict = 1
		}
	}
	return verdict, nil
}
