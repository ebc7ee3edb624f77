package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin/render"

	"pith/compress"
	"pith/dialects"
	"pith/explain"
	"pith/index"
	"pith/internal/apierror"
	"pith/internal/panics"
	"pith/retrieval"
)

// A compressRequest is the body of POST /pith/v1/compress: the engine's request, or one text in
// place of files.
type compressRequest struct {
	compress.Request
	Text string `json:"text,omitempty"`
}

// A compressAnswer is the report of a compression, in what it is less than was asked for, and where
// the request asked to explain, what became of each chunk and why.
type compressAnswer struct {
	compress.Result
	Notes     []string        `json:"notes,omitempty"`
	Explained []explain.Chunk `json:"explained,omitempty"`
}

// compress serves POST /pith/v1/compress, the door for editors: files or one text in, the report of
// `pith compress` out.
func (s *Server) compress(x *exchange, w http.ResponseWriter, r *http.Request) error {
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return s.compressStream(x, w, r)
	}
	res, err := s.compressFiles(x, r)
	x.report.writeTo(w.Header())
	if err != nil {
		return err
	}
	return render.JSON{Data: res}.Render(w)
}

func (s *Server) compressFiles(x *exchange, r *http.Request) (compressAnswer, error) {
	body, err := s.receiveBody(x, r)
	defer x.answered()
	if err != nil {
		return compressAnswer{}, err
	}
	if !x.share.grow(2 * len(body)) { // its texts, and the decoder's own copy of them
		return compressAnswer{}, errInFlight
	}
	req, err := readCompressRequest(body)
	if err != nil {
		return compressAnswer{}, err
	}
	req.Tenant = x.tenant
	x.dialect = "files"
	release, ok := s.slots.take()
	if !ok {
		return compressAnswer{}, failed(x, compress.ErrBusy)
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.Compression.Timeout)
	defer cancel()
	// An engine that ignores its context must not hold the request: its slot is taken until it
	// ends, its result is dropped.
	type answer struct {
		compressAnswer
		err error
	}
	done := make(chan answer, 1)
	share := x.share
	share.hold()
	go func() {
		defer release()
		defer share.release()
		var a answer
		a.err = panics.Guard(func() (err error) {
			if a.Result, err = s.opts.Compressor.Compress(ctx, req); err != nil {
				return err
			}
			a.Notes = a.Result.Notes()
			if req.Explain {
				a.Explained = explain.Chunks(a.Result)
			}
			return s.originals.Keep(ctx, req, a.Result)
		})
		done <- a
	}()
	select {
	case a := <-done:
		if a.err != nil {
			return a.compressAnswer, failed(x, a.err)
		}
		x.report = reportOf(a.Result)
		return a.compressAnswer, nil
	case <-ctx.Done():
		return compressAnswer{}, failed(x, ctx.Err())
	}
}

// failed reports an endpoint of Pith's own that has nothing to give, and words that for the client.
func failed(x *exchange, err error) error {
	if !errors.Is(err, compress.ErrRequest) {
		x.report = report{decision: decisionFailed, reason: reasonOf(err)}
	}
	return describeFailure(err)
}

// readStrictly reads one JSON value: a misspelt field would silently compress by another rule than
// the one asked for.
func readStrictly(body []byte, into any) error {
	if !dialects.HasFewMembers(body) {
		return apierror.BadRequest("body: too many members for its length")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return apierror.BadRequest("body: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	if dec.More() {
		return apierror.BadRequest("body: more than one JSON value")
	}
	return nil
}

// readCompressRequest reads the body of POST /pith/v1/compress.
func readCompressRequest(body []byte) (compress.Request, error) {
	bad := func(msg string) (compress.Request, error) {
		return compress.Request{}, apierror.BadRequest(msg)
	}
	var in compressRequest
	if err := readStrictly(body, &in); err != nil {
		return compress.Request{}, err
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
	later := &apierror.Error{Status: http.StatusServiceUnavailable, Kind: apierror.Internal, RetryAfter: 1}
	switch {
	case errors.Is(err, retrieval.ErrNotKept):
		later.Msg = "originals cannot be kept now, try again"
		return later
	case errors.Is(err, index.ErrIndexing):
		later.Msg = err.Error()
		return later
	}
	return apierror.FromEngine(err)
}
