package evolve

import (
	"fmt"
	"strings"

	"pith/evolve/search"
)

// Overlaps says, one sentence each, how many rows stand in two splits and how many stand among the
// demonstrations: figures on such rows flatter a prompt that was chosen by them or shows them.
func (t *Task) Overlaps() (out []string) {
	splits := []struct {
		name string
		rows []Example
	}{{"search", t.Search}, {"validation", t.Validation}, {"test", t.Test}}
	for i, later := range splits {
		for _, earlier := range splits[:i] {
			seen := map[string]bool{}
			for _, ex := range earlier.rows {
				seen[t.identity(ex)] = true
			}
			n := 0
			for _, ex := range later.rows {
				if seen[t.identity(ex)] {
					n++
				}
			}
			if n > 0 {
				out = append(out, fmt.Sprintf("%d of the %d %s rows stand in the %s split too",
					n, len(later.rows), later.name, earlier.name))
			}
		}
	}
	for _, s := range splits {
		n := 0
		for _, ex := range s.rows {
			if t.demonstrates(ex) {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d of the %d %s rows are demonstrations of the prompt",
				n, len(s.rows), s.name))
		}
	}
	return out
}

// identity names a row by what fills the slots.
func (t *Task) identity(ex Example) string {
	parts := make([]string, len(t.Slots))
	for i, s := range t.Slots {
		parts[i] = ex.Fields[s]
	}
	return hashParts(parts...)
}

// demonstrates says whether the prompt shows a row: whether the lines that hold its slots, filled
// with the row, stand elsewhere in it, too.
func (t *Task) demonstrates(ex Example) bool {
	first, _ := search.NextSlot(t.Template, t.Slots)
	last, rest := 0, t.Template
	for {
		start, end := search.NextSlot(rest, t.Slots)
		if start == end {
			break
		}
		last += end
		rest = rest[end:]
	}
	from := strings.LastIndexByte(t.Template[:first], '\n') + 1
	to := last + len(rest)
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		to = last + i
	}
	lines := "\n" + search.Fill(t.Template[from:to], ex.Fields) + "\n"
	return strings.Contains("\n"+t.Template[:from], lines) || strings.Contains(t.Template[to:]+"\n", lines)
}
