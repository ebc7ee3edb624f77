package parsers

// Bounds of a chunk of text without a grammar, in lines.
const (
	leastText = 12
	mostText  = 60
)

// cutText cuts a file by its lines. A chunk ends at a blank line before a line that is not indented
// once it has leastText lines; failing that, past half of mostText, at a blank line, or else where
// the indentation is least.
func cutText(lines Lines) []Chunk {
	var chunks []Chunk
	for start := 0; start < lines.Count(); {
		end := textEnd(lines, start)
		chunks = append(chunks, Chunk{
			Kind: KindParagraph, StartLine: start, Parent: -1,
			Units: paragraphs(lines, start, end),
		})
		start = end
	}
	return Tile(chunks, lines)
}

// textEnd is the line after the chunk that begins at start.
func textEnd(lines Lines, start int) int {
	limit := min(start+mostText, lines.Count())
	blank, shallow, depth := 0, 0, 1<<30
	for line := start + leastText; line < limit; line++ {
		if lines.blank(line) {
			continue
		}
		indent := lines.indent(line)
		apart := lines.blank(line - 1)
		if apart && indent == 0 {
			return line
		}
		if line-start <= mostText/2 {
			continue
		}
		if apart {
			blank = line
		}
		if indent <= depth {
			shallow, depth = line, indent
		}
	}
	switch {
	case limit == lines.Count():
		return limit
	case blank > 0:
		return blank
	case shallow > 0:
		return shallow
	}
	return limit
}

// paragraphs makes a unit of each run of lines between blank lines; the blank lines after it are
// its own.
func paragraphs(lines Lines, start, end int) []Unit {
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
