package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/proxy"
	"pith/retrieval"
)

// hashed is thirds with a hash in each marker, as an engine with retrieval writes them. The name of
// a file is its length.
func hashed(ctx context.Context, req compress.Request) (compress.Result, error) {
	res, err := thirds(ctx, req)
	marker := regexp.MustCompile(`lines (\d+)-(\d+) omitted`)
	for i := range res.Files {
		f := &res.Files[i]
		f.Text = marker.ReplaceAllStringFunc(f.Text, func(m string) string {
			g := compress.Gap{Original: fmt.Sprintf("%014x", len(req.Files[i].Content))}
			if _, err := fmt.Sscanf(m, "lines %d-%d omitted", &g.First, &g.Last); err != nil {
				panic(err)
			}
			f.Hashes = append(f.Hashes, g.String())
			return m + " hash=" + g.String()
		})
	}
	return res, err
}

// A valueStore keeps values until it is told to refuse.
type valueStore struct {
	mu     sync.Mutex
	values map[string]storedValue
	full   bool
	keeps  int
}

type storedValue struct {
	value []byte
	until time.Time
}

func (s *valueStore) Keep(_ context.Context, key string, value []byte, ttl time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keeps++
	if s.full {
		return false
	}
	if s.values == nil {
		s.values = map[string]storedValue{}
	}
	s.values[key] = storedValue{value, time.Now().Add(ttl)}
	return true
}

func (s *valueStore) Get(_ context.Context, key string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.values[key]
	return h.value, ok && time.Now().Before(h.until)
}

func (s *valueStore) refuse(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// finder knows one class.
type finder struct{}

func (finder) Find(_ context.Context, f compress.File, name string) ([][2]int, error) {
	if name != "Pool" || !strings.Contains(f.Content, "f001") {
		return nil, nil
	}
	return [][2]int{{2, 3}, {40, 41}}, nil
}

// keeping are the options of a proxy with retrieval.
func keeping(t testing.TB, u *upstream, s *valueStore) proxy.Options {
	opts := options(t, u)
	opts.Compressor = proxy.CompressorFunc(hashed)
	opts.Retrieval = retrieval.Options{Store: s, Find: finder{}, TTL: time.Hour}
	return opts
}

var hashInText = regexp.MustCompile(`hash=([0-9a-f]{24})`)

// ask sends one question about n lines of code and returns the hashes that reached the upstream.
func ask(t testing.TB, base string, client *http.Client, n int, header ...string) (decision string, hashes []string) {
	t.Helper()
	res, got := post(
		t,
		client,
		base+"/v1/chat/completions",
		userChat("Why?\n```go\n"+source(n)+"```\n"),
		append(header, "X-Pith-Mode", "preview")...)
	for _, m := range hashInText.FindAllStringSubmatch(got, -1) {
		hashes = append(hashes, m[1])
	}
	return res.Header.Get("X-Pith-Decision"), hashes
}

// Each hash that goes out leads to the lines that its marker names, whole, by line and by name; for
// the caller it was sent for alone.
func TestRetrieve(t *testing.T) {
	base, client := start(t, keeping(t, newUpstream(t), &valueStore{}))
	alice := []string{"Authorization", "Bearer alice"}
	_, hashes := ask(t, base, client, 90, alice...)
	if len(hashes) == 0 {
		t.Fatal("no hash went out")
	}
	lines := strings.SplitAfter(source(90), "\n")
	part := func(first, last int) string { return strings.Join(lines[first-1:last], "") }
	for _, hash := range hashes {
		gap, ok := compress.ParseGap(hash)
		if !ok {
			t.Fatalf("bad hash %q", hash)
		}
		if status, body := fetch(
			t,
			client,
			base+"/v1/retrieve/"+hash,
			alice,
		); status != 200 ||
			gjson.Get(body, "original_content").Str != part(gap.First, gap.Last) {
			t.Errorf("%s: %d %s", hash, status, body)
		}
		if status, body := fetch(
			t,
			client,
			base+"/v1/retrieve/"+hash,
			[]string{"Authorization", "Bearer bob"},
		); status != 404 {
			t.Errorf("another caller got %d %s", status, body)
		}
	}
	tests := []struct {
		path, want string
		status     int
	}{
		{hashes[0] + "?query=x", part(1, 1), 200},
		{hashes[0] + "?lines=7-8", part(7, 8), 200},
		{hashes[0] + "?lines=7", part(7, 7), 200},
		{hashes[0] + "?lines=89-1000", part(89, 90), 200},
		{hashes[0] + "?lines=1000-1001", "", 200},
		{hashes[0] + "?lines=2-1", "", 400},
		{hashes[0] + "?lines=0-1", "", 400},
		{hashes[0] + "?lines=x", "", 400},
		{hashes[0] + "?symbol=Pool", part(2, 3) + part(40, 41), 200},
		{hashes[0] + "?symbol=Nobody", "", 404},
		{hashes[0] + "?symbol=Pool&lines=1-2", "", 400},
		{"ffffffffffffff0000100002", "", 404},
		{"nonsense", "", 404},
	}
	for _, tt := range tests {
		status, body := fetch(t, client, base+"/v1/retrieve/"+tt.path, alice)
		if got := gjson.Get(body, "original_content").Str; status != tt.status || got != tt.want {
			t.Errorf("%s: %d %q, want %d %q", tt.path, status, got, tt.status, tt.want)
		}
	}
}

// serveOnce asks a handler without a connection, whose waiting would stop a bubble's clock.
func serveOnce(t testing.TB, h http.Handler, method, path, body string) (int, string) {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return rec.Code, rec.Body.String()
}

func fetch(t testing.TB, client *http.Client, url string, header []string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(header[0], header[1])
	res, body := do(t, client, req)
	return res.StatusCode, body
}

// A block whose original is not kept goes out whole and stays so; one that went out compressed
// keeps its bytes.
func TestRefusedOriginals(t *testing.T) {
	s := &valueStore{full: true}
	u := newUpstream(t)
	base, client := start(t, keeping(t, u, s))
	if decision, hashes := ask(t, base, client, 90); decision != "bypass; left=1; reason=not-kept" || len(hashes) > 0 {
		t.Errorf("full: %s %q", decision, hashes)
	}
	s.refuse(false)
	if decision, hashes := ask(t, base, client, 90); decision != "bypass; left=1; reason=frozen" || len(hashes) > 0 {
		t.Errorf("room again, the same block: %s %q", decision, hashes)
	}
	decision, before := ask(t, base, client, 60)
	if decision != "compressed" || len(before) == 0 {
		t.Fatalf("another block: %s %q", decision, before)
	}
	s.refuse(true)
	if decision, after := ask(
		t,
		base,
		client,
		60,
	); decision != "compressed" ||
		strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("full again: %s %q, before %q", decision, after, before)
	}
	opts := keeping(t, u, s)
	opts.Retrieval = retrieval.Options{}
	base, client = start(t, opts)
	if decision, hashes := ask(t, base, client, 60); decision != "bypass; left=1; reason=not-kept" || len(hashes) > 0 {
		t.Errorf("no store: %s %q", decision, hashes)
	}
}

