package compress

import (
	"errors"
	"strings"
	"testing"
)

// Long comments and text without a grammar are cut line by line, so that no lump takes or leaves
// the budget.
func TestLumpsAreCut(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	prose := strings.Repeat("The order of pages matters to the reader who comes back later.\n"+
		"Refunds are explained here.\n", 40)
	for path, text := range map[string]string{
		"doc.go":    "/*\nPackage doc explains.\n\n" + prose + "*/\npackage doc\n",
		"lines.go":  "// " + strings.ReplaceAll(strings.TrimSpace(prose), "\n", "\n// ") + "\npackage doc\n",
		"Doc.java":  "/**\n * Explains.\n" + prose + " */\nclass Doc {\n    int x;\n}\n",
		"notes.txt": prose,
		"notes.md":  "# Refunds\n\n" + prose + "\n```\n" + prose + "```\n",
	} {
		for _, rate := range []float64{0.2, 0.5, 0.8} {
			req := Request{Files: []File{{Path: path, Content: text}}, Query: "how are refunds explained?", Rate: rate}
			res := compress(t, e, req)
			check(t, splitter, words{}, req, res)
			if res.CompressedTokens < res.Budget/2 {
				t.Errorf("%s, rate %v: only %d of %d tokens used", path, rate, res.CompressedTokens, res.Budget)
			}
		}
	}
}

// A marker inside a docstring would be part of a value of the program.
func TestDocstringIsNotCutInside(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	prose := strings.Repeat("The order of pages matters to the reader.\nRefunds are explained here.\n", 10)
	text := "def f():\n    \"\"\"Explains.\n\n" + prose + "    \"\"\"\n    return refund(1)\n\n\ndef g():\n" +
		strings.Repeat("    pay(1)\n", 20)
	for _, rate := range []float64{0.1, 0.3, 0.5, 0.8} {
		res := compress(
			t, e,
			Request{Files: []File{{Path: "a.py", Content: text}}, Query: "how are refunds explained?", Rate: rate})
		if strings.Contains(res.Text, `"""`) && !strings.Contains(res.Text, prose) {
			t.Errorf("rate %v: the docstring is cut inside:\n%s", rate, res.Text)
		}
	}
}

// Two block comments in one run have a border that a missing line could tear.
func TestNeighbouringCommentsAreNotTorn(t *testing.T) {
	src := newSource(File{Content: "/* a\n b */\n/* c\n d */\n"}, words{}.Count)
	src.parsed.CommentPrefix = "// "
	if got := commentLines(src, 0, 4); got != nil {
		t.Errorf("lines of two comments may go: %v", got)
	}
}

// A marker in place of the only line would be no part of the file: nothing can be gained there.
func TestOnlyLineStays(t *testing.T) {
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	text := strings.Repeat("function f(a){return a+1}", 80)
	_, err := e.Compress(t.Context(),
		Request{Files: []File{{Path: "f.min.js", Content: text}}, Query: "what is f?", Rate: 0.25})
	if !errors.Is(err, ErrBudget) {
		t.Errorf("%v instead of ErrBudget", err)
	}
}
