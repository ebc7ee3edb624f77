package proxy_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"pith/compress"
	"pith/gateway"
	"pith/proxy"
)

// entry is an upstream of the table.
func entry(t testing.TB, name string, u *upstream, models, paths []string) gateway.Upstream {
	t.Helper()
	base, err := url.Parse(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Upstream{Name: name, URL: base, Models: models, Paths: paths}
}

func TestRequestsGoToTheirUpstream(t *testing.T) {
	all := map[string]*upstream{
		"default": newUpstream(t),
		"claude":  newUpstream(t),
		"files":   newUpstream(t),
		"local":   newUpstream(t),
		"both":    newUpstream(t),
	}
	opts := options(t, all["default"])
	stripped := entry(t, "local", all["local"], nil, []string{"/local/"})
	stripped.StripPath = true
	opts.Gateway.Upstreams = []gateway.Upstream{
		entry(t, "both", all["both"], []string{"claude-3*"}, []string{"/v1/chat"}),
		entry(t, "claude", all["claude"], []string{"claude-*", "vendor/*-instruct", "o?"}, nil),
		entry(t, "files", all["files"], nil, []string{"/v1/files"}),
		stripped,
	}
	base, client := start(t, opts)
	model := func(name string) string { return `{"messages":[],"model":` + quote(name) + `}` }
	tests := []struct{ path, body, want, uri string }{
		{"/v1/chat/completions", model("gpt-4o"), "default", ""},
		{"/v1/chat/completions", model("claude-4"), "claude", ""},
		{"/v1/chat/completions", model("claude-3-opus"), "both", ""},
		{"/v1/messages", model("claude-3-opus"), "claude", ""},
		{"/v1/messages", model("my-claude-4"), "default", ""},
		{"/v1/embeddings", model("o3"), "claude", ""},
		{"/v1/embeddings", model("o30"), "default", ""},
		{"/v1/embeddings", model("vendor/big/llama-instruct"), "claude", ""},
		{"/v1/embeddings", `{"model":"gpt-4o","model":"claude-4"}`, "claude", ""},
		{"/v1/embeddings", `{"input":{"model":"claude-4"}}`, "default", ""},
		{"/v1/embeddings", `not JSON`, "default", ""},
		{"/v1/files", model("gpt-4o"), "files", ""},
		{"/v1/files/f-1?x=y", ``, "files", ""},
		{"/v1/filesystem", ``, "default", ""},
		{"/v1/%66iles", ``, "files", ""},
		{"/local/v1/chat/completions", model("llama"), "local", "/v1/chat/completions"},
		{"/local/v1/a%2Fb?q", ``, "local", "/v1/a%2Fb?q"},
		{"/localhost", ``, "default", ""},
	}
	for _, mode := range []string{"auto", "off"} {
		for _, tt := range tests {
			before := all[tt.want].count()
			res, _ := post(t, client, base+tt.path, tt.body, "X-Pith-Mode", mode)
			if res.StatusCode != http.StatusOK || all[tt.want].count() != before+1 {
				t.Errorf("%s %s %s: %d, did not reach %s", mode, tt.path, tt.body, res.StatusCode, tt.want)
				continue
			}
			got := all[tt.want].last(t)
			if tt.uri == "" {
				tt.uri = tt.path
			}
			if got.uri != tt.uri || string(got.body) != tt.body || "http://"+got.host != all[tt.want].URL {
				t.Errorf("%s %s: arrived as %s at %s with %s", mode, tt.path, got.uri, got.host, got.body)
			}
		}
	}
}

const aliceKey, bobKey = "pith-alice-0123456789abcdef", "pith-bob-0123456789abcdef"

// clients lets alice and bob in.
func clients(o *proxy.Options) {
	o.Gateway.Keys = []gateway.VirtualKey{
		{Name: "alice", Hash: gateway.HashKey(aliceKey)},
		{Name: "bob", Hash: gateway.HashKey(bobKey)},
	}
}

func TestVirtualKeysLetIn(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	clients(&opts)
	base, client := start(t, opts)
	tests := []struct {
		name, query string
		header      []string
		in          bool
	}{
		{"none", "", nil, false},
		{"empty", "?key=", []string{"Authorization", "Bearer "}, false},
		{"another", "", []string{"Authorization", "Bearer sk-real"}, false},
		{"half", "", []string{"Authorization", "Bearer " + aliceKey[:20]}, false},
		{"the hash", "?key=sha256:", nil, false},
		{"bearer", "", []string{"Authorization", "Bearer " + aliceKey}, true},
		{"lower case scheme", "", []string{"Authorization", "bearer " + aliceKey}, true},
		{"Anthropic's", "", []string{"X-Api-Key", aliceKey}, true},
		{"Azure's", "", []string{"Api-Key", bobKey}, true},
		{"Google's", "", []string{"X-Goog-Api-Key", bobKey}, true},
		{"in the query", "?a=b&key=" + bobKey + "&c=%zz", nil, true},
		{"two, one of them good", "", []string{"Authorization", "Bearer sk-real", "X-Api-Key", aliceKey}, true},
	}
	for _, tt := range tests {
		for _, path := range []string{"/v1/chat/completions", "/v1/other", "/v1/compress", "/pith/v1/compress"} {
			before := u.count()
			res, body := post(t, client, base+path+tt.query, `{"messages":[],"text":"x","budget":9}`, tt.header...)
			if (res.StatusCode != http.StatusUnauthorized) != tt.in ||
				!tt.in && (!strings.Contains(body, "authentication_error") || u.count() != before) {
				t.Errorf("%s, %s: %d %s", tt.name, path, res.StatusCode, body)
			}
		}
	}
	if got := u.last(t); strings.Contains(got.uri, aliceKey) {
		t.Errorf("a key reached the upstream in %s", got.uri)
	}
	for _, path := range []string{"/healthz", "/readyz", "/health"} {
		if res, _ := get(t, client, base+path); res.StatusCode != http.StatusOK {
			t.Errorf("%s without a key: %d", path, res.StatusCode)
		}
	}
	if res, _ := get(
		t,
		client,
		base+"/v1/retrieve/0123456789abcdef01234567",
	); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("retrieve without a key: %d", res.StatusCode)
	}
}

