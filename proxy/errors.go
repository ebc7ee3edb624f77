package proxy

import (
	"encoding/json"
	"net/http"
	"strconv"

	"pith/dialects"
	"pith/internal/apierror"
)

// writeError is the only function that writes an error to a client.
func writeError(w http.ResponseWriter, vendor dialects.Vendor, err error) {
	e := apierror.As(err)
	body, mErr := json.Marshal(vendor.ErrorBody(string(e.Kind), e.Msg))
	if mErr != nil { // strings only: cannot happen, and an empty answer still carries its status
		body = nil
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Del("Content-Encoding")
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(e.RetryAfter))
	}
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
}
