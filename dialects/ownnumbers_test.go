package dialects_test

import (
	"fmt"
	"strings"
	"testing"

	"pith/dialects"
)

// rows are n lines of a form that has the line's number twice.
func rows(form string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, form+"\n", i+1, i+1)
	}
	return b.String()
}

// Numbers that a file has of its own are no line numbers, whatever they look like: behind other
// lines of the file they are those of other lines.
func TestOwnNumbersAreNoLineNumbers(t *testing.T) {
	const n = 60
	files := map[string]string{
		"dict.py":   "NAMES = {\n" + rows("    %d: \"number %d\",", n) + "}\n",
		"wide.py":   "NAMES = {\n" + rows("    %-3d: \"number %d\",", n) + "}\n",
		"tuples.py": "NAMES = [\n" + rows("    (%d, \"number %d\"),", n) + "]\n",
		"vars.py":   "import load\n\n" + rows("x%d = load(%d)", n),
		"steps.py":  "\"\"\"Steps.\n\n" + rows("%d. Do number %d.", n) + "\"\"\"\n",
		"seed.sql":  "INSERT INTO t (id, name) VALUES\n" + rows("(%d, 'number %d'),", n) + "(61, 'end');\n",
		"codes.yml": "# codes\ncodes:\n" + rows("  %d:   number %d", n),
		"map.toml":  "[names]\n" + rows("%d = \"number %d\"", n),
		"match.rs":  "fn f(n: u32) -> &str {\n    match n {\n" + rows("        %d => \"number %d\",", n) + "    }\n}\n",
		"when.kt":   "fun f(n: Int) = when (n) {\n" + rows("    %d -> \"number %d\"", n) + "}\n",
		"map.go":    "package names\n\nvar names = map[int]string{\n" + rows("\t%d: \"number %d\",", n) + "}\n",
		"rows.go":   "package names\n\nvar names = []pair{\n" + rows("\t{%d, \"number %d\"},", n) + "}\n",
		"key.ts":    "enum Key {\n" + rows("    K%d = 'number %d',", n) + "}\n",
		"want.go":   "package names\n\nconst want = `\n" + numbered(counter(), "%d: %s") + "`\n",
		"list.html": "<ol>\n" + rows("%d. number %d<br>", n) + "</ol>\n",
		"run.sh":    "#!/bin/sh\n" + rows("# %d. Do number %d.", n) + "exit 0\n",
	}
	for name, file := range files {
		for _, body := range []string{
			chatResult("Read", `{"path":"/r/`+name+`"}`, file),
			chatResult("Bash", `{"command":"cat `+name+`"}`, file),
			`{"messages":[{"role":"user","content":` + quote("What is 17?\n\n```\n"+file+"```\n") + `}]}`,
			`{"messages":[{"role":"user","content":` + quote("What is 17?\n\n```"+name+"\n"+file+"```\n") + `}]}`,
		} {
			p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
			for _, b := range p.Blocks {
				if b.Request.Files[0].Content != file {
					t.Errorf("%s: the engine gets %.300q", name, b.Request.Files[0].Content)
				}
			}
		}
	}
}

// Code that a client puts into the user's words without a fence or an element passes for a reason
// that is true.
func TestBareCodeIsUnsure(t *testing.T) {
	for name, text := range map[string]string{
		"Cline": "[read_file for 'counter.go'] Result:\n" + counter(),
		"Roo": "<files>\n<file><path>counter.go</path>\n<content>\n" + numbered(counter(), "%3d | %s") +
			"</content>\n</file>",
		"digest": "====\nFILE: counter.go\n====\n" + counter(),
	} {
		body := `{"messages":[{"role":"user","content":` + quote(text+"\n\nHow does Add7 lock?") + `}]}`
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 ||
			p.Left != dialects.LeftUnsure {
			t.Errorf("%s: %d blocks, left as %q", name, len(p.Blocks), p.Left)
		}
	}
	words := `{"messages":[{"role":"user","content":` + quote(strings.Repeat("How does it lock?\n", 40)) + `}]}`
	if p := plan(t, "/v1/chat/completions", words, dialects.Rules{}); p.Left != "" {
		t.Errorf("words are left as %q", p.Left)
	}
}
