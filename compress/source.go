package compress

import (
	"strings"

	"pith/parsers"
)

// A source is one input file: its lines, what each costs, and its syntax.
type source struct {
	index   int // in job.sources
	path    string
	content string
	parsed  parsers.File
	known   *knownFile
	level   level
	// id names the file in the hashes of markers; empty without retrieval.
	id string
	// starts holds the byte offset of each line and, last, the length of content.
	starts []int
	// markup holds the lines at which a marker is a comment in JSX's form.
	markup map[int]bool
	// spent[i] is the number of tokens of the first i lines, each counted alone with its line end.
	// BPE is not additive, so sums of it are an estimate; the final text is counted as a whole.
	spent []int
	// marker is the most that a marker line of this file costs, in tokens.
	marker int
	// idle is a file that is left out of the choice.
	idle bool
}

func newSource(f File, k *knownFile) *source {
	return &source{
		path: f.Path, content: f.Content, parsed: k.parsed, known: k, starts: k.starts, spent: k.spent,
	}
}

// lineStarts lists where the lines of a text begin and, last, its length.
func lineStarts(text string) []int {
	starts := []int{0}
	for at := 0; at < len(text); {
		nl := strings.IndexByte(text[at:], '\n')
		if nl < 0 {
			at = len(text)
		} else {
			at += nl + 1
		}
		starts = append(starts, at)
	}
	return starts
}

// lines is the number of lines. A last line without a line end counts, the empty rest after a final
// one does not.
func (s *source) lines() int { return len(s.starts) - 1 }

// text returns the lines [from, to), line ends included.
func (s *source) text(from, to int) string { return s.content[s.starts[from]:s.starts[to]] }

// cost returns the tokens of the lines [from, to).
func (s *source) cost(from, to int) int { return s.spent[to] - s.spent[from] }

// allBlank reports that the lines [from, to) hold nothing but white space.
func (s *source) allBlank(from, to int) bool { return strings.TrimSpace(s.text(from, to)) == "" }

// clamp bounds a span of lines to the file, so that a faulty Splitter costs quality and not a
// panic.
func (s *source) clamp(from, to int) (int, int) {
	from = min(max(from, 0), s.lines())
	return from, min(max(to, from), s.lines())
}

// A chunk is one parsers.Chunk with what the stages learn about it. Line numbers are 0-based and
// half-open.
type chunk struct {
	src        *source
	syntax     parsers.Chunk
	start, end int
	family
	// units are the parts that may go while the rest, the frame, stays.
	units []node
	// whole is the cost of all its lines, frame of what stays when all units go, markers included.
	// Both count the closer.
	whole, frame int
	score        float64
	rank         int // 1 is best, 0 not ranked
	signals      row
	// probability is that of being needed, value what keeping the chunk gains, needed what it gains
	// for the sake of chunks that use it.
	probability, value, needed float64
	// pruned are the forms of a large chunk that are cut inside.
	pruned []piece
	// read says that the model read the chunk when it was ranked.
	read bool
	// surprise is the score of each line, nil where no model ran.
	surprise []float64
	// blocks is what the fine stage may leave out. Nil: whole or nothing.
	blocks []node
}

// A family is a chunk's kin, as indices of job.chunks.
type family struct {
	parent   int   // the enclosing chunk, or -1
	closer   int   // the chunk that closes this one (its brace), or -1
	children []int // the chunks whose parent this is, closer excluded
}

// A node is a run of whole lines that may be left out: a unit, or a block of units. Its lines
// outside of kids are its frame.
type node struct {
	start, end int
	comment    bool
	value      float64 // what the knapsack gains by keeping it
	kids       []node
}

// nodes turns a parser's units into nodes. Blank lines between two siblings go with the second:
// left in the frame they would split one gap into two.
func nodes(src *source, units []parsers.Unit, from, to int) []node {
	var list []node
	at := from
	for _, u := range units {
		start, end := max(u.Start, at), min(u.End, to)
		if start >= end {
			continue
		}
		kids := nodes(src, u.Units, start, end)
		if u.Comment && len(kids) == 0 {
			kids = commentLines(src, start, end)
		}
		if len(list) > 0 && src.allBlank(at, start) {
			start = at
		}
		list = append(list, node{start: start, end: end, comment: u.Comment, kids: kids})
		at = end
	}
	return list
}

