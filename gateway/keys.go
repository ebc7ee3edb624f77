package gateway

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

// A VirtualKey lets one client in. The proxy holds its hash only. A plain SHA-256 is enough for
// that: slow hashes protect secrets that can be guessed, and a key of NewKey has 128 random bits or
// more.
type VirtualKey struct {
	// Name is the client's: its tenant in the cache, its allowances, its name in logs.
	Name string
	Hash [sha256.Size]byte
	// RequestsPerMinute and TokensPerMinute are allowances that fill up evenly. Zero: no limit.
	RequestsPerMinute, TokensPerMinute int64
}

// NewKey returns a new random key.
func NewKey() string { return "pith-" + rand.Text() }

// HashKey returns what stands for a key at rest.
func HashKey(key string) [sha256.Size]byte { return sha256.Sum256([]byte(key)) }

// findKey looks for a key in every place where clients put theirs: some send more than one. It
// returns the key and how it was shown.
func findKey(keys []VirtualKey, r *http.Request) (key *VirtualKey, shown string) {
	for _, name := range credentialHeaders {
		for _, v := range r.Header.Values(name) {
			if scheme, rest, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
				v = strings.TrimSpace(rest)
			}
			if key := matchKey(keys, v); key != nil {
				return key, v
			}
		}
	}
	if r.URL.RawQuery != "" {
		shown = r.URL.Query().Get("key")
		return matchKey(keys, shown), shown
	}
	return nil, ""
}

// matchKey compares with every key whatever it finds, so that the time taken says nothing.
func matchKey(keys []VirtualKey, candidate string) *VirtualKey {
	hash := HashKey(candidate)
	found := -1
	for i := range keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], keys[i].Hash[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &keys[found]
}
