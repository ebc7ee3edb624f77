package cache_test

import (
	"testing"

	"pith/cache"
)

func TestKeysCannotCollide(t *testing.T) {
	k := cache.NewKeyer([]byte("secret"))
	rows := [][]string{
		nil,
		{""},
		{"", ""},
		{"ab", "c"},
		{"a", "bc"},
		{"abc"},
		{"c", "ab"},
		{"ab", "c", ""},
		{"tenant 1", "text"},
		{"tenant 2", "text"},
		{"tenant 1text"},
		{"a\x00b"},
		{"a", "\x00b"},
	}
	seen := make(map[string][]string)
	for _, parts := range rows {
		key := k.Key(parts...)
		if other, ok := seen[key]; ok {
			t.Errorf("%q and %q have one key", parts, other)
		}
		seen[key] = parts
		if again := k.Key(parts...); again != key {
			t.Errorf("%q: %s, then %s", parts, key, again)
		}
	}
}

func TestKeysDependOnTheSecret(t *testing.T) {
	if cache.NewKeyer([]byte("one")).Key("text") == cache.NewKeyer([]byte("two")).Key("text") {
		t.Error("two secrets give one key")
	}
	one, other := cache.NewKeyer(nil), cache.NewKeyer(nil)
	if one.Key("text") == other.Key("text") {
		t.Error("two processes without a secret give one key")
	}
	if got := cache.NewKeyer([]byte("one")).Key("text"); got != cache.NewKeyer([]byte("one")).Key("text") ||
		len(got) != 64 {
		t.Errorf("replicas with one secret disagree: %s", got)
	}
}

// The secret is the Keyer's own copy: a caller may wipe what it passed.
func TestKeyerCopiesTheSecret(t *testing.T) {
	secret := []byte("secret")
	k := cache.NewKeyer(secret)
	want := k.Key("text")
	clear(secret)
	if got := k.Key("text"); got != want {
		t.Error("the key changed with the caller's slice")
	}
}

func FuzzKeyer(f *testing.F) {
	f.Add("a", "b", "c", "d")
	f.Add("ab", "", "a", "b")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		k := cache.NewKeyer([]byte("secret"))
		if same := a == c && b == d; same != (k.Key(a, b) == k.Key(c, d)) {
			t.Errorf("(%q, %q) and (%q, %q): equal keys must mean equal parts", a, b, c, d)
		}
	})
}
