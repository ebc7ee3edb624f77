package proxy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
)

// credentialHeaders are where the providers' clients put their keys.
var credentialHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// CredentialTenant names a caller by an HMAC of the credentials that its request carries, so that one key is one tenant, no
// client can name itself another's, and the name gives the key away neither in a cache nor in a log. Replicas that share a
// cache share the secret.
func CredentialTenant(secret []byte) func(*http.Request) string {
	return func(r *http.Request) string {
		h := hmac.New(sha256.New, secret)
		write := func(s string) {
			// The length goes first, so that values of two headers cannot run together.
			var n [8]byte
			binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
			h.Write(n[:])
			h.Write([]byte(s))
		}
		for _, name := range credentialHeaders {
			for _, v := range r.Header.Values(name) {
				write(name)
				write(v)
			}
		}
		if r.URL.RawQuery != "" {
			if key := r.URL.Query().Get("key"); key != "" {
				write("key")
				write(key)
			}
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
}
