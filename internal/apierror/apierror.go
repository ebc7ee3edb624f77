// Package apierror has the errors that a client may see.
package apierror

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"pith/compress"
)

// An Error is an error that the client may see: Msg goes out, Err is only logged.
type Error struct {
	Status int
	Kind   Kind
	Msg    string
	// RetryAfter, in seconds, goes out as Retry-After when positive.
	RetryAfter int
	Err        error
}

// A Kind is the kind of an error in a provider's own words: OpenAI's `type` and Anthropic's
// `error.type` share them.
type Kind string

// The kinds of errors.
const (
	Request  Kind = "invalid_request_error"
	TooLarge Kind = "request_too_large"
	Auth     Kind = "authentication_error"
	Rate     Kind = "rate_limit_error"
	Upstream Kind = "upstream_error"
	Timeout  Kind = "timeout_error"
	Internal Kind = "api_error"
	NotFound Kind = "not_found_error"
)

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Msg, e.Err)
	}
	return e.Msg
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// BadRequest says what is wrong with a request.
func BadRequest(msg string) *Error {
	return &Error{Status: http.StatusBadRequest, Kind: Request, Msg: msg}
}

// Missing says what is not there.
func Missing(msg string) *Error {
	return &Error{Status: http.StatusNotFound, Kind: NotFound, Msg: msg}
}

// Busy turns a request away for a second.
func Busy(msg string) *Error {
	return &Error{Status: http.StatusTooManyRequests, Kind: Rate, Msg: msg, RetryAfter: 1}
}

// As finds what the client may see of err. Anything that was not made for a client's eyes is an
// internal error.
func As(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Status: http.StatusInternalServerError, Kind: Internal, Msg: "internal error", Err: err}
}

// FromEngine words an error of the compression engine, or of its search for declarations.
func FromEngine(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, compress.ErrRequest):
		return BadRequest(err.Error())
	case errors.Is(err, compress.ErrBudget):
		return &Error{Status: http.StatusUnprocessableEntity, Kind: Request, Msg: err.Error()}
	case errors.Is(err, compress.ErrBusy):
		return Busy("too much to compress at once, try again")
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Status: http.StatusGatewayTimeout, Kind: Timeout, Msg: "compression took too long", Err: err}
	default:
		return As(err)
	}
}
