package download_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/download"
)

// content is what the servers give: large enough to arrive in several reads.
var content = func() []byte {
	b := make([]byte, 3<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}()

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// A server answers its n-th request by the n-th answer, and every further one properly.
type server struct {
	mu      sync.Mutex
	answers []http.HandlerFunc
	ranges  []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.ranges)
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	s.mu.Unlock()
	if n < len(s.answers) {
		s.answers[n](w, r)
		return
	}
	proper(w, r)
}

func proper(w http.ResponseWriter, r *http.Request) {
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// cut sends what was asked for up to byte at, and then drops the connection.
func cut(at int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		from := 0
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
		w.Header().Set("Content-Length", strconv.Itoa(len(content)-from))
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(content[from:at])
		panic(http.ErrAbortHandler)
	}
}

func stall(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content[:1000])
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// partial answers a range with another: these headers, this body.
func partial(contentRange string, body []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", contentRange)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
	}
}

func whole(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) }

func noLength(w http.ResponseWriter, _ *http.Request) {
	for part := content; len(part) > 0; part = part[min(len(part), 1<<20):] {
		_, _ = w.Write(part[:min(len(part), 1<<20)])
		_ = http.NewResponseController(w).Flush()
	}
}

func TestFile(t *testing.T) {
	const half = 1 << 20
	size := len(content)
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		ranges  string // that were asked for, in order
	}{
		{"at once", nil, ""},
		{"cut in the middle, twice", []http.HandlerFunc{cut(half), cut(2 * half)}, ",bytes=1048576-,bytes=2097152-"},
		{"stalls", []http.HandlerFunc{stall}, ",bytes=1000-"},
		{"overloaded", []http.HandlerFunc{status(503), status(429), cut(half)}, ",,,bytes=1048576-"},
		{"ignores the range", []http.HandlerFunc{cut(half), whole}, ",bytes=1048576-"},
		{
			"another range than asked for",
			[]http.HandlerFunc{cut(half), partial("bytes 0-99/100", content[:100])},
			",bytes=1048576-,",
		},
		{
			"a range of another size",
			[]http.HandlerFunc{
				cut(half), partial(fmt.Sprintf("bytes %d-%d/%d", half, 2*half, size), content[half:2*half]),
			},
			",bytes=1048576-,",
		},
		{
			"a range that makes no sense",
			[]http.HandlerFunc{cut(half), partial("lines 1-2", content[:100])},
			",bytes=1048576-,",
		},
		{"no such range", []http.HandlerFunc{cut(half), status(416)}, ",bytes=1048576-,"},
		{"no length", []http.HandlerFunc{noLength}, ""},
		{
			"a redirect",
			[]http.HandlerFunc{
				func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
			},
			",",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{answers: tt.answers}
			path, err := fetch(t, s, download.Options{SHA256: sum(content)})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes arrived (%v), want the %d that were sent", len(got), err, size)
			}
			if left, _ := filepath.Glob(path + "?*"); len(left) > 0 {
				t.Errorf("left %v", left)
			}
			if got := strings.Join(s.ranges, ","); got != tt.ranges {
				t.Errorf("asked for the ranges %q, want %q", got, tt.ranges)
			}
		})
	}
}

func fetch(t *testing.T, s *server, opt download.Options) (string, error) {
	t.Helper()
	web := httptest.NewServer(s)
	defer web.Close()
	path := filepath.Join(t.TempDir(), "file")
	opt.Pause, opt.Stall = time.Millisecond, 200*time.Millisecond
	return path, download.File(t.Context(), web.URL+"/file", path, opt)
}

func TestFileFails(t *testing.T) {
	lying := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)/2))
		_, _ = w.Write(content[:len(content)/2])
	}
	loop := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }
	forever := make([]http.HandlerFunc, 30)
	for i := range forever {
		forever[i] = loop
	}
	tests := []struct {
		name    string
		answers []http.HandlerFunc
		opt     download.Options
		want    error
		keeps   bool // a part to resume
	}{
		{"other bytes than promised", nil, download.Options{SHA256: sum([]byte("else"))}, download.ErrChecksum, false},
		{
			"a length that is too short",
			[]http.HandlerFunc{lying},
			download.Options{SHA256: sum(content)},
			download.ErrChecksum, false,
		},
		{"announces too much", nil, download.Options{MaxBytes: 1 << 20}, download.ErrTooLarge, true},
		{
			"sends too much",
			[]http.HandlerFunc{noLength},
			download.Options{MaxBytes: 1 << 20},
			download.ErrTooLarge, true,
		},
		{"not there", []http.HandlerFunc{status(404)}, download.Options{}, download.ErrNotFound, true},
		{"forbidden", []http.HandlerFunc{status(403)}, download.Options{}, nil, true},
		{"redirects for ever", forever, download.Options{Attempts: 2}, nil, true},
		{
			"always cut at the same byte",
			[]http.HandlerFunc{cut(99), cut(99), cut(99), cut(99)},
			download.Options{Attempts: 3},
			nil, true,
		},
	}
	for _, tt := range tests {
		path, err := fetch(t, &server{answers: tt.answers}, tt.opt)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: error is %v, want %v", tt.name, err, tt.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the file is there", tt.name)
		}
		if _, err := os.Stat(path + ".part"); (err == nil) != tt.keeps {
			t.Errorf("%s: part kept: %v, want %v", tt.name, err == nil, tt.keeps)
		}
	}
}

// What a call that was cancelled left is resumed by the next one, if there is a checksum to tell
// that it belongs together.
func TestFileResumes(t *testing.T) {
	for _, checked := range []bool{true, false} {
		s := &server{answers: []http.HandlerFunc{stall}}
		web := httptest.NewServer(s)
		defer web.Close()
		path := filepath.Join(t.TempDir(), "file")
		opt := download.Options{}
		if checked {
			opt.SHA256 = sum(content)
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := opt
		first.Progress = func(done, total int64) {
			if done == 1000 && total == int64(len(content)) {
				cancel()
			}
		}
		if err := download.File(ctx, web.URL, path, first); !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled, it returned %v", err)
		}
		if err := download.File(t.Context(), web.URL, path, opt); err != nil {
			t.Fatal(err)
		}
		want := ""
		if checked {
			want = "bytes=1000-"
		}
		if s.ranges[1] != want {
			t.Errorf("with a checksum %v: asked for %q, want %q", checked, s.ranges[1], want)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes are there (%v), want %d", len(got), err, len(content))
		}
	}
}

func TestFileTakesAWholePart(t *testing.T) {
	s := &server{answers: []http.HandlerFunc{status(500)}}
	web := httptest.NewServer(s)
	defer web.Close()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path+".part", content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := download.File(t.Context(), web.URL, path, download.Options{SHA256: sum(content)}); err != nil {
		t.Error(err)
	}
	if len(s.ranges) != 0 {
		t.Errorf("asked %d times for what was there", len(s.ranges))
	}
}

func TestFileChecksCertificates(t *testing.T) {
	web := httptest.NewTLSServer(http.HandlerFunc(proper))
	defer web.Close()
	err := download.File(t.Context(), web.URL, filepath.Join(t.TempDir(), "file"), download.Options{Attempts: 1})
	if err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("from a server with an unknown certificate: %v", err)
	}
}
