package bench

import (
	"strings"

	"pith/parsers"
)

// A needle is a documented function of a draft: a possible question with its answer.
type needle struct {
	name    string
	query   string
	comment span
	key     int // first line of the header
}

// needlesOf lists the functions of a file that are documented and neither trivial nor huge.
func needlesOf(d draft) []needle {
	var found []needle
	for _, c := range d.parsed.Chunks {
		if c.Kind != parsers.KindFunction || c.Name == "" {
			continue
		}
		comment, ok := docComment(d.parsed.Language, d.lines, c)
		if !ok {
			continue
		}
		code := 0
		for i := c.StartLine; i < c.EndLine; i++ {
			if !comment.contains(i) && strings.TrimSpace(d.lines[i]) != "" {
				code++
			}
		}
		query := describe(d.lines[comment.start:comment.end], c.Name)
		if query != "" && code >= leastNeedleLines && code <= mostNeedleLines {
			found = append(found, needle{c.Name, query, comment, c.SignatureStart})
		}
	}
	return found
}

// describedAlike reports that another function of the drafts has the very description of chosen,
// each without its own name: then the question has several right answers, of which only one would
// count.
func describedAlike(drafts []draft, own string, chosen needle) bool {
	for _, d := range drafts {
		for _, c := range d.parsed.Chunks {
			if c.Kind != parsers.KindFunction || d.path == own && c.SignatureStart == chosen.key {
				continue
			}
			comment, ok := docComment(d.parsed.Language, d.lines, c)
			if ok && strings.EqualFold(describe(d.lines[comment.start:comment.end], c.Name), chosen.query) {
				return true
			}
		}
	}
	return false
}

// descriptions lists the doc comments of all functions of a file.
func descriptions(d draft) []span {
	var all []span
	for _, c := range d.parsed.Chunks {
		if c.Kind != parsers.KindFunction {
			continue
		}
		// A Python function that is nothing but its docstring would be broken without it.
		comment, ok := docComment(d.parsed.Language, d.lines, c)
		if ok && (comment.start < c.SignatureStart || codeAfter(d.lines, comment.end, c.EndLine)) {
			all = append(all, comment)
		}
	}
	return all
}

func codeAfter(lines []string, from, to int) bool {
	for _, line := range lines[from:to] {
		if strings.TrimSpace(line) != "" {
			return true
		}
	}
	return false
}

// without joins the lines that are in none of the spans, which are in order.
func without(lines []string, spans []span) string {
	var b strings.Builder
	next := 0
	for _, s := range spans {
		for _, line := range lines[next:s.start] {
			b.WriteString(line)
		}
		next = s.end
	}
	for _, line := range lines[next:] {
		b.WriteString(line)
	}
	return b.String()
}

func removedBefore(spans []span, line int) int {
	n := 0
	for _, s := range spans {
		if s.start < line {
			n += s.len()
		}
	}
	return n
}
