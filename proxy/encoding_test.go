package proxy_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func TestBodiesWithContentEncoding(t *testing.T) {
	plain := question()
	packed := map[string][]byte{
		"gzip": gzipped([]byte(plain)), "deflate": zlibbed([]byte(plain)), "zstd": zstded([]byte(plain)),
	}
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	for encoding, body := range packed {
		res, _ := post(t, client, base+"/v1/chat/completions", string(body), "Content-Encoding", encoding)
		got := u.last(t)
		if d := res.Header.Get(
			"X-Pith-Decision",
		); d != "compressed" || got.header.Get("Content-Encoding") != "" ||
			!strings.Contains(string(got.body), "omitted") {
			t.Errorf(
				"%s: decision %q, encoding %q, body %.80q",
				encoding,
				d,
				got.header.Get("Content-Encoding"),
				got.body,
			)
		}
		if got.length != int64(len(got.body)) {
			t.Errorf("%s: Content-Length %d for %d bytes", encoding, got.length, len(got.body))
		}
	}
	bomb := bytes.Repeat([]byte(" "), 8<<20)
	untouched := map[string]struct {
		encoding string
		body     []byte
	}{
		"nothing to compress": {"gzip", gzipped([]byte(userChat("hi")))},
		"gzip bomb":           {"gzip", gzipped(bomb)},
		"zstd bomb":           {"zstd", zstded(bomb)},
		"broken gzip":         {"gzip", gzipped([]byte(plain))[:200]},
		"not gzip":            {"gzip", []byte(plain)},
		"two layers":          {"gzip, gzip", gzipped(gzipped([]byte(plain)))},
		"brotli":              {"br", []byte("whatever")},
	}
	for name, tt := range untouched {
		res, _ := post(t, client, base+"/v1/chat/completions", string(tt.body), "Content-Encoding", tt.encoding)
		got := u.last(t)
		if !bytes.Equal(got.body, tt.body) || got.header.Get("Content-Encoding") != tt.encoding {
			t.Errorf("%s: changed on its way (%s)", name, res.Header.Get("X-Pith-Decision"))
		}
	}
}

func gzipped(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zlibbed(b []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(b)
	_ = w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

// credentials are the headers, name and value in turn, in which clients send a secret.
func credentials(secret string) []string {
	return []string{
		"Authorization", "Bearer " + secret, "X-Api-Key", secret, "Api-Key", secret, "X-Goog-Api-Key", secret,
		"Cookie", "s=" + secret,
	}
}

func TestSecretsStayOutOfLogs(t *testing.T) {
	const canary = "sk-canary-4711"
	u := newUpstream(t)
	opts := options(t, u)
	var log logBuffer
	opts.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	base, client := start(t, opts)
	ask := func(path string, header ...string) {
		header = append(header, credentials(canary)...)
		req, _ := http.NewRequestWithContext(
			t.Context(),
			http.MethodPost,
			base+path+"?key="+canary,
			strings.NewReader(userChat(canary+"?\n```go\n//"+canary+"\n"+source(30)+"```\n")),
		)
		req.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		if res, err := client.Do(req); err == nil {
			if got, _ := io.ReadAll(res.Body); strings.Contains(string(got), canary) {
				t.Errorf("%s %v: the answer repeats a secret: %s", path, header, got)
			}
			res.Body.Close()
		}
	}
	ask("/v1/chat/completions")
	ask("/v1/other")
	ask("/v1/chat/completions", "X-Pith-Rate", canary)
	u.next <- struct{}{}
	ask("/v1/chat/completions", "X-Want-Events", "1", "X-Want-Cut", "1", "X-Want-Hints", "1")
	ask("/pith/v1/compress")
	u.Close()
	ask("/v1/chat/completions")
	if got := log.String(); strings.Contains(got, canary) || !strings.Contains(got, "path=/v1/chat/completions") {
		t.Errorf("log:\n%s", got)
	}
}
