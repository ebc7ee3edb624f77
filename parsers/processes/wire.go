package processes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"pith/parsers"
)

// The protocol between a Pool and its parse processes: frames of a four-byte little-endian length
// and that many bytes. A process first sends an empty frame: it serves. A request is a time limit,
// a language and the source; an answer is a status and, if all went well, the outline in varints,
// lines as distances from the ones before. A hand-written form because gob sends its type tables
// again for each stream that a replaced process begins, and a parse answer is on the way of every
// request.

const maxFrame = 64 << 20 // bytes

// Statuses of an answer.
const (
	statusDone = iota
	statusSlow
	statusFailed
)

var errWire = errors.New("malformed message")

// A request asks a parse process for an outline.
type request struct {
	language string
	limit    time.Duration
	src      []byte
}

func writeFrame(w io.Writer, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("frame of %d bytes: %w", len(payload), errWire)
	}
	frame := make([]byte, 4, 4+len(payload))
	binary.LittleEndian.PutUint32(frame, uint32(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxFrame {
		return nil, fmt.Errorf("frame of %d bytes: %w", n, errWire)
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, fmt.Errorf("frame cut short: %w", err)
	}
	return payload, nil
}

func (r request) encode() []byte {
	b := make([]byte, 0, len(r.src)+len(r.language)+16)
	b = binary.AppendUvarint(b, uint64(r.limit.Milliseconds()))
	b = appendString(b, r.language)
	return append(b, r.src...)
}

func decodeRequest(payload []byte) (request, error) {
	d := decoder{rest: payload}
	limit := d.number(int(time.Hour / time.Millisecond))
	language := d.text()
	if d.err != nil {
		return request{}, d.err
	}
	return request{language: language, limit: time.Duration(limit) * time.Millisecond, src: d.rest}, nil
}

// encodeAnswer writes an outline, or why there is none.
func encodeAnswer(o parsers.Outline, err error) []byte {
	switch {
	case errors.Is(err, parsers.ErrSlow):
		return []byte{statusSlow}
	case err != nil:
		return appendString([]byte{statusFailed}, err.Error())
	}
	b := binary.AppendUvarint([]byte{statusDone}, uint64(o.Errors))
	b, index := appendTable(b, o.Chunks)
	b = binary.AppendUvarint(b, uint64(len(o.Chunks)))
	line := 0
	for _, ch := range o.Chunks {
		b = appendString(b, string(ch.Kind))
		b = appendString(b, ch.Name)
		b = binary.AppendUvarint(b, uint64(ch.StartLine-line))
		b = binary.AppendUvarint(b, uint64(ch.Parent+1))
		b = binary.AppendUvarint(b, flag(ch.NeedsChild))
		b = binary.AppendUvarint(b, uint64(ch.SignatureStart-ch.StartLine))
		b = binary.AppendUvarint(b, uint64(ch.SignatureEnd-ch.SignatureStart))
		b = binary.AppendUvarint(b, uint64(ch.DocStart-ch.StartLine))
		b = binary.AppendUvarint(b, uint64(ch.DocEnd-ch.DocStart))
		b = appendUnits(b, ch.Units, ch.StartLine)
		b = appendLines(b, ch.Markup, ch.StartLine)
		b = appendNames(b, ch.Names, index, ch.StartLine)
		line = ch.StartLine
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendUnits(b []byte, us []parsers.Unit, from int) []byte {
	b = binary.AppendUvarint(b, uint64(len(us)))
	for _, u := range us {
		b = binary.AppendUvarint(b, uint64(u.Start-from))
		b = binary.AppendUvarint(b, uint64(u.End-u.Start)<<1|flag(u.Comment))
		b = appendUnits(b, u.Units, u.Start)
		from = u.End
	}
	return b
}

func appendLines(b []byte, lines []int, from int) []byte {
	b = binary.AppendUvarint(b, uint64(len(lines)))
	for _, line := range lines {
		b = binary.AppendUvarint(b, uint64(line-from))
		from = line
	}
	return b
}

func flag(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// decodeAnswer reads an outline of a file with so many lines. Whatever a broken process wrote, the
// Chunks tile the file and units lie inside of each other, or there is an error.
func decodeAnswer(payload []byte, lines parsers.Lines) (parsers.Outline, error) {
	if len(payload) == 0 {
		return parsers.Outline{}, fmt.Errorf("empty answer: %w", errWire)
	}
	d := decoder{rest: payload[1:]}
	switch payload[0] {
	case statusSlow:
		return parsers.Outline{}, parsers.ErrSlow
	case statusFailed:
		return parsers.Outline{}, fmt.Errorf("parse process: %s", d.text())
	}
	o := parsers.Outline{Errors: d.number(maxFrame)}
	d.table()
	n := d.number(lines.Count())
	o.Chunks = make([]parsers.Chunk, n)
	line := 0
	for i := range o.Chunks {
		o.Chunks[i] = d.chunk(i, line, lines.Count())
		if i > 0 && o.Chunks[i].StartLine <= line || i == 0 && o.Chunks[i].StartLine != 0 {
			d.fail()
		}
		line = o.Chunks[i].StartLine
	}
	if len(d.rest) > 0 || n == 0 && lines.Count() > 0 {
		d.fail()
	}
	if d.err != nil {
		return parsers.Outline{}, d.err
	}
	o.Chunks = parsers.Tile(o.Chunks, lines)
	for _, ch := range o.Chunks {
		if len(ch.Units) > 0 && ch.Units[len(ch.Units)-1].End > ch.EndLine {
			return parsers.Outline{}, errWire
		}
	}
	return o, nil
}

// A decoder reads numbers and strings, none out of bounds; after an error it yields zeros.
type decoder struct {
	rest  []byte
	err   error
	names []string
}

func (d *decoder) fail() {
	d.rest, d.err = nil, errWire
}

// number reads one that is at most limit.
func (d *decoder) number(limit int) int {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 || limit < 0 || v > uint64(limit) {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

func (d *decoder) text() string {
	n := d.number(len(d.rest))
	if d.err != nil || n > len(d.rest) {
		d.fail()
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

// chunk reads the chunk with an index; the one before starts at line.
func (d *decoder) chunk(index, line, lines int) parsers.Chunk {
	ch := parsers.Chunk{Kind: parsers.Kind(d.text()), Name: d.text()}
	ch.StartLine = line + d.number(lines-line)
	ch.Parent = d.number(index) - 1
	ch.NeedsChild = d.number(1) == 1
	ch.SignatureStart = ch.StartLine + d.number(lines-ch.StartLine)
	ch.SignatureEnd = ch.SignatureStart + d.number(lines-ch.SignatureStart)
	ch.DocStart = ch.StartLine + d.number(lines-ch.StartLine)
	ch.DocEnd = ch.DocStart + d.number(lines-ch.DocStart)
	ch.Units = d.units(ch.StartLine, lines, 0)
	ch.Markup = d.lines(ch.StartLine, lines)
	ch.Names = d.chunkNames(ch.StartLine, lines)
	return ch
}

// lines reads numbers of lines that do not fall.
func (d *decoder) lines(from, limit int) []int {
	var list []int
	for range d.number(limit - from) {
		from += d.number(limit - from)
		list = append(list, from)
	}
	return list
}

func (d *decoder) units(from, limit, depth int) []parsers.Unit {
	n := d.number(limit - from)
	if n == 0 || depth > parsers.MaxDepth {
		return nil
	}
	us := make([]parsers.Unit, 0, n)
	for range n {
		u := parsers.Unit{Start: from + d.number(limit-from)}
		size := d.number(2*(limit-u.Start) + 1)
		u.End, u.Comment = u.Start+size>>1, size&1 == 1
		if u.End == u.Start {
			d.fail()
			return nil
		}
		u.Units = d.units(u.Start, u.End, depth+1)
		us = append(us, u)
		from = u.End
	}
	return us
}
