package compress

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// A plan is one way to cut the input.
type plan struct {
	keep   [][]bool // per source and line
	texts  []string // per source
	text   string
	tokens int
	// markers is the part of tokens that stands for what was left out.
	markers int
	// worth is the value of what was chosen.
	worth float64
}

// assemble writes the kept lines with one marker per gap.
func (j *job) assemble(keep [][]bool) *plan {
	p := &plan{keep: make([][]bool, len(keep)), texts: make([]string, len(keep))}
	var all strings.Builder
	for i, src := range j.sources {
		p.keep[i] = slices.Clone(keep[i])
		if j.req.Sparse && !slices.Contains(keep[i], true) {
			continue
		}
		p.texts[i] = j.render(src, p.keep[i])
		p.markers += j.markersOf(src, p.keep[i])
		switch {
		case len(j.sources) == 1:
			all.WriteString(p.texts[i])
		case src.lines() > 0 && !slices.Contains(p.keep[i], true):
			all.WriteString(endLine(src.markerLine(0, src.lines(), src.name())))
		default:
			all.WriteString(src.headerLine())
			all.WriteString(endLine(p.texts[i]))
		}
	}
	p.text = all.String()
	p.tokens = j.count(p.text)
	return p
}

// endLine gives text a line end if it lacks one, so that the next file's header begins a line.
func endLine(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// render writes one file. Where a marker would not be cheaper than the lines it stands for, they
// stay and keep says so.
func (j *job) render(src *source, keep []bool) string {
	if src.lines() == 1 {
		keep[0] = true // a marker in place of the only line would be no part of the file
		return src.content
	}
	var out strings.Builder
	said := j.req.WayBack == ""
	for from := 0; from < len(keep); {
		to := from + 1
		for to < len(keep) && keep[to] == keep[from] {
			to++
		}
		text := src.text(from, to)
		if !keep[from] {
			marker := src.markerLine(from, to, "")
			if !said && src.gap(from+1, to).String() == "" {
				if with := src.markerWith(from, to, j.req.WayBack); j.cheaper(with, src, from, to) {
					marker, said = with, true
				}
			}
			if j.cheaper(marker, src, from, to) {
				text = marker
			} else {
				for line := from; line < to; line++ {
					keep[line] = true
				}
			}
		}
		out.WriteString(text)
		from = to
	}
	return out.String()
}

// markersOf counts the tokens of a file's markers.
func (j *job) markersOf(src *source, keep []bool) int {
	sum := 0
	for _, gap := range gaps(keep) {
		sum += j.count(src.markerLine(gap[0], gap[1], ""))
	}
	return sum
}

// cheaper reports that marker takes fewer tokens than the lines [from, to). The sum over lines
// overstates what blank lines cost together, so near the marker's size the lines are counted as one
// text.
func (j *job) cheaper(marker string, src *source, from, to int) bool {
	cost, price := src.cost(from, to), j.count(marker)
	if price < cost && cost < 4*price {
		cost = j.count(src.text(from, to))
	}
	return price < cost
}

// markerLine is the comment that stands for the lines [from, to): numbered from 1, inclusive,
// indented as the first of them that is not blank, ended as the last of them. A name is written
// where the line stands for a whole file among several.
func (s *source) markerLine(from, to int, name string) string {
	return s.remark(from, to, s.markerBody(from+1, to, name))
}

// remark is a comment line in the place of the lines [from, to).
func (s *source) remark(from, to int, body string) string {
	omitted := s.text(from, to)
	if s.markup[s.firstText(from, to)] {
		return indent(omitted) + "{/* " + body + " */}" + lineEnd(omitted)
	}
	return indent(omitted) + s.comment(body) + lineEnd(omitted)
}

// firstText is the first line in [from, to) that is not blank.
func (s *source) firstText(from, to int) int {
	for from < to-1 && s.allBlank(from, from+1) {
		from++
	}
	return from
}

// markerWith is markerLine with a remark behind it.
func (s *source) markerWith(from, to int, remark string) string {
	return s.remark(from, to, s.markerBody(from+1, to, "")+" ("+remark+")")
}

func (s *source) markerBody(first, last int, name string) string {
	body := fmt.Sprintf("... lines %d-%d omitted", first, last)
	if name != "" {
		body = name + " " + body
	}
	if hash := s.gap(first, last).String(); hash != "" {
		body += " hash=" + hash
	}
	return body
}

// gap names the lines first to last, counted from 1.
func (s *source) gap(first, last int) Gap { return Gap{Original: s.id, First: first, Last: last} }

// comment makes a one-line comment of body.
func (s *source) comment(body string) string {
	prefix, suffix := s.parsed.CommentPrefix, s.parsed.CommentSuffix
	if prefix == "" {
		prefix = "# "
	}
	return prefix + body + suffix
}

// indent returns the white space before the first character of text that is not white space, on
// that character's line.
func indent(text string) string {
	body := strings.TrimLeftFunc(text, unicode.IsSpace)
	lead := text[:len(text)-len(body)]
	if body == "" {
		return ""
	}
	return strings.Trim(lead[strings.LastIndexByte(lead, '\n')+1:], "\r\v\f")
}

func lineEnd(text string) string {
	switch {
	case strings.HasSuffix(text, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(text, "\n"):
		return "\n"
	}
	return ""
}

// name is how a file is called among several: its path on one line, without what would end the
// comment.
func (s *source) name() string {
	path := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, s.path)
	if end := strings.TrimSpace(s.parsed.CommentSuffix); end != "" {
		path = strings.ReplaceAll(path, end, "?")
	}
	if path == "" {
		return fmt.Sprintf("file %d", s.index+1)
	}
	return path
}

// headerLine names a file among several.
func (s *source) headerLine() string { return s.comment(s.name()) + "\n" }

// header is its cost.
func (j *job) header(src *source) int {
	if len(j.sources) == 1 {
		return 0
	}
	return j.count(src.headerLine())
}

// whole is the text as it would go out without compression.
func (j *job) whole() *plan {
	keep := make([][]bool, len(j.sources))
	for i, src := range j.sources {
		keep[i] = slices.Repeat([]bool{true}, src.lines())
	}
	return j.assemble(keep)
}
