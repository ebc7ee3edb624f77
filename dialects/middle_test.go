package dialects_test

import (
	"strings"
	"testing"

	"pith/dialects"
)

// A client that loses the end of what a program printed loses it at any byte. A file that breaks
// off inside a line is no whole one.
func TestFilesThatBreakOffPass(t *testing.T) {
	tests := []struct {
		name, piece string
		// open says that the piece is itself no whole file.
		open bool
	}{
		{name: "a.go", piece: "// A Body is read once and lets go of it\n// at its end.\n" +
			"type Body struct {\n\tread int\n}\n"},
		{name: "a.go", piece: "func (b *Body) Read(p []byte) (int, error) {\n\tif len(p) == 0 {\n" +
			"\t\treturn 0, io.EOF\n\t}\n\treturn b.next(p)\n}\n"},
		{name: "a.go", piece: "var errLong = errors.New(\"the text is too long\")\n"},
		{name: "a.ts", piece: "/**\n * Reads what is there.\n */\n" +
			"export async function read(from: string): Promise<string> {\n  return get(from);\n}\n"},
		{name: "a.java", piece: "public final class Body {\n    /** How much. */\n    private int read;\n}\n"},
		{name: "a.rs", piece: "/// Reads what is there.\npub fn read(from: &str) -> String {\n" +
			"    from.to_owned()\n}\n"},
		{name: "a.kt", piece: "fun read(body: Body): String {\n    return body.text\n}\n"},
		{name: "a.py", piece: "class Body:\n    \"\"\"Reads what is there,\n    to its end.\n    \"\"\"\n"},
		{name: "a.py", piece: "def read(body, limit=None):\n", open: true},
		{name: "a.py", piece: "@cached\n", open: true},
		{name: "a.py", piece: "import (sys, os\n", open: true},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+strings.SplitN(tt.piece, "\n", 2)[0], func(t *testing.T) {
			before := strings.Repeat(codeOf(tt.name), 12)
			for cut := 1; cut < len(tt.piece); cut++ {
				at := tt.piece[:cut]
				begin := strings.LastIndexByte(at, '\n') + 1
				rest := tt.piece[cut:]
				// What is lost of a line is at least a word of code, so that it shows.
				if at[begin:] == "" || rest[0] == '\n' && !tt.open {
					continue
				}
				p := plan(t, "/v1/chat/completions", chatResult("Bash", `{"command":"cat `+tt.name+`"}`, before+at),
					dialects.Rules{})
				if len(p.Blocks) != 0 {
					t.Errorf("a file that ends in %q is taken for whole", at[begin:])
				}
			}
			if !tt.open {
				p := plan(t, "/v1/chat/completions",
					chatResult("Bash", `{"command":"cat `+tt.name+`"}`, before+tt.piece), dialects.Rules{})
				if len(p.Blocks) != 1 {
					t.Errorf("all of it is left as %q", p.Left)
				}
			}
		})
	}
}

// codeOf is a whole piece of a file of that name.
func codeOf(name string) string {
	if strings.HasSuffix(name, ".py") {
		return "def add(counter, n):\n    counter.n += n\n    return counter.n\n\n\n"
	}
	return "function(counter, n) {\n\tcounter.n += n;\n\treturn counter.n;\n}\n\n"
}
