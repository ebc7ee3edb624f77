package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxExpansion is how many times larger a decoded body may be than it came. JSON full of code stays under 20; a bomb of gzip
// reaches 1,029 (measured), one of zstd far more.
const maxExpansion = 100

// errEncoding refuses to decode. The body then passes as it came: the upstream may know what to do with it.
var errEncoding = errors.New("content encoding not decoded")

// decode undoes one layer of content encoding within limits on size, expansion and memory. Bytes are taken from the budget as they
// are unpacked, so that many bombs at once do not get more than one. Identity returns body itself.
func decode(encodings []string, body []byte, limit int64, hold *hold) ([]byte, error) {
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(encodings, ",")))
	if encoding == "" || encoding == "identity" {
		return body, nil
	}
	r, err := newDecoder(encoding, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // a decoder of memory: its errors came with the reads
	before := hold.bytes
	out, err := receive(r, min(limit, int64(len(body))*maxExpansion), hold)
	if err != nil {
		hold.shrink(before)
		return nil, fmt.Errorf("%w: %w", errEncoding, err)
	}
	return out, nil
}

func newDecoder(encoding string, body []byte) (io.ReadCloser, error) {
	in := bytes.NewReader(body)
	var r io.ReadCloser
	var err error
	switch encoding {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(in)
	case "deflate":
		r, err = zlib.NewReader(in)
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20)); err == nil {
			r = z.IOReadCloser()
		}
	default:
		return nil, fmt.Errorf("%w: %.40q", errEncoding, encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errEncoding, err)
	}
	return r, nil
}
