package cache

import (
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"pith/internal/digest"
)

// A Keyer derives keys from what a result depends on. It is keyed, so that nobody who reads a cache
// can test whether a text is in it.
type Keyer struct {
	key func(parts ...string) string
}

// NewKeyer returns a Keyer for a secret. If secret is empty a random one is drawn: keys then hold
// for this process only, so replicas that share a Redis need a configured secret, the same for all.
func NewKeyer(secret []byte) *Keyer {
	if len(secret) == 0 {
		secret = make([]byte, sha256.Size)
		rand.Read(secret) // never fails: it aborts the program where the system has no randomness
	}
	return &Keyer{key: digest.Keyed(slices.Clone(secret))}
}

// Key returns HMAC-SHA256 of parts, in hex, such that no two lists of parts collide. Callers put in
// all that decides the result, the tenant first.
func (k *Keyer) Key(parts ...string) string { return k.key(parts...) }
