package proxy

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
)

// A VirtualKey lets one client in. The proxy holds its hash only. A plain SHA-256 is enough for that: slow hashes protect secrets
// that can be guessed, and a key of NewKey has 128 random bits or more.
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

// authorize lets a request in, or answers it.
func (s *Server) authorize(c *gin.Context) {
	if err := s.enter(c.Writer, c.Request); err != nil {
		writeError(c.Writer, s.vendorOf(c.Request.URL.Path).fail, err)
		c.Abort()
	}
}

// enter finds whose request it is and counts it. Without virtual keys everybody may come in.
func (s *Server) enter(w http.ResponseWriter, r *http.Request) error {
	if len(s.opts.Gateway.Keys) == 0 {
		return nil
	}
	key := findKey(s.opts.Gateway.Keys, r)
	if key == nil {
		return &apiError{status: http.StatusUnauthorized, kind: kindAuth, msg: "no key that this proxy knows"}
	}
	exchangeOf(r.Context()).key = key
	no, refused := s.allowances.enter(r.Context(), key)
	if !refused {
		return nil
	}
	s.vendorOf(r.URL.Path).limit(w.Header(), no)
	return &apiError{status: http.StatusTooManyRequests, kind: kindRate, msg: "the allowance of " + strings.ToLower(no.of) + " per minute is used up", retryAfter: no.seconds()}
}

// findKey looks for a key in every place where clients put theirs: some send more than one.
func findKey(keys []VirtualKey, r *http.Request) *VirtualKey {
	for _, name := range credentialHeaders {
		for _, v := range r.Header.Values(name) {
			if scheme, rest, ok := strings.Cut(v, " "); ok && strings.EqualFold(scheme, "Bearer") {
				v = strings.TrimSpace(rest)
			}
			if key := matchKey(keys, v); key != nil {
				return key
			}
		}
	}
	if r.URL.RawQuery != "" {
		return matchKey(keys, r.URL.Query().Get("key"))
	}
	return nil
}

// matchKey compares with every key whatever it finds, so that the time taken says nothing.
func matchKey(keys []VirtualKey, given string) *VirtualKey {
	hash := HashKey(given)
	found := -1
	for i := range keys {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(hash[:], keys[i].Hash[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return &keys[found]
}

// tenant names the caller that results may be shared with.
func (s *Server) tenant(r *http.Request) string {
	if key := exchangeOf(r.Context()).key; key != nil {
		return "key " + key.Name
	}
	return s.opts.Tenant(r)
}
