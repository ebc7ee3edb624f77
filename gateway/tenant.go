package gateway

import (
	"net/http"

	"pith/internal/digest"
)

// credentialHeaders are where the providers' clients put their keys.
var credentialHeaders = [...]string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"}

// CredentialTenant names a caller by an HMAC of the credentials that its request carries, so that
// one key is one tenant, no client can name itself another's, and the name gives the key away
// neither in a cache nor in a log. Replicas that share a cache share the secret.
func CredentialTenant(secret []byte) func(*http.Request) string {
	hash := digest.Keyed(secret)
	return func(r *http.Request) string {
		var parts []string
		for _, name := range credentialHeaders {
			for _, v := range r.Header.Values(name) {
				parts = append(parts, name, v)
			}
		}
		if r.URL.RawQuery != "" {
			if key := r.URL.Query().Get("key"); key != "" {
				parts = append(parts, "key", key)
			}
		}
		return hash(parts...)[:32]
	}
}
