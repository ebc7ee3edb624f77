package compress

import (
	"fmt"
	"strings"
	"testing"
)

// The budget is whole tokens of what was asked for, never fewer because of how a share is written
// in binary; a default share leaves small texts alone.
func TestAllowance(t *testing.T) {
	tests := []struct {
		name     string
		req      Request
		original int
		share    float64 // the default
		want     int
	}{
		{"a budget", Request{Budget: 77}, 1000, 0, 77},
		{"a budget goes before a default", Request{Budget: 77}, 1000, 0.5, 77},
		{"a rate", Request{Rate: 0.5}, 1001, 0, 500},
		{"a rate that is no binary fraction", Request{Rate: 0.29}, 100, 0, 29},
		{"a rate counts for small texts, too", Request{Rate: 0.1}, 100, 0, 10},
		{"a rate goes before a default", Request{Rate: 0.1}, 1000, 0.5, 100},
		{"the default", Request{}, 1000, 0.5, 500},
		{"the default and a small text", Request{}, 400, 0.5, smallText},
		{"adaptive", Request{}, 1000, 0, 800},
		{"adaptive and a small text", Request{}, 100, 0, smallText},
	}
	for _, tt := range tests {
		j := &job{req: tt.req, original: tt.original, opt: Options{DefaultRate: tt.share}}
		if got := j.allowance(); got != tt.want {
			t.Errorf("%s: %d tokens, want %d", tt.name, got, tt.want)
		}
	}
}

// bytesCounter is another tokenizer for the same models.
type bytesCounter struct{ wordCounter }

func (bytesCounter) For(string) Counter       { return bytesCounter{} }
func (bytesCounter) Encoding() (string, bool) { return "bytes", true }

// A budget is in tokens of the tokenizer that counts them: another one makes another result.
func TestKeyCoversTheTokenizer(t *testing.T) {
	words := cached(t, &valueStore{}, nil).next.parts(ask(nil))
	other := cached(t, &valueStore{}, func(o *Options) { o.Counters = bytesCounter{} }).next.parts(ask(nil))
	if keyed(words...) == keyed(other...) {
		t.Error("two tokenizers, one key")
	}
}

// What is asked about a hundred thousand tokens fills its budget as what is asked about a thousand.
func TestLargeContextsFillTheirBudget(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	var files []File
	for n := range 30 {
		var text strings.Builder
		fmt.Fprintf(&text, "package p%d\n", n)
		for i := range 60 {
			fmt.Fprintf(&text, "\n// step%d moves part %d of the order on.\nfunc step%d(order int) int {\n", i, n*i, i)
			for line := range 3 + (n+i)%20 {
				fmt.Fprintf(&text, "\torder = order*%d + charge(order, part%d)\n", line+2, line*n)
			}
			text.WriteString("\treturn order\n}\n")
		}
		files = append(files, File{Path: fmt.Sprintf("p%d/step.go", n), Content: text.String()})
	}
	for _, rate := range []float64{0.1, 0.3, 0.6} {
		res := compress(t, e, Request{Files: files, Query: "how is part 12 of an order charged?", Rate: rate})
		if res.CompressedTokens > res.Budget || res.LineTokens < res.Budget*4/5 {
			t.Errorf("rate %v of %d tokens: %d and %d in lines, in a budget of %d",
				rate, res.OriginalTokens, res.CompressedTokens, res.LineTokens, res.Budget)
		}
	}
}
