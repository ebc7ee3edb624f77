package processes

import (
	"encoding/binary"

	"pith/parsers"
)

// The names of a file go over the wire once, in a table before the chunks; the chunks hold indices.

// lists are the parts of n that are lists of names.
func lists(n *parsers.Names) []*[]string {
	return []*[]string{&n.Defines, &n.Calls, &n.Types, &n.Refers}
}

// appendTable writes the names of chunks and returns the index of each.
func appendTable(b []byte, chunks []parsers.Chunk) ([]byte, map[string]int) {
	index := map[string]int{}
	var names []string
	add := func(name string) {
		if _, ok := index[name]; !ok {
			index[name] = len(names)
			names = append(names, name)
		}
	}
	for i := range chunks {
		for _, list := range lists(&chunks[i].Names) {
			for _, name := range *list {
				add(name)
			}
		}
		for _, l := range chunks[i].Names.Locals {
			add(l.Name)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(names)))
	for _, name := range names {
		b = appendString(b, name)
	}
	return b, index
}

func appendNames(b []byte, n parsers.Names, index map[string]int, line int) []byte {
	for _, list := range lists(&n) {
		b = binary.AppendUvarint(b, uint64(len(*list)))
		for _, name := range *list {
			b = binary.AppendUvarint(b, uint64(index[name]))
		}
	}
	b = binary.AppendUvarint(b, uint64(len(n.Locals)))
	for _, l := range n.Locals {
		b = binary.AppendUvarint(b, uint64(l.Line-line))
		b = binary.AppendUvarint(b, uint64(index[l.Name])<<1|flag(l.Declares))
		line = l.Line
	}
	return b
}

// table reads the names of the file.
func (d *decoder) table() {
	d.names = make([]string, d.number(len(d.rest)))
	for i := range d.names {
		d.names[i] = d.text()
	}
}

// name reads an index of the table.
func (d *decoder) name(i int) string {
	if i >= len(d.names) {
		d.fail()
		return ""
	}
	return d.names[i]
}

func (d *decoder) chunkNames(line, lines int) parsers.Names {
	var n parsers.Names
	for _, list := range lists(&n) {
		count := d.number(len(d.rest))
		for range count {
			*list = append(*list, d.name(d.number(len(d.names))))
		}
	}
	count := d.number(len(d.rest))
	for range count {
		line += d.number(lines - line)
		mark := d.number(2*len(d.names) + 1)
		n.Locals = append(n.Locals, parsers.Local{Line: line, Name: d.name(mark >> 1), Declares: mark&1 == 1})
	}
	return n
}
