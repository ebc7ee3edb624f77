package usage

import "bytes"

// A scanner finds the usage objects of JSON that streams by: "usage" of the root, of its
// "response" and of its "message". It keeps nothing but the object that it is in, so an answer of
// any size takes the same memory. Text that a model writes cannot be taken for usage: inside a
// string quotes are escaped, and other objects are not where usage stands.
type scanner struct {
	report func(object []byte)

	depth             int
	inString, escaped bool
	// key is the beginning of the last string, parent the member of the root that the scan is in.
	key    []byte
	parent string
	// wanted says that the next value is usage, within at which depth it began (0: not in one),
	// object is its bytes so far.
	wanted bool
	within int
	object []byte
}

const (
	// maxUsageKey is longer than the keys that matter.
	maxUsageKey = 16
	// maxUsageObject is the longest usage object that is read, in bytes. Real ones have some 300.
	maxUsageObject = 4 << 10
)

// reset starts a new JSON text.
func (s *scanner) reset() {
	*s = scanner{report: s.report, key: s.key[:0], object: s.object[:0]}
}

func (s *scanner) feed(p []byte) {
	for len(p) > 0 {
		if s.inString && !s.escaped && s.within == 0 && len(s.key) >= maxUsageKey { // a long text: on to its end
			skip := bytes.IndexAny(p, `"\`)
			if skip < 0 {
				return
			}
			p = p[skip:]
		}
		s.next(p[0])
		p = p[1:]
	}
}

func (s *scanner) next(c byte) {
	if s.within > 0 && len(s.object) <= maxUsageObject {
		s.object = append(s.object, c)
	}
	if s.inString {
		s.inText(c)
		return
	}
	switch c {
	case '"':
		s.inString = true
		s.key = s.key[:0]
	case ':':
		s.named()
	case ',':
		s.wanted = false
	case '{', '[':
		s.depth++
		if s.wanted && c == '{' {
			s.within = s.depth
			s.object = append(s.object[:0], c)
		}
		s.wanted = false
	case '}', ']':
		if s.depth == s.within && s.within > 0 {
			if len(s.object) <= maxUsageObject {
				s.report(s.object)
			}
			s.within = 0
		}
		s.depth--
	}
}

func (s *scanner) inText(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case c == '\\':
		s.escaped = true
	case c == '"':
		s.inString = false
		return
	}
	if len(s.key) < maxUsageKey {
		s.key = append(s.key, c)
	}
}

// named takes the key of a member.
func (s *scanner) named() {
	switch s.depth {
	case 1:
		s.parent = string(s.key)
		s.wanted = s.parent == "usage"
	case 2:
		s.wanted = string(s.key) == "usage" && (s.parent == "response" || s.parent == "message")
	}
}

// An eventScan feeds the data of server-sent events to a scanner, one JSON text for each event.
type eventScan struct {
	json *scanner
	// column is how much of a line's beginning was seen, up to the field's name; other says that it
	// is another field.
	column int
	other  bool
}

const dataField = "data:"

func (e *eventScan) feed(p []byte) {
	for len(p) > 0 {
		if p[0] == '\n' {
			e.endLine()
			p = p[1:]
			continue
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			end = len(p)
		}
		line := p[:end]
		p = p[end:]
		for len(line) > 0 && e.column < len(dataField) {
			e.other = e.other || line[0] != dataField[e.column]
			if line[0] != '\r' {
				e.column++
			}
			line = line[1:]
		}
		if !e.other {
			e.json.feed(line)
		}
	}
}

// endLine ends a line; an empty one ends its event.
func (e *eventScan) endLine() {
	if e.column == 0 {
		e.json.reset()
	}
	e.column, e.other = 0, false
}

// Scan returns what an answer is fed to as it comes, and has report called with the JSON of
// each usage object in it. The object is valid during the call. An answer is one JSON text or, with
// events, a stream of server-sent events.
func Scan(events bool, report func(object []byte)) (feed func([]byte)) {
	scan := &scanner{report: report}
	if events {
		return (&eventScan{json: scan}).feed
	}
	return scan.feed
}
