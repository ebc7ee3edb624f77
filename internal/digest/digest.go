// Package digest hashes lists of texts such that no two lists have one hash.
package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
)

// Of writes parts into h and returns its sum, in hex. Each part is preceded by its length, so that
// ("ab", "c") and ("a", "bc") differ.
func Of(h hash.Hash, parts ...string) string {
	var some [1 << 10]byte // a part is not copied as a whole: it may be megabytes
	for _, part := range parts {
		binary.LittleEndian.PutUint64(some[:8], uint64(len(part)))
		h.Write(some[:8])
		for len(part) > 0 {
			n := copy(some[:], part)
			h.Write(some[:n])
			part = part[n:]
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Keyed returns a function that hashes a list by HMAC-SHA256 under secret.
func Keyed(secret []byte) func(parts ...string) string {
	return func(parts ...string) string { return Of(hmac.New(sha256.New, secret), parts...) }
}
