package lexical

import (
	"slices"
	"strings"
	"testing"
)

// hinted lists the roots that a question hints at, the strongest first.
func hinted(question string) []string {
	hints := Hints(question)
	slices.SortStableFunc(hints, func(a, b Hint) int { return int(1000 * (b.Strength - a.Strength)) })
	var list []string
	for _, h := range hints {
		list = append(list, h.Root)
	}
	return list
}

// Everyday words lead to the terms of code, wherever in the question they stand.
func TestHints(t *testing.T) {
	for question, want := range map[string]string{
		"Which entries does it throw away to make room?": "evict",
		"How long does it wait between tries?":           "backoff",
		"It gives up waiting and nobody answers, why?":   "timeout",
	} {
		if got := hinted(question); !slices.Contains(got, root(stem(want))) {
			t.Errorf("%q hints at %q, not at %s", question, got, want)
		}
	}
}

// What a question says itself is not hinted at, and what says nothing hints at nothing.
func TestHintsAreOfOtherWords(t *testing.T) {
	if got := hinted("evict: throw away, make room"); slices.Contains(got, "evict") {
		t.Error("evict is hinted at by a question that has it")
	}
	if got := hinted("xyzzy plugh 42"); len(got) > 0 {
		t.Errorf("no words hint at %q", got)
	}
}

// The thesaurus has a term a line, in the order of the alphabet, each with ways of speaking of it.
func TestThesaurusIsWellFormed(t *testing.T) {
	before := ""
	for line := range strings.Lines(thesaurusText) {
		term, ways, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok || ways == "" || term <= before || term != strings.ToLower(term) {
			t.Errorf("line %q behind %q", line, before)
		}
		before = term
	}
}

// The BM25 of hints is that of their words, with what the question says of each as its weight.
func TestBM25OfHints(t *testing.T) {
	texts := Corpus{NewLexicon(nil, []string{"func evict(c *cache)", "func render(w io.Writer)"}, nil)}
	scores := texts.BM25Hints(Hints("what is thrown away when it is full, to make room"))
	if scores[0] <= scores[1] {
		t.Errorf("evict has %v, render %v", scores[0], scores[1])
	}
}
