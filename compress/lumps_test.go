package compress

import (
	"strings"
	"testing"
)

// Long comments, docstrings and text without a grammar are cut line by line, so that no lump takes or leaves the budget.
func TestLumpsAreCut(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	prose := strings.Repeat("The order of pages matters to the reader who comes back later.\nRefunds are explained here.\n", 40)
	for path, text := range map[string]string{
		"doc.go":    "/*\nPackage doc explains.\n\n" + prose + "*/\npackage doc\n",
		"lines.go":  "// " + strings.ReplaceAll(strings.TrimSpace(prose), "\n", "\n// ") + "\npackage doc\n",
		"doc.py":    "def f():\n    \"\"\"Explains.\n\n" + prose + "    \"\"\"\n    return 1\n",
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

// Two block comments in one run have a border that a missing line could tear.
func TestNeighbouringCommentsAreNotTorn(t *testing.T) {
	src := newSource(File{Content: "/* a\n b */\n/* c\n d */\n"}, words{}.Count)
	src.parsed.CommentPrefix = "// "
	if got := commentLines(src, 0, 4); got != nil {
		t.Errorf("lines of two comments may go: %v", got)
	}
}
