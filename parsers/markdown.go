package parsers

import (
	"bytes"
	"strings"
)

// cutMarkdown cuts at headings and fences. The grammar is not used: its scanner writes past a
// buffer of 1,024 bytes on deep quotes and lists, and takes the process down.
func cutMarkdown(lines Lines) []Chunk {
	var chunks []Chunk
	var titles [7]string // by level
	section := Chunk{Kind: KindSection, Parent: -1}
	open := func(chunk Chunk, line int) {
		if last := len(chunks) - 1; last >= 0 && chunks[last].StartLine == line {
			chunks = chunks[:last]
		}
		chunk.StartLine = line
		chunks = append(chunks, chunk)
	}
	for line := 0; line < lines.Count(); {
		text := lines.text(line)
		if level, title := heading(text); level > 0 {
			titles[level] = title
			clear(titles[level+1:])
			section = Chunk{Kind: KindSection, Name: sectionName(titles[1 : level+1]), Parent: -1}
			section.SignatureStart, section.SignatureEnd = line, line+1
			open(section, line)
			line++
			continue
		}
		if fence := fenceOf(text); fence != "" {
			open(Chunk{Kind: KindFence, Name: section.Name, Parent: -1}, line)
			line = fenceEnd(lines, line, fence)
			if line < lines.Count() {
				open(Chunk{Kind: KindSection, Name: section.Name, Parent: -1}, line)
			}
			continue
		}
		if len(chunks) == 0 {
			open(section, 0)
		}
		line++
	}
	chunks = Tile(chunks, lines)
	for i := range chunks {
		if chunks[i].Kind == KindSection {
			chunks[i].Units = paragraphs(lines, max(chunks[i].StartLine, chunks[i].SignatureEnd), chunks[i].EndLine)
		}
	}
	return chunks
}

// heading returns the level and the title of an ATX heading, level 0 for any other line.
func heading(line []byte) (int, string) {
	text := bytes.TrimRight(line, "\r\n")
	if indent := len(text) - len(bytes.TrimLeft(text, " ")); indent > 3 {
		return 0, ""
	}
	text = bytes.TrimLeft(text, " ")
	rest := bytes.TrimLeft(text, "#")
	level := len(text) - len(rest)
	if level < 1 || level > 6 || len(rest) > 0 && rest[0] != ' ' && rest[0] != '\t' {
		return 0, ""
	}
	return level, clean(bytes.TrimRight(bytes.TrimSpace(rest), "#"))
}

func sectionName(titles []string) string {
	var named []string
	for _, t := range titles {
		if t != "" {
			named = append(named, t)
		}
	}
	return strings.Join(named, " / ")
}

// fenceOf returns the run of back-ticks or tildes that opens a code fence, or "".
func fenceOf(line []byte) string {
	text := bytes.TrimSpace(line)
	for _, mark := range []string{"`", "~"} {
		rest := bytes.TrimLeft(text, mark)
		n := len(text) - len(rest)
		if n >= 3 && (mark == "~" || bytes.IndexByte(rest, '`') < 0) {
			return string(text[:n])
		}
	}
	return ""
}

// fenceEnd is the line after the one that closes the fence opened at start, or the end of the file.
func fenceEnd(lines Lines, start int, fence string) int {
	for line := start + 1; line < lines.Count(); line++ {
		text := bytes.TrimSpace(lines.text(line))
		if len(text) >= len(fence) && len(bytes.TrimLeft(text, fence[:1])) == 0 {
			return line + 1
		}
	}
	return lines.Count()
}