// commentLines makes nodes of the lines of a comment that can go on their own: all of a run of line
// comments, the inner ones of a block comment, where a marker is part of the comment. A docstring
// has none: a marker would be part of a value.
func commentLines(src *source, from, to int) []node {
	prefix := strings.TrimSpace(src.parsed.CommentPrefix)
	if prefix == "" || src.parsed.CommentSuffix != "" {
		return nil
	}
	body := strings.TrimSpace(src.text(from, to))
	inner, opens := strings.CutPrefix(body, "/*")
	if opens && strings.Index(inner, "*/") == len(inner)-len("*/") { // one comment, not several
		return lineNodes(src, from+1, to-1, "")
	}
	return lineNodes(src, from, to, prefix)
}

// lineNodes makes a node of each line in [from, to), or none at all if one of them does not begin
// with prefix.
func lineNodes(src *source, from, to int, prefix string) []node {
	var list []node
	for line := from; line < to; line++ {
		if !strings.HasPrefix(strings.TrimLeft(src.text(line, line+1), " \t"), prefix) {
			return nil
		}
		list = append(list, node{start: line, end: line + 1, comment: true})
	}
	return list
}

// isProse reports that any line of a language may go on its own.
func isProse(language string) bool { return language == "text" || language == "markdown" }

// plainLines makes the lines of a chunk of prose its units; headings and fences stay with what is
// theirs.
func plainLines(src *source, kind parsers.Kind, from, to int) []node {
	switch kind {
	case parsers.KindSection:
		from++
	case parsers.KindFence:
		from, to = from+1, to-1
	}
	return lineNodes(src, from, to, "")
}

// newChunks lists the chunks of one file. Indices count from base, the number of chunks before.
func newChunks(src *source, base int) []chunk {
	list := make([]chunk, len(src.parsed.Chunks))
	src.markup = map[int]bool{}
	for i, c := range src.parsed.Chunks {
		start, end := src.clamp(c.StartLine, c.EndLine)
		for _, line := range c.Markup {
			src.markup[line] = true
		}
		list[i] = chunk{src: src, syntax: c, start: start, end: end, family: family{parent: -1, closer: -1}}
		if c.Parent >= 0 && c.Parent < i {
			list[i].parent = base + c.Parent
		}
	}
	for i := range list {
		c := &list[i]
		if c.parent < 0 {
			continue
		}
		if c.syntax.Kind == parsers.KindEnd {
			list[c.parent-base].closer = base + i
		} else {
			list[c.parent-base].children = append(list[c.parent-base].children, base+i)
		}
	}
	for i := range list {
		c := &list[i]
		c.units = nodes(src, c.syntax.Units, c.start, c.end)
		if lump := len(c.units) == 0 || len(c.units) == 1 && len(c.units[0].kids) == 0; lump &&
			isProse(src.parsed.Language) {
			c.units = plainLines(src, c.syntax.Kind, c.start, c.end)
		}
		c.whole = src.cost(c.start, c.end)
		if c.closer >= 0 {
			closer := &list[c.closer-base]
			c.whole += src.cost(closer.start, closer.end)
		}
		c.frame = c.whole - savings(src, c.units)
	}
	return list
}

// savings is how much cheaper the file gets when all of units go and a marker takes the place of
// each run of them. A run that is cheaper than its marker stays.
func savings(src *source, units []node) int {
	saved := 0
	for i := 0; i < len(units); {
		j := i + 1
		for j < len(units) && units[j].start == units[j-1].end {
			j++
		}
		saved += max(0, src.cost(units[i].start, units[j-1].end)-src.marker)
		i = j
	}
	return saved
}

// isCloser reports a chunk that stays or goes with its parent and is not ranked on its own.
func (c *chunk) isCloser() bool { return c.syntax.Kind == parsers.KindEnd && c.parent >= 0 }

// text is what the model reads of the chunk.
func (c *chunk) text() string { return c.src.text(c.start, c.end) }

// opens returns which lines begin a block, or nil where no model ran.
func (c *chunk) opens() func(line int) bool {
	if c.surprise == nil {
		return nil
	}
	marks := boundaries(c.surprise)
	return func(line int) bool { return line-c.start < len(marks) && marks[line-c.start] }
}

// pin takes the nodes inside the lines [from, to) out of list: they become lines of the frame
// around them, which stay.
func pin(list []node, from, to int) []node {
	var rest []node
	for _, n := range list {
		if n.start >= from && n.end <= to {
			continue
		}
		if n.start < to && n.end > from {
			n.kids = pin(n.kids, from, to)
		}
		rest = append(rest, n)
	}
	return rest
}
