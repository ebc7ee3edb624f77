package proxy

import (
	"fmt"
	"strings"

	"pith/internal/coding"
)

// decode undoes one layer of content encoding within limits on size, expansion and memory. Bytes
// are taken from the budget as they are unpacked, so that many bombs at once do not get more than
// one. Identity returns body itself. An error wraps coding.ErrEncoding.
func decode(encodings []string, body []byte, limit int64, share *byteShare) ([]byte, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(encodings, ",")))
	if encoding == "" || encoding == "identity" {
		return body, nil
	}
	r, err := coding.NewReader(encoding, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // a decoder of memory: its errors came with the reads
	before := share.bytes
	out, err := receive(r, min(limit, int64(len(body))*coding.MaxExpansion), -1, share)
	if err != nil {
		share.shrink(before)
		return nil, fmt.Errorf("%w: %w", coding.ErrEncoding, err)
	}
	return out, nil
}
