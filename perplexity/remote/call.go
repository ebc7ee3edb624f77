package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"sync/atomic"

	"pith/perplexity"
)

// largestAnswer bounds what is read of an answer, in bytes.
const largestAnswer = 64 << 20

// errText marks an error that is about one text: the server works.
var errText = errors.New("the text was refused")

// asRefusal makes what a server said no to while it was probed a refusal.
func asRefusal(err error) error {
	if errors.Is(err, errText) || errors.Is(err, errAnswer) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// errAnswer marks an answer that cannot be right.
var errAnswer = errors.New("wrong answer")

// A caller sends requests to one server.
type caller struct {
	base, key string
	client    *http.Client
	stats     *stats
}

// An answer is a response that was read whole.
type answer struct {
	header http.Header
	body   []byte
}

// call sends a request and reads the answer. Answers of 400, 413 and 422 are about the text.
func (c caller) call(ctx context.Context, method, path string, header http.Header, body []byte) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	maps.Copy(req.Header, header)
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer+1))
	c.stats.sent.Add(uint64(len(body)))
	c.stats.received.Add(uint64(len(data)))
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("read answer: %w", err)
	case len(data) > largestAnswer:
		return answer{}, fmt.Errorf("%w: more than %d bytes", errAnswer, largestAnswer)
	case res.StatusCode == http.StatusBadRequest || res.StatusCode == http.StatusRequestEntityTooLarge ||
		res.StatusCode == http.StatusUnprocessableEntity:
		return answer{}, fmt.Errorf("%w: %s: %s", errText, res.Status, said(data))
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusUnauthorized ||
		res.StatusCode == http.StatusForbidden ||
		res.StatusCode >= 300 && res.StatusCode < 400:
		return answer{}, fmt.Errorf("%w: %s %s: %s: %s", errAnswer, method, path, res.Status, said(data))
	case res.StatusCode != http.StatusOK:
		return answer{}, fmt.Errorf("%s %s: %s: %s", method, path, res.Status, said(data))
	}
	return answer{header: res.Header, body: data}, nil
}

// said is the beginning of what a server says of an error. It may quote the text, so it is short.
func said(data []byte) string {
	var e struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	text := strings.TrimSpace(string(data))
	if json.Unmarshal(data, &e) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		var plain string
		switch {
		case json.Unmarshal(e.Error, &inner) == nil && inner.Message != "":
			text = inner.Message
		case json.Unmarshal(e.Error, &plain) == nil && plain != "":
			text = plain
		case e.Message != "":
			text = e.Message
		}
	}
	const most = 120
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// plausible holds losses to what any must be: finite, not negative, in the order of the tokens.
func plausible(l perplexity.Losses) error {
	for _, list := range [][]perplexity.Loss{l.Given, l.Text} {
		last := -1
		for _, x := range list {
			if !(x.NLL >= -perplexity.GoldenTolerance) || math.IsInf(x.NLL, 0) {
				return fmt.Errorf("%w: a loss of %v nats", errAnswer, x.NLL)
			}
			if x.Offset < last {
				return fmt.Errorf("%w: tokens out of order", errAnswer)
			}
			last = x.Offset
		}
	}
	return nil
}

type stats struct {
	queued, active, waited                   atomic.Int64
	runs, tokens, failures, skipped, refused atomic.Uint64
	probes, sent, received                   atomic.Uint64
}

// Stats are figures of a Scorer since it was made, and of what it does now.
type Stats struct {
	// Model are those that a model in this process has, too: a run is a request.
	Model perplexity.Stats
	// Ready says that the server is being asked.
	Ready bool
	// Failures count calls of Score that had the server left alone, Skipped those that came
	// meanwhile, Refused those with a text that the server did not take. Probes count what was
	// asked to find out.
	Failures, Skipped, Refused, Probes uint64
	// Sent and Received are bytes of bodies.
	Sent, Received uint64
}
