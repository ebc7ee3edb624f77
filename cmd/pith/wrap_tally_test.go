package main

import (
	"log/slog"
	"strings"
	"testing"
)

// What went out as it came is told apart from what is shorter and less than was asked for.
func TestWrapSaysWhatPassedAndWhatIsLess(t *testing.T) {
	count := newTallyHandler(slog.DiscardHandler)
	log := slog.New(count)
	for _, r := range [][2]string{
		{"compressed", ""},
		{"compressed", "cut-by-lines"},
		{"pass", "part"},
		{"pass", "part"},
		{"bypass", "timeout"},
		{"", ""},
	} {
		log.Info("request", "decision", r[0], "reason", r[1], "original_tokens", 100, "compressed_tokens", 50)
	}
	var out strings.Builder
	count.print(&out)
	const want = `pith: 5 requests, 2 of them with code made shorter
pith: code in them: 250 tokens sent of 500, 50 % saved (what was sent again counts again)
pith: left as it came in 2: part
pith: left as it came in 1: timeout
pith: made shorter, but not all of it, or not as well as was asked for, in 1: cut-by-lines
`
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}
