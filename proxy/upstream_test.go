package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pith/compress"
	"pith/proxy"
)

// A record is a request as the upstream got it.
type record struct {
	method, uri, host string
	header            http.Header
	trailer           http.Header
	body              []byte
	length            int64
}

// An upstream is an API that records what it is asked and answers as the request's own headers tell
// it to:
//
//	X-Want-Status  status code
//	X-Want-Events  number of SSE events, one flush each
//	X-Want-Cut     cut the connection after the events
//	X-Want-Hang    answer nothing until the client leaves
//	X-Want-Hints   send 103 Early Hints first
//	X-Want-Trailer send a trailer
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	got  []record
	gone chan struct{} // one entry for each request whose client left while it hung
	// next is what the sender of events waits for between two of them.
	next chan struct{}
}

func newUpstream(t testing.TB) *upstream {
	u := &upstream{gone: make(chan struct{}, 16), next: make(chan struct{}, 1024)}
	u.Server = httptest.NewServer(u)
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.got = append(
		u.got,
		record{r.Method, r.RequestURI, r.Host, r.Header.Clone(), r.Trailer.Clone(), body, r.ContentLength},
	)
	u.mu.Unlock()
	h := w.Header()
	h.Set("X-Upstream", "yes")
	if r.Header.Get("X-Want-Hints") != "" {
		h.Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	}
	if r.Header.Get("X-Want-Hang") != "" {
		<-r.Context().Done()
		u.gone <- struct{}{}
		return
	}
	if r.Header.Get("X-Want-Trailer") != "" {
		h.Set("Trailer", "X-Sum")
		defer h.Set("X-Sum", "42")
	}
	if n, _ := strconv.Atoi(r.Header.Get("X-Want-Events")); n > 0 {
		u.events(w, r, n)
		return
	}
	h.Set("Content-Type", "application/json")
	if code, _ := strconv.Atoi(r.Header.Get("X-Want-Status")); code > 0 {
		w.WriteHeader(code)
	}
	_, _ = io.WriteString(w, `{"ok": true}`)
}

// events streams n events, each after one token from next.
func (u *upstream) events(w http.ResponseWriter, r *http.Request, n int) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	_ = rc.Flush()
	for i := range n {
		select {
		case <-u.next:
		case <-r.Context().Done():
			u.gone <- struct{}{}
			return
		}
		fmt.Fprintf(w, "data: %d\n\n", i)
		_ = rc.Flush()
	}
	if r.Header.Get("X-Want-Cut") != "" {
		panic(http.ErrAbortHandler)
	}
}

// last returns the newest request.
func (u *upstream) last(t testing.TB) record {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.got) == 0 {
		t.Fatal("the upstream was not asked")
	}
	return u.got[len(u.got)-1]
}

func (u *upstream) count() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.got)
}

// thirds is a Compressor whose result is easy to foretell: it keeps the first of every three lines
// and marks each gap. It has the real one's result format, and its result depends on the query, as
// the real one's does.
func thirds(_ context.Context, req compress.Request) (compress.Result, error) {
	res := compress.Result{Ranker: "bm25", Cache: "miss"}
	shift := len(req.Query) % 3
	for at, f := range req.Files {
		lines := strings.SplitAfter(f.Content, "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		var out strings.Builder
		chunk := compress.ChunkResult{
			File: f.Path, FileIndex: at, StartLine: 1, EndLine: len(lines),
			Decision: compress.Pruned,
		}
		for i := 0; i < len(lines); {
			if i%3 == shift {
				out.WriteString(lines[i])
				chunk.KeptLines = append(chunk.KeptLines, [2]int{i + 1, i + 1})
				i++
				continue
			}
			end := i
			for end < len(lines) && end%3 != shift {
				end++
			}
			fmt.Fprintf(&out, "// ... lines %d-%d omitted\n", i+1, end)
			i = end
		}
		text := out.String()
		if !strings.HasSuffix(f.Content, "\n") {
			text = strings.TrimSuffix(text, "\n")
		}
		res.Files = append(res.Files, compress.FileResult{
			Path: f.Path, Text: text, OriginalTokens: len(f.Content) / 4, CompressedTokens: len(text) / 4,
		})
		res.Chunks = append(res.Chunks, chunk)
		res.Text += text
		res.OriginalTokens += len(f.Content) / 4
		res.CompressedTokens += len(text) / 4
	}
	res.Ratio = float64(res.OriginalTokens) / float64(max(1, res.CompressedTokens))
	return res, nil
}

// A logBuffer is a log that tests read.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// options are a Server's options before u, with thirds as the engine.
func options(t testing.TB, u *upstream) proxy.Options {
	t.Helper()
	target, err := url.Parse(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := proxy.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return proxy.Options{
		Upstream:    target,
		Compressor:  proxy.CompressorFunc(thirds),
		Transport:   transport,
		Logger:      slog.New(slog.DiscardHandler),
		Compression: proxy.Compression{MinBytes: 200, Timeout: time.Minute}, // on a busy machine, too
	}
}

// newServer is a Server of opts.
func newServer(t testing.TB, opts proxy.Options) *proxy.Server {
	t.Helper()
	s, err := proxy.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start serves a proxy with opts and returns its address and a client that neither follows
// redirects nor asks for gzip.
func start(t testing.TB, opts proxy.Options) (string, *http.Client) {
	t.Helper()
	front := httptest.NewServer(newServer(t, opts).Handler())
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		front.Close()
	})
	return front.URL, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A responseHead is the head of a response.
type responseHead struct {
	StatusCode int
	Header     http.Header
	Trailer    http.Header // once the body was read
}

// post sends body as JSON; header holds name, value, name, value.
func post(t testing.TB, client *http.Client, url, body string, header ...string) (responseHead, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return do(t, client, req)
}

func get(t testing.TB, client *http.Client, url string) (responseHead, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, client, req)
}

func do(t testing.TB, client *http.Client, req *http.Request) (responseHead, string) {
	t.Helper()
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return responseHead{res.StatusCode, res.Header, res.Trailer}, string(got)
}

// readAnswer reads a response from a raw connection.
func readAnswer(br *bufio.Reader) (responseHead, error) {
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		return responseHead{}, err
	}
	return responseHead{res.StatusCode, res.Header, res.Trailer}, res.Body.Close()
}
