package proxy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pith/compress"
)

// Reasons for which a finished result is not used.
var (
	errUnaligned = errors.New("result does not line up with its input")
	errBreaksOut = errors.New("result would end its fence or element")
	errNoGain    = errors.New("result is not shorter")
)

// rebuild turns a result into the raw bytes that stand for the block in the body. A kept line is copied from the body with its
// line number and its escapes, so that nothing but markers is new.
func (b *block) rebuild(body []byte, res compress.Result) ([]byte, error) {
	if len(res.Files) != 1 {
		return nil, fmt.Errorf("%w: %d files for one", errUnaligned, len(res.Files))
	}
	text := res.Files[0].Text
	if text == b.request.Files[0].Content {
		return nil, errNoGain
	}
	lines := b.text.lines[b.first:b.last]
	kept, err := keptLines(res.Chunks, len(lines))
	if err != nil {
		return nil, err
	}
	end := lines[len(lines)-1]
	out := make([]byte, 0, end.end-lines[0].start)
	wrote, next := 0, 0
	for _, line := range outputLines(text) {
		at, err := b.find(line, next, kept)
		switch {
		case err != nil:
			return nil, err
		case at >= 0:
			out = append(out, body[lines[at].start:lines[at].eol]...)
			next = at + 1
			if len(kept) > 0 && at == kept[0] {
				kept = kept[1:]
			}
		case breaksOut(line):
			return nil, errBreaksOut
		default:
			out = appendEscaped(out, line)
			next = b.afterMarker(line, next)
		}
		wrote = len(out)
		out = append(out, `\n`...)
	}
	if len(kept) > 0 {
		return nil, fmt.Errorf("%w: line %d", errUnaligned, kept[0]+1)
	}
	if end.eol == end.end {
		out = out[:wrote]
	}
	if len(out) >= end.end-lines[0].start {
		return nil, errNoGain
	}
	return out, nil
}

// find says which line of the block a line of the result is, next being the first that it can be. The report names the lines kept
// of each chunk but not those that close one (the brace of a class): such a line is the one that follows, or the only one up to the
// next kept line that reads the same. It returns -1 for a line that is not the block's: a marker. Where two lines may be meant there
// is an error, as a wrong line number is worse than no saving.
func (b *block) find(line string, next int, kept []int) (int, error) {
	end, reported := len(b.content), false
	if len(kept) > 0 {
		end = kept[0]
		reported = b.content[end] == line
	}
	follows := next < end && b.content[next] == line
	switch {
	case reported && follows:
		return -1, errEither
	case reported:
		return end, nil
	case follows:
		return next, nil
	}
	at := -1
	for i := next; i < end; i++ {
		if b.content[i] != line {
			continue
		}
		if at >= 0 {
			return -1, errEither
		}
		at = i
	}
	return at, nil
}

var errEither = fmt.Errorf("%w: two lines may be meant", errUnaligned)

// markerSpan is the part of a marker that says what it stands for.
var markerSpan = regexp.MustCompile(`\blines? (\d+)(?:-(\d+))? omitted\b`)

// afterMarker is the index of the line behind those that a marker stands for, or next where it does not say.
func (b *block) afterMarker(marker string, next int) int {
	m := markerSpan.FindStringSubmatch(marker)
	if m == nil {
		return next
	}
	last, err := strconv.Atoi(orElse(m[2], m[1]))
	if err != nil || last < next || last > len(b.content) {
		return next
	}
	return last
}

// keptLines lists the indexes of the lines that a report says were kept, in order.
func keptLines(chunks []compress.ChunkResult, n int) ([]int, error) {
	var kept []int
	for _, c := range chunks {
		for _, run := range c.KeptLines {
			for line := run[0]; line <= run[1]; line++ {
				if line < 1 || line > n || len(kept) > 0 && kept[len(kept)-1] >= line-1 {
					return nil, fmt.Errorf("%w: kept line %d", errUnaligned, line)
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

// breaksOut reports that a line which was not in the block could end the fence or element around it. Markers quote nothing of
// their file but may end in what a grammar calls a comment; this holds whatever that is.
func breaksOut(line string) bool {
	s := strings.TrimSpace(line)
	return strings.HasPrefix(s, "```") || strings.HasPrefix(s, "~~~") || strings.HasPrefix(s, "</")
}
