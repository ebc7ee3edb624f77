package parsers

// Bounds of a chunk of text without a grammar, in lines: a blank line at a lower indentation ends a chunk from the
// least on, any line does at the most.
const (
	leastText = 12
	mostText  = 60
)

// cutText cuts a file by its lines. A chunk ends at a blank line before a line that is not indented, once it is long
// enough, or at any blank line when it is longer still; a chunk never grows past mostText lines.
func cutText(lines lineTable) []Chunk {
	var chunks []Chunk
	for start := 0; start < lines.count(); {
		end := textEnd(lines, start)
		chunks = append(chunks, Chunk{
			Kind: KindParagraph, StartLine: start, Parent: -1,
			Units: paragraphs(lines, start, end),
		})
		start = end
	}
	return tile(chunks, lines)
}

// textEnd is the line after the chunk that begins at start.
func textEnd(lines lineTable, start int) int {
	limit := min(start+mostText, lines.count())
	best := limit
	for line := start + 1; line < limit; line++ {
		if !lines.blank(line-1) || lines.blank(line) {
			continue
		}
		if line-start >= leastText && lines.indent(line) == 0 {
			return line
		}
		if line-start > mostText/2 {
			best = line
		}
	}
	return best
}

// paragraphs makes a unit of each run of lines between blank lines; the blank lines after it are its own.
func paragraphs(lines lineTable, start, end int) []Unit {
	var us []Unit
	for line := lines.skipBlank(start, end); line < end; {
		u := Unit{Start: line}
		for line < end && !lines.blank(line) {
			line++
		}
		line = lines.skipBlank(line, end)
		u.End = line
		us = append(us, u)
	}
	return us
}
