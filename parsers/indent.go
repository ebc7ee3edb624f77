package parsers

import (
	"bytes"
	"math"
	"strings"
)

// Bounds of the chunks of a file that is cut by its indentation, in lines.
const (
	mostRun     = 24 // of siblings in one chunk
	leastOwn    = 4  // of a block that is a chunk of its own
	mostWhole   = 40 // of a block that is one chunk and not a header with chunks inside
	maxIndented = 60 // levels
)

// A block is a line with the deeper lines below it, and the lines of its own depth that close it or
// carry it on.
type block struct {
	start, end int
	kids       []block
	// solid says that it is one value that no comment may stand in.
	solid bool
}

// An indenter cuts the languages without a grammar in which depth is meant: YAML, TOML, JSON, HCL,
// markup, and code.
type indenter struct {
	lines    Lines
	language string
	depths   []int  // of each line; math.MaxInt inside a value of several lines, -1 for a blank line
	opens    []bool // a value of several lines begins on the line
	comment  []byte
	chunks   []Chunk
}

// cutIndented cuts a file by the depth of its lines: a line stays with the lines that it stands
// under.
func cutIndented(language string, lines Lines) []Chunk {
	prefix, suffix := commentOf(language)
	c := indenter{lines: lines, language: language}
	if suffix == "" {
		c.comment = []byte(strings.TrimSpace(prefix))
	}
	c.measure()
	c.settle()
	c.siblings(c.blocks(0, lines.Count(), 0), -1, "")
	if len(c.chunks) == 0 && lines.Count() > 0 {
		c.open(Chunk{Kind: KindParagraph, Parent: -1})
	}
	if len(c.chunks) > 0 {
		c.chunks[0].StartLine = 0
	}
	chunks := Tile(c.chunks, lines)
	if language == "yaml" {
		keepAnchors(chunks, lines)
	}
	return chunks
}

// measure finds the depth of each line, twice its indentation so that there is room between.
func (c *indenter) measure() {
	c.depths, c.opens = make([]int, c.lines.Count()), make([]bool, c.lines.Count())
	quote, scalar, opener := "", -1, 0
	found := c.lumps()
	for line := range c.depths {
		text := bytes.TrimSpace(c.lines.text(line))
		depth := 2 * c.lines.indent(line)
		if found.inside[line] {
			c.depths[line] = math.MaxInt
			continue
		}
		if at, ok := found.openers[line]; ok {
			quote, scalar = "", -1
			c.opens[line], c.depths[line] = true, c.depth(text, 2*c.lines.indent(at))
			continue
		}
		switch {
		case quote != "":
			c.depths[line] = math.MaxInt
			if bytes.Contains(text, []byte(quote)) {
				quote = ""
			}
			continue
		case len(text) == 0:
			c.depths[line] = -1
			continue
		case scalar >= 0 && depth > scalar:
			c.depths[line] = math.MaxInt
			c.opens[opener] = true
			continue
		}
		scalar = -1
		c.depths[line] = c.depth(text, depth)
		if c.remark(line) {
			continue
		}
		if quote = opensQuote(text); quote != "" {
			c.opens[line] = true
		}
		if c.language == "yaml" && opensScalar(text) {
			scalar, opener = depth, line
			if strings.IndexByte("|>!&", text[0]) >= 0 {
				scalar-- // the mark has a line of its own, and its text stands as deep
			}
			if item := bytes.TrimLeft(text, "- "); len(item) < len(text) && bytes.Contains(item, []byte(":")) {
				scalar += 2 * (len(text) - len(item)) // of a key that stands behind the item's dash
			}
		}
	}
}

// settle gives a line of comment the depth of the line that it stands above, whatever its own: it
// ends no block.
func (c *indenter) settle() {
	below := -1
	for line := len(c.depths) - 1; line >= 0; line-- {
		switch depth := c.depths[line]; {
		case depth < 0:
		case depth == math.MaxInt || !c.remark(line):
			below = line
		case below >= 0 && c.depths[below] != math.MaxInt:
			c.depths[line] = c.depths[below]
			if c.carriesOn(below) {
				c.depths[line]++
			}
		}
	}
}

// depth puts a list's items below their key, and what follows a section's head below it.
func (c *indenter) depth(text []byte, depth int) int {
	switch c.language {
	case "yaml":
		switch {
		case string(text) == "---":
			return 0 // a document begins, which is below it
		case text[0] == '-' && (len(text) == 1 || text[1] == ' '):
			return depth + 3
		}
		return depth + 2
	case "toml", "ini":
		if depth > 0 || text[0] != '[' {
			return depth + 1
		}
	}
	return depth
}

// blocks are the siblings in the lines [from, to).
func (c *indenter) blocks(from, to, level int) []block {
	var list []block
	for line := c.next(from, to); line < to; {
		b := block{start: line, end: line + 1, solid: c.opens[line]}
		depth := c.depths[line]
		for at := c.next(line+1, to); at < to; at = c.next(at+1, to) {
			if c.depths[at] < depth || c.depths[at] == depth && !c.carriesOn(at) {
				break
			}
			b.end = at + 1
		}
		if !b.solid && level < maxIndented && b.end > line+1 {
			b.kids = c.inside(b, depth, level)
		}
		list = append(list, b)
		line = c.next(b.end, to)
	}
	return list
}

