package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/gateway"
	"pith/proxy"
)

// A spy is an engine that remembers what it was asked.
type spy struct {
	mu  sync.Mutex
	got []compress.Request
}

func (s *spy) Compress(ctx context.Context, req compress.Request) (compress.Result, error) {
	s.mu.Lock()
	s.got = append(s.got, req)
	s.mu.Unlock()
	return thirds(ctx, req)
}

func (s *spy) take() []compress.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

func TestHeadersSteerTheEngine(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	engine := &spy{}
	opts.Compressor = engine
	opts.Compression.GroupsAtOnce = 1
	base, client := start(t, opts)
	two := userChat("What does it do?\n```go main.go\n" + source(30) + "```\nand\n```python\n" + source(60) + "```\n")
	res, _ := post(
		t,
		client,
		base+"/v1/chat/completions",
		two,
		"X-Pith-Budget",
		"300",
		"X-Pith-Query",
		"where is f007?",
	)
	got := engine.take()
	if len(got) != 1 || len(got[0].Files) != 2 {
		t.Fatalf("asked %+v, want two files at once", got)
	}
	if got[0].Budget != 300 {
		t.Errorf("budget %d of 300 for the blocks of one message", got[0].Budget)
	}
	for _, req := range got {
		if req.Query != "where is f007?" || req.Model != "gpt-4o" || req.Rate != 0 || req.Tenant == "" {
			t.Errorf("request %+v", req)
		}
	}
	if f := got[0].Files[0]; f.Path != "main.go" || f.Language != "go" || f.Content != source(30) {
		t.Errorf("file %q %q, %d bytes", f.Path, f.Language, len(f.Content))
	}
	for name, want := range map[string]string{"X-Pith-Decision": "compressed", "X-Pith-Cache": "miss"} {
		if v := res.Header.Get(name); v != want {
			t.Errorf("%s = %q, want %q", name, v, want)
		}
	}
	for _, name := range []string{
		"X-Pith-Original-Tokens", "X-Pith-Compressed-Tokens", "X-Pith-Ratio", "Server-Timing",
	} {
		if res.Header.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	post(t, client, base+"/v1/chat/completions", two, "X-Pith-Rate", "0.3")
	for _, req := range engine.take() {
		if req.Rate != 0.3 || req.Budget != 0 || req.Query != "What does it do?\nand" {
			t.Errorf("request with a rate: %+v", req)
		}
	}
}

func TestBadHeadersAreOneClearError(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	tests := []struct{ name, value, other, otherValue string }{
		{"X-Pith-Mode", "fast", "", ""},
		{"X-Pith-Budget", "many", "", ""},
		{"X-Pith-Budget", "0", "", ""},
		{"X-Pith-Budget", "-5", "", ""},
		{"X-Pith-Rate", "1.5", "", ""},
		{"X-Pith-Rate", "0", "", ""},
		{"X-Pith-Rate", "NaN", "", ""},
		{"X-Pith-Budget", "5", "X-Pith-Rate", "0.5"},
	}
	for _, tt := range tests {
		header := []string{tt.name, tt.value}
		if tt.other != "" {
			header = append(header, tt.other, tt.otherValue)
		}
		res, body := post(t, client, base+"/v1/chat/completions", question(), header...)
		if msg := gjson.Get(
			body,
			"error.message",
		).Str; res.StatusCode != http.StatusBadRequest ||
			!strings.HasPrefix(msg, "pith: "+tt.name+": ") {
			t.Errorf("%s: %s: %d %s", tt.name, tt.value, res.StatusCode, body)
		}
	}
	if n := u.count(); n != 0 {
		t.Errorf("the upstream was asked %d times", n)
	}
}

func TestForceTakesSmallBlocksAndNeedsNoQuestion(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Compression = proxy.Compression{Mode: proxy.ModeOff}
	base, client := start(t, opts)
	small := userChat("```go\n" + source(20) + "```\n")
	for mode, want := range map[string]bool{"": false, "auto": false, "force": true} {
		header := []string{"X-Pith-Mode", mode}
		if mode == "" {
			header = nil
		}
		post(t, client, base+"/v1/chat/completions", small, header...)
		if changed := string(u.last(t).body) != small; changed != want {
			t.Errorf("mode %q: changed = %v, want %v", mode, changed, want)
		}
	}
}

func TestPreviewShowsWhatWouldBeSent(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	res, shown := post(t, client, base+"/v1/chat/completions", question(), "X-Pith-Mode", "preview")
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/json" ||
		res.Header.Get("X-Pith-Decision") != "compressed" {
		t.Errorf("preview: %d %v", res.StatusCode, res.Header)
	}
	if u.count() != 0 {
		t.Fatal("a preview reached the upstream")
	}
	post(t, client, base+"/v1/chat/completions", question())
	if sent := string(u.last(t).body); sent != shown {
		t.Errorf("preview showed %s\nbut sent was %s", shown, sent)
	}
	if res, body := post(
		t,
		client,
		base+"/v1/models",
		"{}",
		"X-Pith-Mode",
		"preview",
	); res.StatusCode != http.StatusBadRequest {
		t.Errorf("preview of a path without dialect: %d %s", res.StatusCode, body)
	}
}

func TestTenantsAreToldApartByCredentialOnly(t *testing.T) {
	name := gateway.CredentialTenant([]byte("secret"))
	of := func(header ...string) string {
		r := httptest.NewRequest(http.MethodPost, "/v1/x", nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return name(r)
	}
	a := of("Authorization", "Bearer a")
	if a == of("Authorization", "Bearer b") || a == of("X-Api-Key", "Bearer a") || a == of() {
		t.Error("two credentials are one tenant")
	}
	if of("X-Api-Key", "ab", "Api-Key", "c") == of("X-Api-Key", "a", "Api-Key", "bc") {
		t.Error("two headers run together")
	}
	if a != of("Authorization", "Bearer a", "X-Tenant", "b", "User-Agent", "c") {
		t.Error("a client's own field changes the tenant")
	}
	if strings.Contains(a, "Bearer") ||
		a == gateway.CredentialTenant([]byte("other"))(httptest.NewRequest(http.MethodGet, "/", nil)) {
		t.Error("the name gives the key away or ignores the secret")
	}
}

func TestCompressEndpoint(t *testing.T) {
	opts := options(t, newUpstream(t))
	base, client := start(t, opts)
	file := fmt.Sprintf(`{"path":"a.go","content":%s}`, quote(source(30)))
	tests := []struct {
		name, body string
		status     int
		want       string
	}{
		{"files", `{"files":[` + file + `],"query":"q","budget":100}`, 200, `"text"`},
		{
			"one text",
			`{"text":` + quote(source(30)) + `,"query":"q","rate":0.5,"ranker":"bm25","stage":"coarse"}`,
			200,
			`"kept_lines"`,
		},
		{"not JSON", `{"files":`, 400, "pith: body"},
		{"unknown field", `{"files":[` + file + `],"bugdet":100}`, 400, `unknown field \"bugdet\"`},
		{"tenant is nobody's to choose", `{"files":[` + file + `],"Tenant":"x"}`, 400, "unknown field"},
		{"nothing", `{"query":"q"}`, 400, "files: missing"},
		{"both", `{"text":"x","files":[` + file + `]}`, 400, "exclude each other"},
		{"budget and rate", `{"text":"x","budget":1,"rate":0.5}`, 400, "exclude each other"},
		{"bad rate", `{"text":"x","rate":2}`, 400, "rate:"},
		{"bad budget", `{"text":"x","budget":-2}`, 400, "budget:"},
		{"two values", `{"text":"x"}{}`, 400, "more than one"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			res, body := post(t, client, base+"/pith/v1/compress", tt.body)
			if res.StatusCode != tt.status || !strings.Contains(body, tt.want) || !json.Valid([]byte(body)) {
				t.Errorf("got %d %s", res.StatusCode, body)
			}
		})
	}
	if res, _ := post(t, client, base+"/pith/v1/other", "{}"); res.StatusCode != http.StatusNotFound {
		t.Errorf("unknown own endpoint: %d", res.StatusCode)
	}
}

func TestCompressEndpointErrors(t *testing.T) {
	for status, err := range map[int]error{
		400: fmt.Errorf("ranker x: %w", compress.ErrRequest),
		422: fmt.Errorf("a.go: %w", compress.ErrBudget),
		500: fmt.Errorf("secret of the house"),
		504: context.DeadlineExceeded,
	} {
		opts := options(t, newUpstream(t))
		opts.Compressor = proxy.CompressorFunc(func(context.Context, compress.Request) (compress.Result, error) {
			return compress.Result{}, err
		})
		base, client := start(t, opts)
		if res, body := post(
			t,
			client,
			base+"/pith/v1/compress",
			`{"text":"x"}`,
		); res.StatusCode != status ||
			strings.Contains(body, "secret") {
			t.Errorf("%v: %d %s, want %d", err, res.StatusCode, body, status)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	healthy := true
	opts.Health = func(context.Context) error {
		if healthy {
			return nil
		}
		return fmt.Errorf("model is gone")
	}
	opts.Admin.Token = "t0ken"
	s, err := proxy.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	front, admin := httptest.NewServer(s.Handler()), httptest.NewServer(s.AdminHandler())
	defer front.Close()
	defer admin.Close()
	get := func(url, token string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		req.Header.Set("Authorization", token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/health": 200} {
		if got, _ := get(front.URL+path, ""); got != want {
			t.Errorf("%s = %d, want %d", path, got, want)
		}
	}
	healthy = false
	if got, _ := get(front.URL+"/readyz", ""); got != 503 {
		t.Errorf("readyz = %d without a model", got)
	}
	post(t, http.DefaultClient, front.URL+"/v1/chat/completions", question())
	if got, body := get(front.URL+"/metrics", ""); strings.Contains(body, "pith_") {
		t.Errorf("metrics on the main listener: %d", got)
	}
	if got, _ := get(admin.URL+"/metrics", "Bearer wrong"); got != 401 {
		t.Errorf("metrics for a wrong token: %d", got)
	}
	want := []string{
		`pith_decisions_total{decision="compressed",dialect="chat",reason=""} 1`,
		`pith_requests_total{code="200",dialect="chat"} 1`,
		`pith_block_tokens_total{dialect="chat",side="original"}`,
		`pith_body_bytes_held 0`,
	}
	eventually(t, func() bool { // the request is counted, and lets go of its bytes, after its answer
		got, body := get(admin.URL+"/metrics", "Bearer t0ken")
		return got == 200 && !slices.ContainsFunc(want, func(line string) bool { return !strings.Contains(body, line) })
	})
}
