package parsers

import (
	"bytes"
	"fmt"
)

// definers are the words before the name of a definition, in the languages without a grammar.
var definers = map[string]bool{
	"def": true, "fn": true, "fun": true, "func": true, "function": true, "sub": true, "proc": true, "procedure": true,
	"class": true, "struct": true, "interface": true, "trait": true, "type": true, "enum": true, "module": true,
	"const": true, "let": true, "var": true, "val": true, "message": true, "service": true, "rpc": true, "macro": true,
	"table": true, "view": true, "resource": true, "data": true, "newtype": true, "record": true, "package": true,
}

// maxWords bounds what is told of a chunk by words alone, in names for each use.
const maxWords = 400

// cutLines cuts without a grammar: prose at blank lines, all else by its indentation, and tells
// names from the words. failed is not empty where that met a mistake of ours, on a file that nobody
// thought of: it is cut at its blank lines then, and nobody's request is lost.
func cutLines(language string, lines Lines) (chunks []Chunk, failed string) {
	if language == plainText {
		return cutText(lines), ""
	}
	defer func() {
		if v := recover(); v != nil {
			chunks, failed = cutText(lines), fmt.Sprintf("%v by its indentation: %v", errCut, v)
		}
	}()
	chunks = cutIndented(language, lines)
	nameText(chunks, lines)
	return chunks, ""
}

func nameText(chunks []Chunk, lines Lines) {
	for i := range chunks {
		chunks[i].Names = lexicalNames(lines.src[chunks[i].Start:chunks[i].End])
	}
}

// lexicalNames tells the names of a text without a tree: a word behind one of definers or before a
// colon or an equals sign at the head of a line is defined, a word before an opening bracket is
// called.
func lexicalNames(text []byte) Names {
	var n Names
	seen := map[string]uint8{}
	add := func(list *[]string, bit uint8, word []byte) {
		if s := seen[string(word)]; s&bit == 0 && len(*list) < maxWords {
			seen[string(word)] = s | bit
			*list = append(*list, string(word))
		}
	}
	head, defining := true, false
	for i := 0; i < len(text); {
		if c := text[i]; !isLetter(c) {
			head = c == '\n' || head && (isSpace(c) || c == '-' || c == '"' || c == '\'')
			defining = defining && c != '\n' && isSpace(c)
			i++
			continue
		}
		end := i
		for end < len(text) && (isLetter(text[end]) || text[end] >= '0' && text[end] <= '9') {
			end++
		}
		word := text[i:end]
		if len(word) <= maxNamed {
			rest := bytes.TrimLeft(text[end:], `"' `)
			next := byte(0)
			if len(rest) > 0 {
				next = rest[0]
			}
			switch {
			case definers[string(word)]:
			case defining, head && (next == ':' || next == '='):
				add(&n.Defines, 1, word)
			case end < len(text) && text[end] == '(':
				add(&n.Calls, 2, word)
			}
		}
		defining = definers[string(word)]
		head = false
		i = end
	}
	return n
}

func isLetter(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
