package lexical

import (
	_ "embed"
	"math"
	"slices"
	"strings"
	"sync"
)

// thesaurusText says in which everyday words people speak of a term that stands in code, a line
// each: "evict: throw away, make room, ...". It was written for this project, term by term.
//
//go:embed thesaurus.txt
var thesaurusText string

// fillers are words of phrases that a question need not have ("give up", "turn it off").
var fillers = map[string]bool{
	"no": true, "not": true, "too": true, "up": true, "out": true, "off": true, "into": true,
}

// strongest bounds what a question's phrases may say for one term.
const strongest = 2

// A phrase is a way of speaking of some terms of code: its roots and theirs.
type phrase struct {
	roots []string
	terms []string
}

// A thesaurus lists phrases by the root that has the fewest of them, in the order of the file.
type thesaurus map[string][]*phrase

// phrases reads the thesaurus once.
var phrases = sync.OnceValue(func() thesaurus {
	byRoots := map[string]*phrase{}
	var list []*phrase
	uses := map[string]int{}
	for line := range strings.Lines(thesaurusText) {
		name, ways, _ := strings.Cut(strings.TrimSpace(line), ": ")
		term := root(stem(name))
		for way := range strings.SplitSeq(ways, ", ") {
			roots := phraseRoots(way)
			if len(roots) == 0 {
				continue
			}
			key := strings.Join(roots, " ")
			p := byRoots[key]
			if p == nil {
				p = &phrase{roots: roots}
				byRoots[key] = p
				list = append(list, p)
			}
			if !slices.Contains(p.terms, term) {
				p.terms = append(p.terms, term)
				for _, r := range roots {
					uses[r]++
				}
			}
		}
	}
	t := thesaurus{}
	for _, p := range list {
		rarest := slices.MinFunc(p.roots, func(a, b string) int { return uses[a] - uses[b] })
		t[rarest] = append(t[rarest], p)
	}
	return t
})

// phraseRoots are the distinct roots of a phrase in the order of the alphabet, without fillers
// where anything else is left.
func phraseRoots(text string) []string {
	var all, telling []string
	for _, term := range Terms(text) {
		r := root(term)
		all = append(all, r)
		if !fillers[term] {
			telling = append(telling, r)
		}
	}
	if len(telling) > 0 {
		all = telling
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// A Hint is the root of a term that a question may mean without saying it, and how strongly the
// question's words point at it.
type Hint struct {
	Root     string
	Strength float64
}

// Hints lists the terms of code that a question's everyday words stand for by the thesaurus, those
// that it says itself left out. A phrase of several words says more, one that stands for many terms
// less.
func Hints(query string) []Hint {
	asked := map[string]bool{}
	var order []string
	for _, term := range Terms(query) {
		if r := root(term); !asked[r] && len(order) < maxQueryTerms {
			asked[r] = true
			order = append(order, r)
		}
	}
	var hints []Hint
	at := map[string]int{}
	for _, r := range order {
		for _, p := range phrases()[r] {
			if slices.ContainsFunc(p.roots, func(r string) bool { return !asked[r] }) {
				continue
			}
			strength := math.Sqrt(float64(len(p.roots))) / (1 + math.Log(float64(len(p.terms))))
			for _, term := range p.terms {
				if asked[term] {
					continue
				}
				n, ok := at[term]
				if !ok {
					n = len(hints)
					at[term] = n
					hints = append(hints, Hint{Root: term})
				}
				hints[n].Strength = min(strongest, hints[n].Strength+strength)
			}
		}
	}
	return hints
}
