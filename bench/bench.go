// Package bench measures what compression keeps, and prints the figures.
//
// It knows nothing of the command line, of ONNX Runtime and of how an engine is configured: a
// compressor, a splitter, a counter or a scorer comes in, a report goes out. Whatever it
// compares, it compares in the same run.
package bench

import (
	"context"

	"pith/compress"
)

// A Compressor shortens a request. compress.Engine is one, and so are the baselines of this
// package.
type Compressor interface {
	Compress(ctx context.Context, req compress.Request) (compress.Result, error)
}

// A span is a half-open run of 0-based lines.
type span struct{ start, end int }

func (s span) len() int { return s.end - s.start }

func (s span) contains(line int) bool { return s.start <= line && line < s.end }
