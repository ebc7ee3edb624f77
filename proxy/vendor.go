package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A vendor is how one provider words what is not in a request's body: errors, limits, where a key stands.
type vendor struct {
	fail errorShape
	// limit sets the headers that tell of a used-up allowance.
	limit func(h http.Header, r refusal)
	// auth is the header in which the provider's API takes a key.
	auth Auth
}

func openAI() *vendor {
	return &vendor{fail: openAIError, auth: AuthBearer, limit: func(h http.Header, r refusal) {
		h.Set("X-Ratelimit-Limit-"+r.of, strconv.FormatInt(r.perMinute, 10))
		h.Set("X-Ratelimit-Remaining-"+r.of, "0")
		h.Set("X-Ratelimit-Reset-"+r.of, r.wait.Round(time.Millisecond).String())
	}}
}

func anthropic() *vendor {
	return &vendor{fail: anthropicError, auth: AuthXAPIKey, limit: func(h http.Header, r refusal) {
		h.Set("Anthropic-Ratelimit-"+r.of+"-Limit", strconv.FormatInt(r.perMinute, 10))
		h.Set("Anthropic-Ratelimit-"+r.of+"-Remaining", "0")
		h.Set("Anthropic-Ratelimit-"+r.of+"-Reset", time.Now().Add(r.wait).UTC().Format(time.RFC3339))
	}}
}

// vendorOf is whose words a request on path is answered in.
func (s *Server) vendorOf(path string) *vendor {
	if d := s.dialectOf(path); d != nil {
		return d.vendor
	}
	if strings.Contains(path, "/v1/messages") {
		return anthropic()
	}
	return openAI()
}

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
