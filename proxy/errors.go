package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// An apiError is an error that the client may see: msg goes out, err is only logged.
type apiError struct {
	status int
	kind   string
	msg    string
	// retryAfter, in seconds, goes out as Retry-After when positive.
	retryAfter int
	err        error
}

// Kinds of error in a provider's own words (OpenAI's `type` and Anthropic's `error.type` share them).
const (
	kindRequest  = "invalid_request_error"
	kindTooLarge = "request_too_large"
	kindAuth     = "authentication_error"
	kindRate     = "rate_limit_error"
	kindUpstream = "upstream_error"
	kindTimeout  = "timeout_error"
	kindInternal = "api_error"
	kindNotFound = "not_found_error"
)

func (e *apiError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("%s: %v", e.msg, e.err)
	}
	return e.msg
}

func (e *apiError) Unwrap() error { return e.err }

// asAPIError finds what the client may see of err. Anything that was not made for a client's eyes is an internal error.
func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return &apiError{status: http.StatusInternalServerError, kind: kindInternal, msg: "internal error", err: err}
}

// An errorShape makes the JSON body of an error as one provider words it, so that its SDK raises its usual exception.
type errorShape func(kind, msg string) any

func openAIError(kind, msg string) any {
	return map[string]any{"error": map[string]any{"message": "pith: " + msg, "type": kind, "param": nil, "code": nil}}
}

func anthropicError(kind, msg string) any {
	return map[string]any{"type": "error", "error": map[string]any{"type": kind, "message": "pith: " + msg}}
}

// writeError is the only function that writes an error to a client.
func writeError(w http.ResponseWriter, shape errorShape, err error) {
	e := asAPIError(err)
	body, mErr := json.Marshal(shape(e.kind, e.msg))
	if mErr != nil { // strings only: cannot happen, and an empty answer still carries its status
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Del("Content-Encoding")
	if e.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.retryAfter))
	}
	w.WriteHeader(e.status)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}
