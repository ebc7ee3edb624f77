package dialects_test

import (
	"strings"
	"testing"

	"pith/dialects"
)

// A file whose name has no extension may be one of code by that name; the engine has a way to cut
// it.
func TestFilesKnownByTheirName(t *testing.T) {
	rules := strings.Repeat("build:\n\tgcc -o out main.c\n\n", 60)
	for name, want := range map[string]int{
		"Makefile": 1, "GNUmakefile": 1, "Dockerfile": 1, "CMakeLists.txt": 1, "Gemfile": 1,
		"LICENSE": 0, "notes.txt": 0,
	} {
		p := plan(t, "/v1/chat/completions", chatResult("read_file", `{"path":"/r/`+name+`"}`, rules), dialects.Rules{})
		if len(p.Blocks) != want || want == 0 && p.Left != dialects.LeftNoCode {
			t.Errorf("%s: %d blocks, left as %q", name, len(p.Blocks), p.Left)
		}
	}
}
