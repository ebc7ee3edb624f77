package compress

import (
	"math"

	"pith/compress/lexical"
)

// branchWords are the words with which code decides what comes next, in the languages that are
// parsed.
var branchWords = map[string]bool{
	"if": true, "for": true, "while": true, "switch": true, "match": true, "case": true, "catch": true, "except": true,
	"elif": true, "else": true, "select": true, "loop": true,
}

// shortLines is the number of lines up to which a chunk is short: getters, forwarders, constants.
const shortLines = 5

// shape counts the branches and the calls of a chunk's code, its comments left out: code that
// decides and acts is asked about more often than code that stores, lists and forwards.
func (c *chunk) shape() (counts [2]int) {
	at := c.start
	for _, run := range append(commentRuns(nil, c.units), [2]int{c.end, c.end}) {
		b, n := shapeOf(c.src.text(min(at, run[0]), run[0]))
		counts[0], counts[1], at = counts[0]+b, counts[1]+n, run[1]
	}
	return counts
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

func shapeOf(code string) (branches, calls int) {
	for from := 0; from < len(code); {
		if !lexical.IsWordByte(code[from]) {
			from++
			continue
		}
		to := from
		for to < len(code) && lexical.IsWordByte(code[to]) {
			to++
		}
		switch {
		case branchWords[code[from:to]]:
			branches++
		case to < len(code) && code[to] == '(':
			calls++
		}
		from = to
	}
	return branches, calls
}

// few tells 0, 1, 2 and many apart: what more of the same adds falls.
func few(n int) float64 { return math.Log(float64(1 + n)) }
