package digest_test

import (
	"crypto/sha256"
	"testing"

	"pith/internal/digest"
)

func TestListsDoNotCollide(t *testing.T) {
	lists := [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"c", "ab"}}
	hashes := map[string]func(parts ...string) string{
		"plain":     func(parts ...string) string { return digest.Of(sha256.New(), parts...) },
		"keyed":     digest.Keyed([]byte("one")),
		"other key": digest.Keyed([]byte("two")),
	}
	seen := map[string]string{}
	for name, hash := range hashes {
		for _, list := range lists {
			sum := hash(list...)
			if before, ok := seen[sum]; ok {
				t.Errorf("%s hash of %q is also that of %s", name, list, before)
			}
			seen[sum] = name
			if hash(list...) != sum || len(sum) != 64 {
				t.Errorf("%s hash of %q: %s, and %s the second time", name, list, sum, hash(list...))
			}
		}
	}
}
