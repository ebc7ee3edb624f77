package cache

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"
)

// A Keyer derives keys from what a result depends on. It is keyed, so that nobody who reads a cache can test whether a text
// is in it.
type Keyer struct {
	secret []byte
}

// NewKeyer returns a Keyer for a secret. If secret is empty a random one is drawn: keys then hold for this process only, so
// replicas that share a Redis need a configured secret, the same for all.
func NewKeyer(secret []byte) *Keyer {
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		rand.Read(secret) // never fails: it aborts the program where the system has no randomness
	}
	return &Keyer{secret: slices.Clone(secret)}
}

// Key returns HMAC-SHA256 of parts, in hex. Each part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
// Callers put in all that decides the result, the tenant first.
func (k *Keyer) Key(parts ...string) string {
	h := hmac.New(sha256.New, k.secret)
	var size [8]byte
	for _, part := range parts {
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}
