package perplexity

import (
	"sort"

	"golang.org/x/text/unicode/norm"
)

// origins tells where places of a normalised text come from. It is empty where nothing changed.
type origins []textOrigin

// A textOrigin begins a run of the normalised text that was either copied (same bytes) or changed.
type textOrigin struct {
	at, from int
	changed  bool
}

// normalizeNFC returns text in NFC form. Bytes that are not UTF-8 stay as they are.
func normalizeNFC(text string) (string, origins) {
	if norm.NFC.IsNormalString(text) {
		return text, nil
	}
	var (
		out  []byte
		from origins
		it   norm.Iter
	)
	for it.InitString(norm.NFC, text); !it.Done(); {
		start := it.Pos()
		segment := it.Next()
		changed := string(segment) != text[start:it.Pos()]
		if last := len(from) - 1; last < 0 || changed || from[last].changed {
			from = append(from, textOrigin{at: len(out), from: start, changed: changed})
		}
		out = append(out, segment...)
	}
	return string(out), from
}

// restore replaces offsets in the normalised text by offsets in the original one.
func (o origins) restore(tokens []Token) {
	if len(o) == 0 {
		return
	}
	for i := range tokens {
		at := tokens[i].Offset
		run := o[sort.Search(len(o), func(k int) bool { return o[k].at > at })-1]
		tokens[i].Offset = run.from
		if !run.changed {
			tokens[i].Offset += at - run.at
		}
	}
}