// inside are the blocks below a block's first line, between the lines of its own depth.
func (c *indenter) inside(b block, depth, level int) []block {
	var kids []block
	from := b.start + 1
	for at := c.next(from, b.end); ; at = c.next(at+1, b.end) {
		if at < b.end && c.depths[at] > depth {
			continue
		}
		if !c.opens[from-1] { // else they are lines of one value, which a line that carries the block on began
			kids = append(kids, c.blocks(from, min(at, b.end), level+1)...)
		}
		if at >= b.end {
			return kids
		}
		from = at + 1
	}
}

// next is the first line from line on that is not blank, or limit.
func (c *indenter) next(line, limit int) int {
	for line < limit && c.depths[line] < 0 {
		line++
	}
	return line
}

// carriers are the words with which a line goes on with the block above it.
var carriers = map[string]bool{
	"end": true, "else": true, "elseif": true, "elsif": true, "elif": true, "catch": true, "rescue": true,
	"ensure": true, "finally": true, "then": true, "do": true, "done": true, "fi": true, "esac": true,
}

// carriesOn reports that a line closes the block above it or goes on with it.
func (c *indenter) carriesOn(line int) bool {
	text := bytes.TrimSpace(c.lines.text(line))
	if len(text) == 0 {
		return false // a blank line inside a value of several lines
	}
	if bytes.HasPrefix(text, []byte("</")) || bytes.HasPrefix(text, []byte("/>")) {
		return true
	}
	if bytes.IndexByte([]byte("}])>{"), text[0]) >= 0 && c.language != "toml" && c.language != "ini" || text[0] == ']' {
		return true
	}
	n := 0
	for n < len(text) && isLetter(text[n]) {
		n++
	}
	if n < len(text) && (text[n] == ':' || text[n] == '=') {
		return false // a key of that name
	}
	return carriers[string(text[:n])]
}

// siblings makes chunks of blocks: of large ones each its own, of the others runs.
func (c *indenter) siblings(list []block, parent int, outer string) {
	from := 0
	flush := func(to int) {
		if from < to {
			chunk := Chunk{Kind: KindParagraph, StartLine: list[from].start, Parent: parent}
			chunk.Units = c.units(list[from:to])
			c.open(chunk)
		}
		from = to
	}
	for i, b := range list {
		if b.end-b.start < leastOwn || len(b.kids) == 0 {
			if i > from && b.end-list[from].start > mostRun {
				flush(i)
			}
			continue
		}
		head := i // with the comments above it
		for head > from && c.isComment(list[head-1]) && list[head-1].end == list[head].start {
			head--
		}
		flush(head)
		c.own(b, list[head].start, parent, outer)
		from = i + 1
	}
	flush(len(list))
}

// own makes a chunk of a block, or of its first lines with chunks inside.
func (c *indenter) own(b block, start, parent int, outer string) {
	chunk := Chunk{
		Kind: KindParagraph, Name: qualify(outer, c.nameOf(b)), StartLine: start, Parent: parent,
		SignatureStart: b.start, SignatureEnd: b.start + 1, DocStart: start, DocEnd: b.start,
	}
	first := b.kids[0].start
	if b.end-b.start <= mostWhole {
		chunk.Units = append(c.comments(start, b.start), c.units(b.kids)...)
		c.open(chunk)
		return
	}
	chunk.Units = c.comments(start, b.start)
	c.open(chunk)
	index := len(c.chunks) - 1
	c.siblings(b.kids, index, chunk.Name)
	if end := c.next(b.kids[len(b.kids)-1].end, b.end); end < b.end && first < end {
		c.open(Chunk{Kind: KindEnd, StartLine: end, Parent: index})
	}
}

func (c *indenter) open(chunk Chunk) { c.chunks = append(c.chunks, chunk) }

// comments is a unit of the comment lines above a block.
func (c *indenter) comments(start, end int) []Unit {
	if start == end {
		return nil
	}
	return []Unit{{Start: start, End: end, Comment: true}}
}

func (c *indenter) units(list []block) []Unit {
	us := make([]Unit, 0, len(list))
	for _, b := range list {
		u := Unit{Start: b.start, End: b.end, Comment: c.isComment(b)}
		if len(b.kids) > 0 {
			u.Units = c.units(b.kids)
		}
		us = append(us, u)
	}
	return us
}

func (c *indenter) isComment(b block) bool {
	return b.end == b.start+1 && c.remark(b.start)
}

// remark reports that a line is a comment and nothing else.
func (c *indenter) remark(line int) bool {
	return len(c.comment) > 0 && bytes.HasPrefix(bytes.TrimSpace(c.lines.text(line)), c.comment)
}

// nameOf is the key on a block's first line.
func (c *indenter) nameOf(b block) string {
	text := bytes.TrimLeft(bytes.TrimSpace(c.lines.text(b.start)), "-[ ")
	if i := bytes.IndexAny(text, ":={]"); i >= 0 {
		text = text[:i]
	}
	return clean(text)
}
