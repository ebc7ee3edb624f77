package compress

import (
	"strings"
	"testing"
)

func TestHead(t *testing.T) {
	line := strings.Repeat("x", 99) + "\n"
	for _, tt := range []struct {
		name, text string
		want       int
	}{
		{"short", "a\nb", 3},
		{"whole lines", strings.Repeat(line, 20), 900},
		{"lines that do not fit evenly", strings.Repeat("y"+line, 20), 808},
		{"one long line", strings.Repeat("z", 5000), window},
		{"inside a rune", "a" + strings.Repeat("ß", 5000), window - 1},
		{"not UTF-8", strings.Repeat("\x80", 5000), window - 4},
	} {
		if got := head(tt.text); len(got) != tt.want || !strings.HasPrefix(tt.text, got) {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), tt.want)
		}
	}
}

// Passages tile the lines, are of bounded size but for single lines, and look back over a bounded
// number of bytes.
func TestPassagesTile(t *testing.T) {
	src := testSource(longFunction(400) + strings.Repeat("w", 3000) + "\n" + sample)
	at := 7
	for _, p := range passages(src, 7, src.lines()) {
		if p.from != at || p.to <= p.from || p.lead > p.from || p.lead < 7 {
			t.Fatalf("%+v does not continue at line %d", p, at)
		}
		if size := len(src.text(p.from, p.to)); size > window && p.to > p.from+1 {
			t.Errorf("%+v is %d bytes", p, size)
		}
		if lead := len(src.text(p.lead, p.from)); lead > windowLead {
			t.Errorf("%+v looks %d bytes back", p, lead)
		}
		at = p.to
	}
	if at != src.lines() {
		t.Errorf("ends at line %d of %d", at, src.lines())
	}
}
