// Package lexical says what the words of texts say of them: their terms and roots, BM25 over these,
// words that mean the same, and what a question names.
package lexical

import (
	"strings"
	"unicode"
)

// maxQueryTerms bounds the distinct terms of a query, so that a pasted book does not cost minutes.
const maxQueryTerms = 4096

// stopwords are English words that carry a question and say nothing about code. Keywords of
// programming languages need no list: they are in all chunks, so BM25 gives them next to no weight.
var stopwords = map[string]bool{
	"a": true, "an": true, "and": true, "are": true, "as": true, "at": true, "be": true, "by": true,
	"can": true, "do": true, "does": true, "for": true, "from": true, "how": true, "i": true, "if": true,
	"in": true, "is": true, "it": true, "its": true, "me": true, "of": true, "on": true, "or": true,
	"should": true, "so": true, "that": true, "the": true, "this": true, "to": true, "was": true, "we": true,
	"what": true, "when": true, "where": true, "which": true, "why": true, "with": true, "you": true,
	"please": true,
}

// Terms splits text at everything that is no letter or digit, and identifiers at case changes and
// digits ("parseHTTPHeader2" is parse, http, header, 2); it lower-cases and takes plural endings
// off. An identifier of several parts also counts as a whole, so that its exact name in the query
// outweighs its parts.
func Terms(text string) []string {
	var list []string
	for word := range strings.FieldsFuncSeq(
		text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
		parts := 0
		for part := range strings.SplitSeq(word, "_") {
			for part != "" {
				n := humps(part)
				if term := strings.ToLower(part[:n]); !stopwords[term] {
					list = append(list, stem(term))
				}
				part = part[n:]
				parts++
			}
		}
		if parts > 1 {
			list = append(list, strings.ToLower(strings.ReplaceAll(word, "_", "")))
		}
	}
	return list
}

// humps returns the length of the first part of a camelCase word: a run of digits, of capitals up
// to the one that begins the next part, or a capital and what follows it.
func humps(word string) int {
	var before, at rune
	start := 0 // of the rune `at`
	for i, r := range word {
		if i > 0 {
			digits := unicode.IsDigit(at) != unicode.IsDigit(r)
			rises := unicode.IsLower(at) && unicode.IsUpper(r)
			if digits || rises {
				return i
			}
			if start > 0 && unicode.IsUpper(before) && unicode.IsUpper(at) && unicode.IsLower(r) {
				return start
			}
		}
		before, at, start = at, r, i
	}
	return len(word)
}

// stem takes the plural off English words. More (ing, ed) joins identifiers that differ.
func stem(term string) string {
	switch {
	case len(term) > 4 && strings.HasSuffix(term, "ies"):
		return term[:len(term)-3] + "y"
	case len(term) > 4 && (strings.HasSuffix(term, "sses") || strings.HasSuffix(term, "xes") ||
		strings.HasSuffix(term, "ches") || strings.HasSuffix(term, "shes")):
		return term[:len(term)-2]
	case len(term) > 3 && strings.HasSuffix(term, "s") && !strings.HasSuffix(term, "ss") &&
		!strings.HasSuffix(term, "us") && !strings.HasSuffix(term, "is"):
		return term[:len(term)-1]
	}
	return term
}

// endings are those that root takes off, the first that fits.
var endings = []string{
	"ization", "ations", "ation", "ings", "ing", "edly", "ed", "ers", "er", "ors", "or", "ment", "ness", "able",
	"ible", "ity", "ies", "ion", "ive", "al", "ly", "es", "s", "e", "y",
}

// minRoot is the length that a root has at least, in bytes.
const minRoot = 3

// root takes one ending off a word, so that "retries", "retried" and "retrying" meet. It joins some
// words that have nothing in common; what tells them apart is the signal of the words as they are.
func root(term string) string {
	for _, ending := range endings {
		if len(term) >= len(ending)+minRoot && strings.HasSuffix(term, ending) {
			return term[:len(term)-len(ending)]
		}
	}
	return term
}
