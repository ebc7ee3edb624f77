package dialects

import (
	"errors"
	"fmt"
	"strings"

	"pith/compress"
)

// Reasons for which a finished result is not used.
var (
	ErrUnaligned = errors.New("result does not line up with its input")
	ErrBreaksOut = errors.New("result would end its fence or element")
	ErrNoGain    = errors.New("result is not shorter")
)

// edit is the edit of body, in which the block was found, that puts the text of a result in the
// block's place. chunks are the result's for the block.
func (b *Block) edit(body []byte, text string, chunks []compress.ChunkResult) (Edit, error) {
	raw, err := b.rebuild(body, text, chunks)
	return Edit{Start: b.lines[0].start, End: b.lines[len(b.lines)-1].end, Text: raw}, err
}

// rebuild turns a result into the raw bytes that stand for the block in the body. A kept line is
// copied from the body with its line number and its escapes, so that nothing but markers is new.
// The report names every kept line and each gap leaves one marker, so which line is which never has
// to be guessed.
func (b *Block) rebuild(body []byte, text string, chunks []compress.ChunkResult) ([]byte, error) {
	if text == b.Request.Files[0].Content {
		return nil, ErrNoGain
	}
	lines := b.lines
	if b.says(body, lines[0]) != lines[0].text { // its heading was cut off where escapes stand in it
		return nil, fmt.Errorf("%w: line 1 begins elsewhere", ErrUnaligned)
	}
	kept, err := keptLines(chunks, len(lines))
	switch {
	case err != nil:
		return nil, err
	case len(kept) == 0:
		return nil, ErrNothingKept
	}
	end := lines[len(lines)-1]
	out := make([]byte, 0, end.end-lines[0].start)
	newline := b.escaped("\n")
	wrote, next := 0, 0
	for _, line := range outputLines(text) {
		switch {
		case len(kept) > 0 && kept[0] == next:
			if b.content[next] != line {
				return nil, fmt.Errorf("%w: line %d", ErrUnaligned, next+1)
			}
			out = append(out, body[lines[next].start:lines[next].eol]...)
			next, kept = next+1, kept[1:]
		case next == len(lines) || breaksOut(line):
			return nil, ErrBreaksOut
		default: // the one marker of a gap
			out = append(out, b.escaped(line)...)
			next = len(lines)
			if len(kept) > 0 {
				next = kept[0]
			}
		}
		wrote = len(out)
		out = append(out, newline...)
	}
	if len(kept) > 0 || next < len(lines) {
		return nil, fmt.Errorf("%w: %d lines left over", ErrUnaligned, len(lines)-next)
	}
	if end.eol == end.end {
		out = out[:wrote]
	}
	if len(out) >= end.end-lines[0].start {
		return nil, ErrNoGain
	}
	return out, nil
}

// says decodes a line of the block as it stands in the body.
func (b *Block) says(body []byte, line textLine) string {
	text := readString(nil, body, line.start, line.eol)
	for range b.depth {
		text = readString(nil, []byte(text), 0, len(text))
	}
	return text
}

// escaped is text as it stands in the body, under as many layers of escapes as the block.
func (b *Block) escaped(text string) []byte {
	out := appendEscaped(nil, text)
	for range b.depth {
		out = appendEscaped(nil, string(out))
	}
	return out
}

// keptLines lists the indexes of the lines that a report says were kept, in order.
func keptLines(chunks []compress.ChunkResult, n int) ([]int, error) {
	var kept []int
	for _, c := range chunks {
		for _, run := range c.KeptLines {
			for line := run[0]; line <= run[1]; line++ {
				if line < 1 || line > n || len(kept) > 0 && kept[len(kept)-1] >= line-1 {
					return nil, fmt.Errorf("%w: kept line %d", ErrUnaligned, line)
				}
				kept = append(kept, line-1)
			}
		}
	}
	return kept, nil
}

// outputLines cuts a text into lines; a final newline ends the last one.
func outputLines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// breaksOut reports that a line which was not in the block could end the fence or element around
// it. Markers quote nothing of their file but may end in what a grammar calls a comment; this holds
// whatever that is.
func breaksOut(line string) bool {
	s := strings.TrimSpace(line)
	return strings.HasPrefix(s, "```") || strings.HasPrefix(s, "~~~") || strings.HasPrefix(s, "</")
}
