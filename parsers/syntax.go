package parsers

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	sitter "github.com/smacker/go-tree-sitter"
)

// A role says what a node type means to the cutter. A type may have several.
type role uint32

const (
	function   role = 1 << iota // has a name and a body
	bodied                      // a definition only if it has a body (the same type stands for a mere declaration)
	accessor                    // a function if it has a body of several lines (C# properties)
	body                        // body that is no list
	class                       // may hold functions
	typedef                     // declares a type, holds no function
	scope                       // its header is its first line only (namespace, #ifdef); counts if it holds definitions
	wrapper                     // stands around one definition (export, decorator, template, assignment)
	unnamed                     // called by its keyword (init, subscript)
	literal                     // a function or class without a name of its own
	imports                     // package clause, import, include
	comment                     // of any form
	list                        // children are statements or members that may be left out one by one
	commas                      // list whose elements end in commas, where a last comma is legal
	suite                       // list that needs at least one statement after each of its keywords
	demanding                   // makes a suite of the list in it (Swift's case)
	offside                     // suite unless it opens with a brace
	ended                       // list whose last element must stay: it is closed in another way than the others
	attribute                   // sibling that belongs to what follows
	tail                        // sibling that belongs to what precedes
	pinned                      // sibling that must stay
	head                        // sibling that must stay and on which everything after depends (<?php)
	docstring                   // statement that may be a comment in all but name
	declarator                  // leads to a name (C)
	identifier                  // a name, where the grammar has no field for it
	loose                       // may have swallowed comments that follow it (Kotlin imports)
	broken                      // holds a syntax error
	token                       // a keyword or a bracket
	separator                   // a comma or a semicolon
	failed                      // is a syntax error itself
	markup                      // list in which a comment is JSX's {/* */}
	ordinary                    // is none of comment, token and separator
)

// named are the roles of nodes whose children's fields are wanted.
const named = function | accessor | class | typedef | scope | wrapper | literal | declarator

// definition are the roles that make a chunk of their own.
const definition = function | accessor | class | typedef | scope

// A grammar describes a language to the cutter. The cutter itself knows none.
type grammar struct {
	load func() *sitter.Language
	// types lists node types by role, separated by spaces; keywords in single quotes.
	types map[role]string
	// fragile are first bytes of a statement that would continue the one before, were there nothing
	// between (JavaScript without semicolons).
	fragile string
	// preprocessed says that lines beginning with # steer a preprocessor.
	preprocessed bool
	// newer matches what is newer than the grammar and may be read as blanks, and a byte behind
	// that.
	newer *regexp.Regexp
	// words says which nodes are names, and what for.
	words vocabulary
	// commands is the type of nodes in which strays, separated by spaces, are no names: one that
	// stands there tells that the grammar took an earlier construct for another.
	commands, strays string
	// guesses says that nothing in a tree with a fault is to be trusted, however small the fault.
	guesses bool
}

// A Syntax is a grammar with its node types resolved to the numbers of the loaded tables.
type Syntax struct {
	grammar
	language *sitter.Language
	byNumber []role
	// fields are the grammar's fields by number, as far as the cutter knows them.
	fields []childField
	words  *wording
	// command is the number of the grammar's commands, and strays is what none of them is called.
	command int
	strays  map[string]bool
}

// roles of a node; error nodes have a number outside of the table.
func (s *Syntax) roles(number int) role {
	if number >= len(s.byNumber) {
		return failed | broken
	}
	return s.byNumber[number]
}

// newSyntax resolves g. It fails when a type is not in the grammar's table: a misspelt type would
// be silently unused.
func newSyntax(g grammar) (*Syntax, error) {
	s := &Syntax{grammar: g, language: g.load(), command: -1, strays: map[string]bool{}}
	for word := range strings.FieldsSeq(g.strays) {
		s.strays[word] = true
	}
	byName := map[string]role{}
	for r, types := range g.types {
		for name := range strings.FieldsSeq(types) {
			byName[name] |= r
		}
	}
	s.byNumber = make([]role, s.language.SymbolCount())
	seen := map[string]bool{}
	for i := range s.byNumber {
		name := s.language.SymbolName(sitter.Symbol(i))
		keyword := s.language.SymbolType(sitter.Symbol(i)) != sitter.SymbolTypeRegular
		if quoted := "'" + name + "'"; keyword && byName[quoted] != 0 {
			name, keyword = quoted, false
		}
		seen[name] = true
		if name == g.commands && !keyword {
			s.command = i
		}
		switch {
		case !keyword:
			s.byNumber[i] = byName[name]
		case name == "," || name == ";":
			s.byNumber[i] = separator
		default:
			s.byNumber[i] = token
		}
	}
	for name := range byName {
		if !seen[name] {
			return nil, fmt.Errorf("grammar has no node type %q", name)
		}
	}
	s.fields = []childField{fieldNone}
	for i := 1; s.language.FieldName(i) != ""; i++ {
		s.fields = append(s.fields, fieldOf(s.language.FieldName(i)))
	}
	var err error
	s.words, err = newWording(g.words, s)
	return s, err
}

// Grammars loads each grammar once, when it is first needed: their tables are large.
type Grammars struct {
	mu     sync.Mutex
	loaded map[string]*Syntax
}

// Load returns the grammar of a language.
func (c *Grammars) Load(language string) (*Syntax, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.loaded[language]; s != nil {
		return s, nil
	}
	g, ok := grammarOf(language)
	if !ok {
		return nil, fmt.Errorf("no grammar for %q", language)
	}
	s, err := newSyntax(g)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", language, err)
	}
	if c.loaded == nil {
		c.loaded = map[string]*Syntax{}
	}
	c.loaded[language] = s
	return s, nil
}
