// Package escapes undoes percent-encoding as the most lenient of servers would: again and again,
// and around what is no escape.
//
// It knows nothing of URLs.
package escapes

import (
	"strconv"
	"strings"
)

// most is how often an escape may be escaped. Nobody means to do it twice.
const most = 8

// Readings returns text as it is and as it reads with its escapes undone once, twice and so on,
// until nothing changes.
func Readings(text string) []string {
	list := []string{text}
	for range most {
		next := undo(text)
		if next == text {
			break
		}
		text = next
		list = append(list, text)
	}
	return list
}

// undo undoes each %XX of text and leaves everything else.
func undo(text string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if c, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
