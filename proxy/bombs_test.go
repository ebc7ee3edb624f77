package proxy_test

import (
	"bytes"
	"net/http"
	"runtime"
	"sync"
	"testing"
)

// Bodies that unpack to a gigabyte, or say that they need one to be unpacked, pass as they came,
// and what is allocated for them is bounded by the limits on bodies, for one and for many at once.
func TestBombsAreNotUnpacked(t *testing.T) {
	mega := make([]byte, 1<<20)
	// Both formats allow several packed pieces one behind the other: no gigabyte has to be packed
	// here.
	gigabyte := bytes.Repeat(gzipped(mega), 1024)
	// A frame with a window of 1 GiB and one block: 128 KiB of the same byte.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x03, 0x00, 0x10, 'x'}
	bombs := []struct {
		name, encoding string
		body           []byte
	}{
		{"gzip", "gzip", gigabyte},
		{"gzip in gzip", "gzip", gzipped(gigabyte)},
		{"two layers", "gzip, gzip", gzipped(gigabyte)},
		{"zlib", "deflate", zlibbed(make([]byte, 16<<20))},
		{"zstd", "zstd", bytes.Repeat(zstded(mega), 1024)},
		{"zstd window", "zstd", window},
	}
	for _, bomb := range bombs {
		t.Run(bomb.name, func(t *testing.T) {
			u := newUpstream(t)
			opts := options(t, u)
			opts.Limits.MaxBodyBytes, opts.Limits.MaxInFlightBytes = 2<<20, 32<<20
			base, client := start(t, opts)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var wg sync.WaitGroup
			const together = 4
			for range together {
				wg.Go(func() {
					res, _ := post(
						t,
						client,
						base+"/v1/chat/completions",
						string(bomb.body),
						"Content-Encoding",
						bomb.encoding,
					)
					if res.StatusCode != http.StatusOK ||
						res.Header.Get("X-Pith-Decision") != "pass; reason=content-encoding" {
						t.Errorf("%d %q, want it passed as it came", res.StatusCode, res.Header.Get("X-Pith-Decision"))
					}
				})
			}
			wg.Wait()
			runtime.ReadMemStats(&after)
			if got := u.last(
				t,
			); !bytes.Equal(got.body, bomb.body) ||
				got.header.Get("Content-Encoding") != bomb.encoding {
				t.Error("changed on its way")
			}
			// All that was ever allocated: by client and upstream too, and what slices that grow
			// left behind.
			if took := after.TotalAlloc - before.TotalAlloc; took > together*16*uint64(opts.Limits.MaxBodyBytes) {
				t.Errorf("%d MiB were allocated for %d bodies of %d bytes", took>>20, together, len(bomb.body))
			} else {
				t.Logf("%d KiB allocated for %d bodies of %d bytes", took>>10, together, len(bomb.body))
			}
		})
	}
}

// What is unpacked counts as bytes in flight while it is unpacked.
func TestUnpackedBytesAreInFlight(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	packed := gzipped([]byte(question()))
	opts.Limits.MaxInFlightBytes = int64(len(packed)) + int64(len(question())) - 1
	base, client := start(t, opts)
	for range 3 { // each gives back what it took
		res, _ := post(t, client, base+"/v1/chat/completions", string(packed), "Content-Encoding", "gzip")
		if got := u.last(
			t,
		); res.Header.Get("X-Pith-Decision") != "pass; reason=content-encoding" ||
			!bytes.Equal(got.body, packed) {
			t.Errorf("decision %q", res.Header.Get("X-Pith-Decision"))
		}
	}
	opts.Limits.MaxInFlightBytes *= 20 // what is made of the body to read it counts as well
	base, client = start(t, opts)
	res, _ := post(t, client, base+"/v1/chat/completions", string(packed), "Content-Encoding", "gzip")
	if res.Header.Get("X-Pith-Decision") != "compressed" {
		t.Errorf("with room: decision %q", res.Header.Get("X-Pith-Decision"))
	}
}
