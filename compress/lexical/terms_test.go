package lexical

import (
	"strings"
	"testing"
)

func TestTerms(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"parseHTTPHeader2", "parse http header 2 parsehttpheader2"},
		{"snake_case_names", "snake case name snakecasenames"},
		{"how does the class index policies", "class index policy"},
		{"x := Orders[i+1] // übergrößen", "x order 1 übergrößen"},
		{"__init__", "init"},
		{"", ""},
	} {
		if got := strings.Join(Terms(tt.text), " "); got != tt.want {
			t.Errorf("Terms(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestBM25PrefersTheNamedFunction(t *testing.T) {
	texts := []string{
		"func openFile(name string) {}", "func closeReader(r io.Reader) {}",
		"// nothing of note\nvar x = 1",
	}
	scores := BM25Texts("where is the reader closed? see CloseReader", texts)
	if scores[1] <= scores[0] || scores[2] != 0 {
		t.Errorf("scores %v, want the second first and the third 0", scores)
	}
}

func BenchmarkBM25(b *testing.B) {
	var texts []string
	for i := range 400 {
		texts = append(texts, strings.Repeat("order.total += line.price * order.tax\n", 20+i%60))
	}
	for b.Loop() {
		BM25Texts("how is the total price of an order with tax updated?", texts)
	}
}

// A word that few texts have says more than one that all have.
func TestRareWordsWeighMore(t *testing.T) {
	scores := BM25Texts("cache evict", []string{"cache one", "evict two", "cache three", "cache four", "cache five"})
	if scores[1] <= 2*scores[0] || scores[0] != scores[2] || scores[0] <= 0 {
		t.Errorf("scores %v", scores)
	}
}
