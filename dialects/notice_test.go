package dialects_test

import (
	"testing"

	"pith/dialects"
)

// A tool's words about what it left out are known by what they speak of, before the file or behind
// it, with numbers or without.
func TestNoticesInAnyWords(t *testing.T) {
	const path = `{"path":"/r/counter.go"}`
	for _, notice := range []string{
		"-- view capped at 83 lines; page 1 of 4 --", "⚠ Result abbreviated to fit context",
		"[Output was cut: 31 KB over the limit]", "There are further lines in this file.", "Next page token: abc",
		"To keep reading call view_file with start=400", "*** RESPONSE CLIPPED ***",
		"<NOTE>This file is longer than what is displayed here.</NOTE>", "Lines beyond 83 are not included.",
		"Use `offset: 84` for the rest", "Stopped at the token budget.", "(only part of the file)", "文件内容已截断",
	} {
		for where, result := range map[string]string{
			"behind numbers": numbered(counter(), "%d\t%s") + notice + "\n",
			"before numbers": notice + "\n" + numbered(counter(), "%d\t%s"),
			"behind":         counter() + notice + "\n",
			"before":         notice + "\n" + counter(),
		} {
			p := plan(t, "/v1/chat/completions", chatResult("Read", path, result), dialects.Rules{})
			if len(p.Blocks) != 0 || p.Left != dialects.LeftPart && p.Left != dialects.LeftUnsure {
				t.Errorf("%q %s: %d blocks, left as %q", notice, where, len(p.Blocks), p.Left)
			}
		}
	}
}
