package gateway

import (
	"net/http"
	"strconv"
	"time"

	"pith/dialects"
)

// An Auth is a header in which a key goes to an upstream.
type Auth string

// The headers that LLM APIs take keys in.
const (
	// AuthBearer is "Authorization: Bearer KEY".
	AuthBearer Auth = "bearer"
	// AuthXAPIKey is "X-Api-Key: KEY", as Anthropic has it.
	AuthXAPIKey Auth = "x-api-key"
	// AuthAPIKey is "Api-Key: KEY", as Azure has it.
	AuthAPIKey Auth = "api-key"
)

func (a Auth) set(h http.Header, key string) {
	switch a {
	case AuthXAPIKey:
		h.Set("X-Api-Key", key)
	case AuthAPIKey:
		h.Set("Api-Key", key)
	default:
		h.Set("Authorization", "Bearer "+key)
	}
}

// authOf is the header in which a vendor's API takes a key.
func authOf(v dialects.Vendor) Auth {
	if v == dialects.Anthropic {
		return AuthXAPIKey
	}
	return AuthBearer
}

// setLimitHeaders tells of a used-up allowance in the headers that a vendor's clients read.
func setLimitHeaders(h http.Header, v dialects.Vendor, r refusal) {
	limit := strconv.FormatInt(r.perMinute, 10)
	if v == dialects.Anthropic {
		h.Set("Anthropic-Ratelimit-"+r.of+"-Limit", limit)
		h.Set("Anthropic-Ratelimit-"+r.of+"-Remaining", "0")
		h.Set("Anthropic-Ratelimit-"+r.of+"-Reset", time.Now().Add(r.wait).UTC().Format(time.RFC3339))
		return
	}
	h.Set("X-Ratelimit-Limit-"+r.of, limit)
	h.Set("X-Ratelimit-Remaining-"+r.of, "0")
	h.Set("X-Ratelimit-Reset-"+r.of, r.wait.Round(time.Millisecond).String())
}
