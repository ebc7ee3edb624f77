package lexical

import (
	"slices"
	"strings"
	"testing"
)

func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []Place
	}{
		{"panic at server.go:120 +0x1f", []Place{{"server.go", 120}}},
		{`  File "app/models/user.py", line 42, in save`, []Place{{"app/models/user.py", 42}}},
		{"at Cache.get (src/cache.ts:7:15)", []Place{{"src/cache.ts", 7}}},
		{"error TS2322: src/a.tsx(12,3)", []Place{{"src/a.tsx", 12}}},
		{`C:\work\main.cs:line 5 and D:\x\y.cs:9`, []Place{{`/x/y.cs`, 9}}},
		{"it takes 10:30 to do e.g. 3 things", nil},
	} {
		got := PlacesIn(tt.text)
		if len(got) != len(tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
			continue
		}
		for i, p := range got {
			if p.Line != tt.want[i].Line || !SamePath(p.Path, tt.want[i].Path) {
				t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
			}
		}
	}
}

// A log names thousands of places; the first are looked at.
func TestPlacesAreBounded(t *testing.T) {
	got := PlacesIn(strings.Repeat("at a.go:7\n", 1000))
	if len(got) != maxPlaces || got[0] != (Place{"a.go", 7}) {
		t.Errorf("%d places, the first %v, want %d", len(got), got[0], maxPlaces)
	}
}

func TestSamePath(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"src/a.go", "src/a.go", true},
		{"/home/x/src/a.go", "src/a.go", true},
		{"a.go", "./src/a.go", true},
		{"src/a.go", "lib/a.go", false},
		{"src/data.go", "a.go", false}, // the end of a name is no name
	} {
		if got := SamePath(tt.a, tt.b); got != tt.want {
			t.Errorf("SamePath(%q, %q) = %v", tt.a, tt.b, got)
		}
	}
}

func TestIdentifiers(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"why does parseHeader fail?", []string{"parseHeader"}},
		{"what does `get` return", []string{"get"}},
		{"is close() called, or Pool.put?", []string{"close", "put"}},
		{"snake_case and http2", []string{"http2", "snake_case"}},
		{"When is it Done?", nil},
	} {
		var got []string
		for name := range Identifiers(tt.text) {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %v, want %v", tt.text, got, tt.want)
		}
	}
}

func TestRoots(t *testing.T) {
	for _, related := range [][]string{
		{"retry", "retries"},
		{"load", "loaded", "loading"},
		{"remove", "removed", "removing"},
	} {
		for _, word := range related[1:] {
			if root(stem(word)) != root(stem(related[0])) {
				t.Errorf("%s has the root %s, %s has %s", word, root(stem(word)), related[0], root(stem(related[0])))
			}
		}
	}
}
