package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"pith/compress"
)

// A compressRequest is the body of POST /pith/v1/compress: the engine's request, or one text in place of files.
type compressRequest struct {
	compress.Request
	Text string `json:"text"`
}

// compress serves POST /pith/v1/compress, the door for editors: files or one text in, the report of `pith compress` out.
func (s *Server) compress(c *gin.Context) {
	res, err := s.compressFiles(c.Writer, c.Request)
	if err != nil {
		e := asAPIError(err)
		if e.err != nil {
			s.log.WarnContext(c.Request.Context(), "compress request failed", "status", e.status, "reason", reasonOf(e.err))
		}
		writeError(c.Writer, openAIError, e)
		return
	}
	c.JSON(http.StatusOK, res)
}

func (s *Server) compressFiles(w http.ResponseWriter, r *http.Request) (compress.Result, error) {
	hold := s.inFlight.hold()
	defer hold.release()
	body, err := receive(newIdleBody(w, r.Body, s.opts.Limits.BodyIdle), s.opts.Limits.MaxBodyBytes, hold)
	if err != nil {
		return compress.Result{}, err
	}
	req, err := readCompressRequest(body)
	if err != nil {
		return compress.Result{}, err
	}
	req.Tenant = s.tenant(r)
	release, ok := s.slots.take()
	if !ok {
		return compress.Result{}, &apiError{status: http.StatusTooManyRequests, kind: kindRate, msg: "too many compressions at once, try again", retryAfter: 1}
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Compression.Timeout)
	defer cancel()
	// An engine that ignores its context must not hold the request: its slot is taken until it ends, its result is dropped.
	type answer struct {
		res compress.Result
		err error
	}
	done := make(chan answer, 1)
	go func() {
		defer release()
		var a answer
		a.err = guard(func() (err error) {
			if a.res, err = s.opts.Compressor.Compress(ctx, req); err != nil {
				return err
			}
			return s.originals.keepAll(ctx, req, a.res)
		})
		done <- a
	}()
	select {
	case a := <-done:
		return a.res, describeFailure(a.err)
	case <-ctx.Done():
		return compress.Result{}, describeFailure(ctx.Err())
	}
}

// readCompressRequest is strict: a misspelt field would silently compress by another rule than the one asked for.
func readCompressRequest(body []byte) (compress.Request, error) {
	bad := func(msg string) (compress.Request, error) {
		return compress.Request{}, &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: msg}
	}
	var in compressRequest
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return bad("body: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return bad("body: more than one JSON value")
	}
	switch {
	case in.Text != "" && len(in.Files) > 0:
		return bad("text and files exclude each other")
	case in.Text != "":
		in.Files = []compress.File{{Content: in.Text}}
	case len(in.Files) == 0:
		return bad("files: missing")
	}
	switch {
	case in.Budget < 0:
		return bad("budget: want a positive number of tokens")
	case in.Rate < 0 || in.Rate > 1:
		return bad("rate: want a number above 0 and up to 1")
	case in.Budget > 0 && in.Rate > 0:
		return bad("budget and rate exclude each other")
	}
	return in.Request, nil
}

// describeFailure words an engine's error for the client.
func describeFailure(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, compress.ErrRequest):
		return &apiError{status: http.StatusBadRequest, kind: kindRequest, msg: err.Error()}
	case errors.Is(err, errNotKept):
		return &apiError{status: http.StatusServiceUnavailable, kind: kindInternal, msg: "originals cannot be kept now, try again", retryAfter: 1}
	case errors.Is(err, compress.ErrBudget):
		return &apiError{status: http.StatusUnprocessableEntity, kind: kindRequest, msg: err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return &apiError{status: http.StatusGatewayTimeout, kind: kindTimeout, msg: "compression took too long", err: err}
	default:
		return &apiError{status: http.StatusInternalServerError, kind: kindInternal, msg: "internal error", err: err}
	}
}

// healthz says that the process answers.
func (s *Server) healthz(c *gin.Context) { c.String(http.StatusOK, "ok\n") }

// readyz says whether new requests should come here.
func (s *Server) readyz(c *gin.Context) {
	if s.draining.Load() {
		c.String(http.StatusServiceUnavailable, "draining\n")
		return
	}
	if err := s.opts.Health(c.Request.Context()); err != nil {
		s.log.WarnContext(c.Request.Context(), "not ready", "error", err)
		c.String(http.StatusServiceUnavailable, "not ready\n")
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// health answers the gateways that ask a sidecar for JSON.
func (s *Server) health(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"status": "healthy"})
}
