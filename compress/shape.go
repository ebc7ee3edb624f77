package compress

import (
	"math"
	"strings"
)

// branchWords are the words with which code decides what comes next, in the languages that are
// parsed.
var branchWords = map[string]bool{
	"if": true, "for": true, "while": true, "switch": true, "match": true, "case": true, "catch": true, "except": true,
	"elif": true, "else": true, "select": true, "loop": true,
}

// shortLines is the number of lines up to which a chunk is short: getters, forwarders, constants.
const shortLines = 5

// A shape is what a chunk's code does, whatever is asked: code that decides and calls is asked about
// more often than code that stores, lists and forwards.
type shape struct {
	branches, calls int
	comments        string // with their signs
}

func (c *chunk) shape() shape {
	s := shape{}
	var comments strings.Builder
	at := c.start
	for _, run := range append(commentRuns(nil, c.units), [2]int{c.end, c.end}) {
		s.count(c.src.text(min(at, run[0]), run[0]))
		comments.WriteString(c.src.text(run[0], run[1]))
		at = run[1]
	}
	s.comments = comments.String()
	return s
}

// commentRuns appends the runs of lines that are comments only, in order.
func commentRuns(list [][2]int, nodes []node) [][2]int {
	for _, n := range nodes {
		if n.comment {
			list = append(list, [2]int{n.start, n.end})
			continue
		}
		list = commentRuns(list, n.kids)
	}
	return list
}

// count adds the branches and calls of code.
func (s *shape) count(code string) {
	for from := 0; from < len(code); {
		if !isWordByte(code[from]) {
			from++
			continue
		}
		to := from
		for to < len(code) && isWordByte(code[to]) {
			to++
		}
		switch {
		case branchWords[code[from:to]]:
			s.branches++
		case to < len(code) && code[to] == '(':
			s.calls++
		}
		from = to
	}
}

// few tells 0, 1, 2 and many apart: what more of the same adds falls.
func few(n int) float64 { return math.Log(float64(1 + n)) }
