package compress

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const original = "0123456789abcdef"

// named is an engine whose markers carry hashes.
func named(t *testing.T) *Engine {
	return engine(t, func(o *Options) { o.Retrieval = func(File) string { return original } })
}

// Every marker ends in the hash of exactly the lines that it names, and the report lists the hashes
// in order.
func TestMarkersNameTheirGaps(t *testing.T) {
	req := ask(nil)
	res := compress(t, named(t), req)
	check(t, indents{}, wordCounter{}, req, res)
	var hashes []string
	for line := range strings.Lines(res.Text) {
		_, body, ok := strings.Cut(line, "... lines ")
		if !ok {
			continue
		}
		var first, last int
		var hash string
		if _, err := fmt.Sscanf(body, "%d-%d omitted hash=%s", &first, &last, &hash); err != nil {
			t.Fatalf("marker %q: %v", line, err)
		}
		if gap, ok := ParseGap(hash); !ok || gap != (Gap{original[:14], first, last}) {
			t.Errorf("marker %q has the hash of %+v", line, gap)
		}
		hashes = append(hashes, hash)
	}
	if len(hashes) == 0 || !slices.Equal(hashes, res.Files[0].Hashes) {
		t.Errorf("markers have %q, the report %q", hashes, res.Files[0].Hashes)
	}
}

func TestParseGap(t *testing.T) {
	tests := []struct {
		hash string
		want Gap
		ok   bool
	}{
		{"0123456789abcd0008000" + "0a9", Gap{"0123456789abcd", 128, 169}, true},
		{Gap{original, 1, maxLine}.String(), Gap{"0123456789abcd", 1, maxLine}, true},
		{Gap{original, 1, maxLine + 1}.String(), Gap{}, false},
		{Gap{"", 1, 2}.String(), Gap{}, false},
		{"0123456789abcd0000000002", Gap{}, false}, // line 0
		{"0123456789abcd0000300002", Gap{}, false},
		{"0123456789ABCD0000100002", Gap{}, false},
		{"0123456789abcg0000100002", Gap{}, false},
		{"0123456789abcd000010000", Gap{}, false},
		{"0123456789abcd00001000020", Gap{}, false},
		{"0123456789abcd+000100002", Gap{}, false},
	}
	for _, tt := range tests {
		if got, ok := ParseGap(tt.hash); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: %+v, %v", tt.hash, got, ok)
		}
	}
}