// A hash resolves for the TTL from the last request that carried it; reading lengthens nothing, and
// not every request writes.
func TestLifeOfOriginals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &valueStore{}
		opts := keeping(t, &upstream{Server: &httptest.Server{URL: "http://127.0.0.1"}}, s)
		do := newServer(t, opts).Handler()
		send := func() string {
			body := `{"files":[{"path":"a.go","content":` + quote(source(60)) + `}]}`
			_, got := serveOnce(t, do, http.MethodPost, "/pith/v1/compress", body)
			return gjson.Get(got, "files.0.hashes.0").Str
		}
		resolves := func(hash string) bool {
			status, _ := serveOnce(t, do, http.MethodGet, "/v1/retrieve/"+hash, "")
			return status == http.StatusOK
		}
		hash := send()
		send()
		if s.keeps != 1 {
			t.Errorf("%d writes within a minute", s.keeps)
		}
		time.Sleep(45 * time.Minute)
		if again := send(); again != hash || hash == "" {
			t.Fatalf("hash %q, then %q", hash, again)
		}
		time.Sleep(59 * time.Minute)
		if !resolves(hash) {
			t.Error("gone before its time")
		}
		send()
		time.Sleep(59 * time.Minute)
		for range 3 {
			if !resolves(hash) {
				t.Error("gone although it was sent again")
			}
		}
		time.Sleep(62 * time.Minute)
		if resolves(hash) {
			t.Error("reading lengthened its life")
		}
	})
}

func TestSidecarNamesHashes(t *testing.T) {
	base, client := start(t, keeping(t, newUpstream(t), &valueStore{}))
	_, got := post(t, client, base+"/v1/compress", userChat("Why?\n```go\n"+source(60)+"```\n"))
	var hashes []string
	if err := json.Unmarshal([]byte(gjson.Get(got, "ccr_hashes").Raw), &hashes); err != nil || len(hashes) == 0 {
		t.Fatalf("ccr_hashes: %v in %s", err, got)
	}
	for _, hash := range hashes {
		if !strings.Contains(gjson.Get(got, "messages").Raw, "hash="+hash) {
			t.Errorf("%s stands in no marker", hash)
		}
		if res, body := get(t, client, base+"/v1/retrieve/"+hash); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", hash, res.StatusCode, body)
		}
	}
}
