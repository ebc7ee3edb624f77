//go:build amd64 || arm64

package perplexity

import (
	"math"
	"runtime"
	"testing"
)

// half is not inlined, so that the processor computes it.
//
//go:noinline
func half(x float32) float32 { return x / 2 }

func TestDenormalsAreFlushedAndComeBack(t *testing.T) {
	const least = math.SmallestNonzeroFloat32 * (1 << 23) // the least that is no denormal
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	restore := flushDenormals()
	flushed := half(least)
	restore()
	if kept := half(least); flushed != 0 || kept == 0 {
		t.Errorf("half of %g: %g flushed, %g afterwards", float32(least), flushed, kept)
	}
}
