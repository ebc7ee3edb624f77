package compress

import (
	"errors"
	"fmt"
	"slices"
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
			check(t, splitter, wordCounter{}, req, res)
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
	src := testSource("/* a\n b */\n/* c\n d */\n")
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

// The header of a class goes where none of its members stays: alone it is no class in Python.
func TestHeaderGoesWithItsMembers(t *testing.T) {
	var b strings.Builder
	for i := range 8 {
		fmt.Fprintf(&b, "class Store%d:\n    \"\"\"\n    Keeps item %d and tells whoever asks.\n    \"\"\"\n\n", i, i)
		for k := range 3 {
			fmt.Fprintf(&b, "    def method_%d_%d(self, item, count):\n        total = item.size * %d + count\n"+
				"        self.log.append((total, item.name))\n        return total\n\n", i, k, k)
		}
		fmt.Fprintf(&b, "\ndef helper_%d(value):\n    return Store%d().method_%d_1(value, %d)\n\n\n", i, i, i, i)
	}
	e := engine(t, func(o *Options) { o.Splitter = pool(t) })
	for rate := 0.06; rate < 0.9; rate += 0.04 {
		res := compress(t, e, Request{
			Files: []File{{Path: "stores.py", Content: b.String()}}, Query: "What does helper_5 return?", Rate: rate,
		})
		lines := strings.Split(res.Text, "\n")
		for i, line := range lines {
			rest := slices.DeleteFunc(slices.Clone(lines[i+1:]), func(l string) bool {
				return strings.TrimSpace(l) == "" || strings.HasPrefix(strings.TrimSpace(l), "# ...")
			})
			if strings.HasPrefix(line, "class ") && (len(rest) == 0 || !strings.HasPrefix(rest[0], " ")) {
				t.Errorf("rate %.2f: %q has no member", rate, line)
			}
		}
	}
}

// What stays of a function cut inside does not depend on what stands at the same place of the file:
// blank lines there once took statements with them, and a header of Python's lost its only one.
func TestBlankLinesElsewhereTakeNothing(t *testing.T) {
	splitter := pool(t)
	e := engine(t, func(o *Options) { o.Splitter = splitter })
	body := strings.Repeat("    if ready(1):\n        send(1)\n", 30)
	words := "    \"\"\"Sends.\n\n    " +
		strings.Repeat("It waits until all others have sent theirs. ", 9) + "\n    \"\"\"\n"
	text := "def first():\n" + words + "    opened = connect()\n" + body +
		"\n\ndef second():\n" + words + "    opened = connect()\n" + body
	for _, blanks := range []int{3, 40, 80} {
		for _, rate := range []float64{0.05, 0.1, 0.15, 0.3} {
			req := Request{
				Files: []File{{Path: "a.py", Content: strings.Repeat("\n", blanks) + text}},
				Query: "when is it ready?", Rate: rate,
			}
			text := compress(t, e, req).Text
			if strings.Count(text, "def ") != strings.Count(text, "opened = ") {
				t.Errorf("%d blank lines, rate %v: a header has lost its statement:\n%s", blanks, rate, text)
			}
		}
	}
}
