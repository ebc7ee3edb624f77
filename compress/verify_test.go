package compress

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pith/parsers"
)

// pairRanker is indents with a rule that its units do not know: each "open" line needs its "close"
// line. It counts its parses.
type pairRanker struct {
	indents
	parses *int
}

func (p pairRanker) Parse(ctx context.Context, path string, src []byte) (parsers.File, error) {
	return p.ParseAs(ctx, path, src)
}

func (p pairRanker) ParseAs(ctx context.Context, language string, src []byte) (parsers.File, error) {
	*p.parses++
	file, err := p.indents.ParseAs(ctx, language, src)
	for line := range strings.Lines(string(src)) {
		word, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "open" && !strings.Contains(string(src), "close "+name),
			word == "close" && !strings.Contains(string(src), "open "+name):
			file.SyntaxErrors++
		}
	}
	return file, err
}

// pairs is functions whose statements open and close things far apart.
func pairs(functions, statements int) string {
	var b strings.Builder
	for f := range functions {
		fmt.Fprintf(&b, "function number %d does things\n", f)
		for s := range statements {
			switch s {
			case 2:
				fmt.Fprintf(&b, "    open resource%d of the machine\n", f)
			case statements - 3:
				fmt.Fprintf(&b, "    close resource%d of the machine\n", f)
			default:
				fmt.Fprintf(&b, "    statement %d of function %d says something %d\n", s, f, s*f%7)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// Where a grammar's units turn out not to be free, the output still parses: guilty gaps are closed
// one by one, and when that is not enough the file is cut more coarsely.
func TestBrokenOutputIsMended(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		functions, statements int
	}{
		{"few gaps", 3, 20},
		{"many gaps", 40, 30},
		{"one function", 1, 60},
	} {
		text := pairs(tt.functions, tt.statements)
		for rate := 0.1; rate < 1; rate += 0.1 {
			parses := 0
			splitter := pairRanker{parses: &parses}
			req := Request{Files: []File{{Content: text}}, Query: "what does function number 2 say?", Rate: rate}
			res := compress(t, engine(t, func(o *Options) { o.Splitter = splitter }), req)
			if parses > 3*rounds*(maxTrials+1) {
				t.Errorf("%s, rate %.1f: %d parses", tt.name, rate, parses)
			}
			check(t, splitter, wordCounter{}, req, res)
		}
	}
}

// Mended files still are cut inside chunks: closing a gap costs what it held and no more.
func TestMendingKeepsTheFineCut(t *testing.T) {
	parses, pruned := 0, 0
	for rate := 0.2; rate < 1; rate += 0.1 {
		req := Request{Files: []File{{Content: pairs(3, 30)}}, Query: "what does function number 2 say?", Rate: rate}
		res := compress(t, engine(t, func(o *Options) { o.Splitter = pairRanker{parses: &parses} }), req)
		for _, c := range res.Chunks {
			if c.Decision == Pruned {
				pruned++
			}
		}
	}
	if pruned == 0 {
		t.Errorf("no chunk is pruned after %d parses", parses)
	}
}
