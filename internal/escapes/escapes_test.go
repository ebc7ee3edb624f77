package escapes_test

import (
	"slices"
	"strings"
	"testing"

	"pith/internal/escapes"
)

func TestReadings(t *testing.T) {
	for text, want := range map[string][]string{
		"":                 {""},
		"a/b":              {"a/b"},
		"a%2Fb%2fc":        {"a%2Fb%2fc", "a/b/c"},
		"%252e":            {"%252e", "%2e", "."},
		"%2e%zz%4":         {"%2e%zz%4", ".%zz%4"},
		"%\x10\x10":        {"%\x10\x10"},
		"%25%32%35%34%31%": {"%25%32%35%34%31%", "%2541%", "%41%", "A%"},
		"%ff":              {"%ff", "\xff"},
	} {
		if got := escapes.Readings(text); !slices.Equal(got, want) {
			t.Errorf("Readings(%q) = %q, want %q", text, got, want)
		}
	}
	if got := escapes.Readings("%" + strings.Repeat("25", 1000) + "41"); len(got) > 10 {
		t.Errorf("%d readings of one text", len(got))
	}
}
