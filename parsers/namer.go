package parsers

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// maxNamed is how long a name may be that is remembered, in bytes; longer ones are no words.
const maxNamed = 100

// A mention is a name at a place.
type mention struct {
	line, name int // name is an index of mentions.names
	use        use // useDefine, useDeclare (of a local), useCall, useType, usePlain
}

// mentions are the names of a file in the order of their places.
type mentions struct {
	names []string
	index map[string]int
	list  []mention
}

func (m *mentions) add(line int, text []byte, u use) {
	at, ok := m.index[string(text)]
	if !ok {
		at = len(m.names)
		m.names = append(m.names, string(text))
		m.index[m.names[at]] = at
	}
	m.list = append(m.list, mention{line: line, name: at, use: u})
}

// An ancestor is what a namer knows of a node around the current one.
type ancestor struct {
	symbol int
	use    use
	// functions is how many functions lie around what is in the node.
	functions int
	// children is how many of its children came, keywords aside.
	children int
}

// A namer collects the names of a tree.
type namer struct {
	mentions
	words *wording
	lines Lines
	open  []ancestor
	// past is the depth of the name whose parts are passed over, -1 if there is none.
	past int
}

func newNamer(s *Syntax, lines Lines) *namer {
	return &namer{mentions: mentions{index: map[string]int{}}, words: s.words, lines: lines, past: -1}
}

// see takes the next node of the walk.
func (n *namer) see(v visit) {
	if n.past >= 0 && v.depth > n.past {
		return
	}
	n.past = -1
	if v.depth > MaxDepth {
		return
	}
	n.open = n.open[:min(v.depth, len(n.open))]
	parent := &ancestor{symbol: -1, use: usePlain}
	if len(n.open) > 0 {
		parent = &n.open[len(n.open)-1]
	}
	here := ancestor{symbol: v.symbol, use: parent.use, functions: parent.functions}
	if parent.symbol >= 0 && parent.symbol < len(n.words.leaf) {
		here.use = n.words.useOf(parent, v)
	}
	if v.symbol < len(n.words.leaf) {
		if leaf := n.words.leaf[v.symbol]; leaf != useNone {
			n.past = v.depth
			n.name(v, leaf, here)
		}
		if n.words.local[v.symbol] {
			here.functions++
		}
	}
	n.open = append(n.open, here)
}

// name records a leaf.
func (n *namer) name(v visit, leaf use, here ancestor) {
	start := n.lines.start(v.startRow) + v.startColumn
	end := n.lines.start(v.endRow) + v.endColumn
	if end > len(n.lines.src) || start >= end || end-start > maxNamed {
		return
	}
	text := bytes.TrimLeft(n.lines.src[start:end], "$")
	if first, _ := utf8.DecodeRune(text); first != '_' && first != '#' && !unicode.IsLetter(first) {
		return // an option of a command, a numbered parameter
	}
	add := func(u use) { n.add(v.startRow, text, u) }
	u := here.use
	if leaf == useType && u != useDefine && u != useOpen && u != useCall && u != useMake && u != useNothing {
		u = useType
	}
	switch u {
	case useOpen:
		if opensBody(n.lines.src[end:]) {
			add(useDefine)
			return
		}
		add(useType)
	case useDefine:
		add(useDefine)
		if here.functions > 1 {
			add(useDeclare)
		}
	case useDeclare:
		switch {
		case n.words.capitals && here.functions > 0 && isCapital(text):
			add(useType)
		case here.functions > 0:
			add(useDeclare)
		default:
			add(useDefine)
		}
	case useCall:
		add(useCall)
		if leaf == useType {
			add(useType)
		}
	case useMake:
		add(useCall)
		add(useType)
	case useType:
		add(useType)
	case useField:
		if head := n.lines.src[:start]; bytes.HasSuffix(head, []byte("self.")) ||
			bytes.HasSuffix(head, []byte("this.")) {
			add(useDefine)
			return
		}
		add(usePlain)
	case usePlain, useAssigned, useFirst, useOthers:
		add(usePlain)
	}
}

// opensBody reports that a class's name is followed by its body or its bases.
func opensBody(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	rest = bytes.TrimLeft(bytes.TrimPrefix(rest, []byte("final")), " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == ':')
}

func isCapital(text []byte) bool {
	r, _ := utf8.DecodeRune(text)
	return unicode.IsUpper(r)
}

// deal gives each chunk the names on its lines.
func (m *mentions) deal(chunks []Chunk) {
	slices.SortStableFunc(m.list, func(a, b mention) int { return a.line - b.line })
	d := dealer{names: m.names, seen: make([]uint8, len(m.names)), local: make([]bool, len(m.names))}
	at := 0
	for i := range chunks {
		from := at
		for at < len(m.list) && m.list[at].line < chunks[i].EndLine {
			at++
		}
		chunks[i].Names = d.namesOf(m.list[from:at])
	}
}

// A dealer makes the Names of chunk after chunk.
type dealer struct {
	names []string
	seen  []uint8 // by name, a bit for each use that is listed
	local []bool  // by name
}

func (d *dealer) namesOf(list []mention) Names {
	var n Names
	for _, m := range list {
		d.local[m.name] = d.local[m.name] || m.use == useDeclare
	}
	for _, m := range list {
		name := d.names[m.name]
		if d.local[m.name] && m.use != useDefine {
			l := Local{Line: m.line, Name: name, Declares: m.use == useDeclare}
			if !sameLine(n.Locals, l) {
				n.Locals = append(n.Locals, l)
			}
		}
		to, bit := &n.Refers, uint8(1)
		switch m.use {
		case useDeclare:
			continue
		case useDefine:
			to, bit = &n.Defines, 2
		case useCall:
			to, bit = &n.Calls, 4
		case useType:
			to, bit = &n.Types, 8
		default:
			if d.local[m.name] {
				continue
			}
		}
		if d.seen[m.name]&bit == 0 {
			d.seen[m.name] |= bit
			*to = append(*to, name)
		}
	}
	for _, m := range list {
		d.seen[m.name], d.local[m.name] = 0, false
	}
	return n
}

// sameLine reports that l is among the locals of its line at the end of list.
func sameLine(list []Local, l Local) bool {
	for i := len(list) - 1; i >= 0 && list[i].Line == l.Line; i-- {
		if list[i] == l {
			return true
		}
	}
	return false
}
