package compress

import "fmt"

// What makes a result less than was asked for, in a word: headers, logs and metrics have the same.
const (
	LessCut      = "ranking-cut-short" // the model was late or failed, or a grammar was late
	LessWords    = "ranked-by-words"   // where a model was wanted
	LessLines    = "cut-by-lines"      // where there is a grammar, which failed
	LessMarkers  = "mostly-markers"    // Thin
	LessCoverage = "coverage-bounded"  // Capped
)

// Less is in what a result is less than was asked for, the gravest, or "".
func (r Result) Less() string {
	switch {
	case r.Cut:
		return LessCut
	case r.byWords():
		return LessWords
	case len(r.byLines()) > 0:
		return LessLines
	case r.Thin():
		return LessMarkers
	case r.Capped:
		return LessCoverage
	}
	return ""
}

// Notes are sentences for people on all in which a result is less than was asked for.
func (r Result) Notes() []string {
	var list []string
	if r.byWords() || r.Cut && r.RankerReason != "" {
		list = append(list, fmt.Sprintf("ranked by %s: %s", r.Ranker, r.RankerReason))
	}
	for _, f := range r.byLines() {
		list = append(list, fmt.Sprintf("%s: cut by its lines, not by the grammar of %s: %s",
			f.Path, f.Language, f.Fallback))
	}
	if r.Thin() {
		list = append(list, fmt.Sprintf("only %d tokens of the budget of %d are lines: what was left out cannot be "+
			"cut smaller (a larger rate or budget may hold it)", r.LineTokens, r.Budget))
	}
	if r.Capped {
		list = append(list, fmt.Sprintf("expected to hold %.2f of the needed code, less than compress.coverage asks "+
			"for: more would hardly be smaller (a rate or a budget says how much is kept)", r.Coverage))
	}
	return list
}

// byWords reports that words stood in for a model that was wanted.
func (r Result) byWords() bool {
	return r.RankerReason != "" && (r.Ranker == rankWords || r.Ranker == rankBM25)
}

func (r Result) byLines() (list []FileResult) {
	for _, f := range r.Files {
		if f.ByLines() {
			list = append(list, f)
		}
	}
	return list
}
