package textfile

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

const (
	// maxDepth is how deep YAML may be nested. The parser goes down by calling itself: 200 KB of
	// "[" took it 4 GiB.
	maxDepth = 64
	// maxTokens bounds what the parser makes of a flat file: some 500 bytes of each token.
	maxTokens = 200_000
	// maxKeys bounds one mapping that is not in braces: the parser goes through all of it for each
	// key, and 30,000 took it a minute.
	maxKeys = 5_000
)

// ReadYAML is Read for YAML up to MaxSettings: CheckYAML has nothing to say against what it
// returns.
func ReadYAML(path string) ([]byte, error) {
	text, err := Read(path, MaxSettings)
	if err != nil {
		return nil, err
	}
	if line, err := CheckYAML(text); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return text, nil
}

// Mistake says in words for who wrote a file what the parser of YAML says of it.
func Mistake(message string) string {
	if message == "found character '\t' that cannot start any token" {
		return "a tab before the first word: YAML wants spaces there"
	}
	return message
}

// CheckYAML looks at tokens alone and refuses what is nested deeper than a person writes, and
// aliases, whose expansion can be many times the file. It returns the line, from 1. Other mistakes
// are left to the parser.
func CheckYAML(text []byte) (line int, err error) {
	var s scanner.Scanner
	s.Init(string(text))
	var d depth
	for count := 0; ; {
		tokens, err := s.Scan()
		if err != nil {
			return 0, nil //nolint:nilerr // the end, or a mistake that the parser explains better
		}
		for _, t := range tokens {
			line = t.Position.Line
			if count++; count > maxTokens {
				return line, fmt.Errorf("more than %d words and signs", maxTokens)
			}
			if t.Type == token.AliasType {
				return line, errors.New("an alias: write out what it stands for")
			}
			if d.add(t) > maxDepth {
				return line, fmt.Errorf("nested deeper than %d levels", maxDepth)
			}
			if d.keys() > maxKeys {
				return line, fmt.Errorf("more than %d keys side by side", maxKeys)
			}
		}
	}
}

// A depth follows how deep the parser would be: one level for each open bracket, each indentation,
// each dash or question mark behind another on a line, and each tag or anchor before a value.
type depth struct {
	brackets, signs, marks int
	columns                []column
	line                   int
	last                   token.Type
}

// A column is where lines begin that stand side by side, with the keys among them.
type column struct{ at, keys int }

// keys is how many keys stand beside that of the line.
func (d *depth) keys() int {
	if len(d.columns) == 0 {
		return 0
	}
	return d.columns[len(d.columns)-1].keys
}

func (d *depth) add(t *token.Token) int {
	if p := t.Position; p.Line != d.line {
		d.line, d.signs = p.Line, 0
		last := len(d.columns) - 1
		for last >= 0 && d.columns[last].at > p.Column {
			last--
		}
		d.columns = d.columns[:last+1]
		if last < 0 || d.columns[last].at < p.Column {
			d.columns = append(d.columns, column{at: p.Column})
		}
		if t.Type != token.SequenceEntryType && d.brackets == 0 {
			d.columns[len(d.columns)-1].keys++
		}
	}
	switch t.Type {
	case token.SequenceStartType, token.MappingStartType:
		d.brackets++
	case token.SequenceEndType, token.MappingEndType:
		d.brackets--
	case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType:
		d.signs++
	case token.CollectEntryType:
		d.signs = 0
	}
	switch {
	case t.Type == token.TagType || t.Type == token.AnchorType:
		d.marks++
	case d.last != token.AnchorType: // whose name is a token of its own
		d.marks = 0
	}
	d.last = t.Type
	return d.brackets + d.signs + d.marks + len(d.columns)
}