// What reaches an upstream of the credentials that a client sends, and of those that the proxy
// holds.
func TestCredentialsAreReplaced(t *testing.T) {
	const real = "sk-of-the-upstream"
	tests := []struct {
		name, path, key string
		auth            gateway.Auth
		open            bool // no virtual keys
		want            []string
	}{
		{
			name: "OpenAI's header",
			path: "/v1/chat/completions",
			key:  real,
			want: []string{"Authorization", "Bearer " + real},
		},
		{name: "Anthropic's header", path: "/v1/messages", key: real, want: []string{"X-Api-Key", real}},
		{name: "also beside messages", path: "/v1/messages/batches", key: real, want: []string{"X-Api-Key", real}},
		{
			name: "as configured",
			path: "/openai/deployments/x/chat/completions",
			key:  real,
			auth: gateway.AuthAPIKey,
			want: []string{"Api-Key", real},
		},
		{
			name: "configured against the dialect",
			path: "/v1/messages",
			key:  real,
			auth: gateway.AuthBearer,
			want: []string{"Authorization", "Bearer " + real},
		},
		{name: "none to send", path: "/v1/chat/completions"},
		{
			name: "open",
			path: "/v1/chat/completions",
			open: true,
			want: []string{"Authorization", "Bearer " + aliceKey, "X-Api-Key", aliceKey},
		},
		{
			name: "open, and the key is held",
			path: "/v1/chat/completions",
			key:  real,
			open: true,
			want: []string{"Authorization", "Bearer " + real},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, other := newUpstream(t), newUpstream(t)
			opts := options(t, other)
			opts.Gateway.DefaultKey = "sk-of-the-other"
			if !tt.open {
				clients(&opts)
			}
			to := entry(t, "it", u, nil, []string{"/"})
			to.Key, to.Auth = tt.key, tt.auth
			opts.Gateway.Upstreams = []gateway.Upstream{to}
			base, client := start(t, opts)
			post(
				t,
				client,
				base+tt.path+"?a=%zz&key="+aliceKey+"&b=1&k%65y="+aliceKey+"&monkey=2",
				userChat("hi"),
				"Authorization",
				"Bearer "+aliceKey,
				"X-Api-Key",
				aliceKey,
			)
			got := u.last(t)
			sent := map[string]string{}
			for _, name := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
				if v := got.header.Get(name); v != "" {
					sent[name] = v
				}
			}
			for i := 0; i < len(tt.want); i += 2 {
				if sent[tt.want[i]] != tt.want[i+1] {
					t.Errorf("%s = %q, want %q", tt.want[i], sent[tt.want[i]], tt.want[i+1])
				}
			}
			if len(sent) != len(tt.want)/2 {
				t.Errorf("credentials sent: %v", sent)
			}
			if want := tt.path + "?a=%zz&b=1&monkey=2"; !tt.open && got.uri != want {
				t.Errorf("uri %s, want %s", got.uri, want)
			}
		})
	}
}

func TestTenantsFollowVirtualKeys(t *testing.T) {
	var mu sync.Mutex
	var tenants []string
	opts := options(t, newUpstream(t))
	clients(&opts)
	opts.Compressor = proxy.CompressorFunc(func(ctx context.Context, req compress.Request) (compress.Result, error) {
		mu.Lock()
		tenants = append(tenants, req.Tenant)
		mu.Unlock()
		return thirds(ctx, req)
	})
	base, client := start(t, opts)
	for _, header := range [][]string{
		{"Authorization", "Bearer " + aliceKey}, {"X-Api-Key", aliceKey}, {"X-Api-Key", bobKey},
	} {
		post(t, client, base+"/v1/chat/completions", question(), header...)
	}
	if len(tenants) != 3 || tenants[0] != tenants[1] || tenants[0] == tenants[2] {
		t.Errorf("tenants = %q, want one for each key wherever it stands", tenants)
	}
	for _, name := range tenants {
		if strings.Contains(name, aliceKey) || strings.Contains(name, bobKey) {
			t.Errorf("tenant %q gives a key away", name)
		}
	}
}

func TestNewKeysDiffer(t *testing.T) {
	a, b := gateway.NewKey(), gateway.NewKey()
	if a == b || len(a) < len("pith-")+26 || gateway.HashKey(a) == gateway.HashKey(b) {
		t.Errorf("keys %q and %q", a, b)
	}
}
