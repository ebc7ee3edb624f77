package parsers_test

import (
	"testing"

	"pith/parsers/processes"
)

// A word that ends a construct and stands for a command tells that the grammar took the construct's
// beginning for something else, without an error: nothing of such a script is cut.
func TestScriptWithStrayWordsIsOnePiece(t *testing.T) {
	const script = "#!/bin/sh\nif [ $n -gt 1 ]; then\n  echo \"`gettext 'Select one, run'`\" \"'select'.\"\n" +
		"  for e in $list; do\n    if [ $e = \"$best\" ]; then\n      desc=\"  <--- ` gettext 'easiest'`\"\n    fi\n" +
		"  done\nfi\n"
	p := newPool(t, processes.Options{InProcess: true})
	f, err := p.Parse(t.Context(), "a.sh", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	if f.SyntaxErrors == 0 || len(f.Chunks) != 1 || len(f.Chunks[0].Units) != 0 || f.Chunks[0].End != len(script) {
		t.Errorf("%d errors, %d chunks: %+v", f.SyntaxErrors, len(f.Chunks), f.Chunks)
	}
}
