// Package coding undoes the content encodings of HTTP bodies that lie in memory.
package coding

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// MaxExpansion is how many times larger a decoded body may be than it came. JSON full of code stays
// under 20; a bomb of gzip reaches 1,029 (measured), one of zstd far more. The caller holds it.
const MaxExpansion = 100

// ErrEncoding refuses to decode. The body then passes as it came: the upstream may know what to do
// with it.
var ErrEncoding = errors.New("content encoding not decoded")

// NewReader returns what body says without encoding, which is in lower case.
func NewReader(encoding string, body []byte) (io.ReadCloser, error) {
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
		return nil, fmt.Errorf("%w: %.40q", ErrEncoding, encoding)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEncoding, err)
	}
	return r, nil
}
