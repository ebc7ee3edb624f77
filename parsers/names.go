package parsers

import (
	"bytes"
	"strings"
)

// maxName bounds a name, in bytes: a declarator can be as long as its file.
const maxName = 200

// nameOf is the declared name of an entry's definition, "" when it has none.
func (c *cutter) nameOf(e entry) string {
	g := e.groups[0]
	for _, g = range e.groups {
		if g.from <= e.def && e.def < g.to {
			break
		}
	}
	if c.nodes[e.def].is(scope) && !c.nodes[e.def].is(class) {
		return ""
	}
	if c.nodes[e.def].is(literal) {
		return c.outerName(g, e.def)
	}
	if c.nodes[e.def].is(unnamed) {
		return c.keyword(e.def)
	}
	name := c.innerName(e.def)
	if name == "" {
		return c.outerName(g, e.def)
	}
	if receiver := c.child(e.def, fieldReceiver); receiver >= 0 {
		return qualify(typeName(c.text(receiver)), name)
	}
	return name
}

// outerName is the name that a function or class without one is bound to: the nearest on the way
// down to it.
func (c *cutter) outerName(g group, def int) string {
	name := -1
	for i := g.from; i < def; i++ {
		n := c.nodes[i]
		if !n.is(wrapper) || n.next <= def {
			continue
		}
		for k := i + 1; k < n.next; k = c.nodes[k].next {
			if f := c.nodes[k].field; f == fieldName || f == fieldLeft ||
				f == fieldDeclarator && !c.nodes[k].is(wrapper) {
				name = k
			}
		}
	}
	if name < 0 {
		return ""
	}
	return clean(c.text(name))
}

// innerName follows a definition's name field, then its declarators, then its first identifier.
func (c *cutter) innerName(def int) string {
	if k := c.child(def, fieldName); k >= 0 {
		return clean(c.text(k))
	}
	for i := def; ; {
		k := c.child(i, fieldDeclarator)
		if k < 0 {
			k = c.inside(i)
		}
		if k < 0 {
			if i == def {
				break
			}
			return clean(c.text(i))
		}
		i = k
	}
	for k := def + 1; k < c.nodes[def].next; k = c.nodes[k].next {
		if c.nodes[k].is(identifier) {
			return clean(c.text(k))
		}
	}
	if k := c.child(def, fieldType); k >= 0 {
		name, _, _ := bytes.Cut(c.text(k), []byte("<"))
		return clean(name)
	}
	return ""
}

// keyword is the first keyword of a definition, which may be a symbol (~).
func (c *cutter) keyword(def int) string {
	for k := def + 1; k < c.nodes[def].next; k = c.nodes[k].next {
		if c.nodes[k].is(token) {
			return clean(c.text(k))
		}
	}
	return ""
}

// inside is the declarator within one that has no field for it (C++ references), or -1.
func (c *cutter) inside(i int) int {
	if !c.nodes[i].is(declarator) {
		return -1
	}
	for k := i + 1; k < c.nodes[i].next; k = c.nodes[k].next {
		if c.nodes[k].is(declarator | identifier) {
			return k
		}
	}
	return -1
}

// child is the first child in a field, or -1.
func (c *cutter) child(i int, f childField) int {
	for k := i + 1; k < c.nodes[i].next; k = c.nodes[k].next {
		if c.nodes[k].field == f {
			return k
		}
	}
	return -1
}

func (c *cutter) text(i int) []byte { return c.lines.src[c.nodes[i].start:c.nodes[i].end] }

// clean makes one line of a name, with a dot between its parts in any language.
func clean(text []byte) string {
	name := strings.Join(strings.Fields(string(text)), " ")
	name = strings.Trim(strings.ReplaceAll(name, "::", "."), `"'`)
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	return name
}

// typeName is the type's name in a Go receiver: "(s *Server[T])" gives "Server".
func typeName(receiver []byte) string {
	text := bytes.Trim(receiver, "()")
	text, _, _ = bytes.Cut(text, []byte("["))
	if i := bytes.LastIndexAny(text, " *\t\n"); i >= 0 {
		text = text[i+1:]
	}
	return clean(text)
}

func qualify(outer, name string) string {
	if outer == "" || name == "" {
		return outer + name
	}
	return outer + "." + name
}
