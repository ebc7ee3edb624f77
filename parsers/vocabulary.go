package parsers

import (
	"fmt"
	"strings"

	sitter "github.com/smacker/go-tree-sitter"
)

// A use is what a name is there for.
type use uint8

const (
	useNone    use = iota // no rule
	usePlain              // read
	useNothing            // no name of the file's (a label, a parameter of a type)
	useDefine             // names a function, a type, a field, a constant
	useOpen               // as useDefine where a body follows, else as useType (C's struct)
	useDeclare            // names a variable or parameter
	useCall               // is called
	useMake               // is called and names a type (new T)
	useType               // names a type
	useMember             // stands behind a dot: called or a type as the whole is, never declared
	// Stands behind a dot on the left of an assignment: a field where before the dot is self or
	// this.
	useField
	useFirst    // the first child is declared, the others are read
	useOthers   // the first child is read, the others are declared
	useAssigned // left of an assignment that declares nothing but a field (JavaScript)
)

var uses = map[string]use{
	"plain": usePlain, "nothing": useNothing, "define": useDefine, "open": useOpen,
	"declare": useDeclare, "call": useCall,
	"make": useMake, "type": useType, "member": useMember, "field": useField, "assigned": useAssigned,
	"first": useFirst, "others": useOthers,
}

// A vocabulary says which nodes of a grammar are names, and what for. The rules are by use,
// separated by spaces: "parent.field" for the children of parent in field, "parent.*" for its other
// children, "node" for the node itself, wherever it stands. They hold for the node and what is in
// it until another rule does; the order is parent.field, node, parent.*.
type vocabulary struct {
	// names are the leaves that are names, types those that are names of types unless they are
	// defined or called.
	names, types string
	rules        map[string]string
	// functions are nodes that have locals besides those of the role function.
	functions string
	// capitals says that a name with a capital is not declared by standing in a pattern.
	capitals bool
}

// A wording is a vocabulary with its node types resolved to the numbers of the loaded tables.
type wording struct {
	// inField is by symbol and field, own and inside by symbol.
	inField     []use
	own, inside []use
	leaf        []use // usePlain or useType
	regular     []bool
	local       []bool
	typeField   int // number of the field "type", 0 if there is none
	capitals    bool
}

const fieldRoom = 1 << 8 // a grammar has fewer fields

func newWording(v vocabulary, s *Syntax) (*wording, error) {
	n := len(s.byNumber)
	w := &wording{
		inField: make([]use, n*fieldRoom), own: make([]use, n), inside: make([]use, n), leaf: make([]use, n),
		local:    make([]bool, n),
		regular:  make([]bool, n),
		capitals: v.capitals,
	}
	symbols, fields := map[string][]int{}, map[string]int{}
	for i := range n {
		if s.language.SymbolType(sitter.Symbol(i)) == sitter.SymbolTypeRegular {
			name := s.language.SymbolName(sitter.Symbol(i))
			symbols[name] = append(symbols[name], i)
			w.regular[i] = true
		}
		w.local[i] = s.byNumber[i]&function != 0
	}
	for i := 1; i < len(s.fields); i++ {
		fields[s.language.FieldName(i)] = i
	}
	w.typeField = fields["type"]
	resolve := func(name string, set func(symbol int)) error {
		if len(symbols[name]) == 0 {
			return fmt.Errorf("grammar has no node type %q for names", name)
		}
		for _, i := range symbols[name] {
			set(i)
		}
		return nil
	}
	for list, u := range map[string]use{v.names: usePlain, v.types: useType} {
		for name := range strings.FieldsSeq(list) {
			if err := resolve(name, func(i int) { w.leaf[i] = u }); err != nil {
				return nil, err
			}
		}
	}
	for name := range strings.FieldsSeq(v.functions) {
		if err := resolve(name, func(i int) { w.local[i] = true }); err != nil {
			return nil, err
		}
	}
	for name, list := range v.rules {
		u := uses[name]
		if u == useNone {
			return nil, fmt.Errorf("no use %q", name)
		}
		for rule := range strings.FieldsSeq(list) {
			parent, field, child := strings.Cut(rule, ".")
			if child && field != "*" && fields[field] == 0 {
				return nil, fmt.Errorf("grammar has no field %q for names", field)
			}
			err := resolve(parent, func(i int) {
				switch {
				case !child:
					w.own[i] = u
				case field == "*":
					w.inside[i] = u
				default:
					w.inField[i*fieldRoom+fields[field]] = u
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// useOf is what a node is for, in a parent with a use of its own.
func (w *wording) useOf(in *ancestor, v visit) use {
	parent, within := in.symbol, in.use
	if v.symbol < len(w.regular) && w.regular[v.symbol] {
		in.children++
	}
	u := useNone
	if v.field != 0 {
		u = w.inField[parent*fieldRoom+v.field]
	}
	if u == useNone && v.symbol < len(w.own) {
		u = w.own[v.symbol]
	}
	if u == useNone && parent < len(w.inside) {
		u = w.inside[parent]
	}
	if u == useNone && v.field != 0 && v.field == w.typeField {
		u = useType
	}
	if u == useNone {
		return within
	}
	switch {
	case u == useFirst && in.children == 1, u == useOthers && in.children > 1:
		return useDeclare
	case u != useMember && u != useField:
		return u
	}
	switch within {
	case useCall, useMake, useType:
		return within
	case useDeclare, useAssigned:
		if u == useField {
			return useField
		}
	}
	return usePlain
}
