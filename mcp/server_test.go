package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"pith/compress"
	"pith/index"
	"pith/mcp"
	"pith/parsers/processes"
	"pith/tokens"
)

type counters struct{ *tokens.Counters }

func (c counters) For(model string) compress.Counter { return c.Counters.For(model) }

// workspace is two folders, each with a function about refunds.
func workspace(t *testing.T) (dir, other string) {
	t.Helper()
	dir, other = t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(dir, "refund.py"): "import ledger\n\n\ndef refund(order):\n" +
			"    payment = ledger.find(order)\n    payment.reverse()\n    return payment\n\n\n" +
			"def paint(wall):\n    return wall\n",
		filepath.Join(dir, "ledger.py"):   "def find(order):\n    return PAYMENTS[order]\n",
		filepath.Join(dir, "long.py"):     strings.Repeat("pass\n", 2500),
		filepath.Join(dir, "secrets.py"):  "REFUND = 'secret'\n",
		filepath.Join(other, "refund.py"): "def refund_elsewhere(order):\n    return order.elsewhere\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, other
}

// opener opens indexes on the real parsers and the real engine.
func opener(t *testing.T) func(context.Context, []string, func(int, int)) (*index.Index, error) {
	t.Helper()
	pool, err := processes.NewPool(processes.Options{InProcess: true, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	known := map[string]*index.Index{}
	return func(ctx context.Context, roots []string, progress func(int, int)) (*index.Index, error) {
		key := strings.Join(roots, "\n")
		if x := known[key]; x != nil {
			return x, nil
		}
		x, err := index.Open(
			index.Options{
				Roots: slices.Clone(roots),
				Parse: pool,
				Engine: func(s compress.Splitter) (*compress.Engine, error) {
					return compress.New(compress.Options{Splitter: s, Counters: counters{tokens.New()}})
				},
			},
		)
		if err != nil {
			return nil, err
		}
		known[key] = x
		return x, x.Refresh(ctx, progress)
	}
}

// connect has the SDK's own client talk to a server over streamable HTTP.
func connect(t *testing.T, o mcp.Options, roots []string, progressed *atomic.Int64) *sdk.ClientSession {
	t.Helper()
	o.Open = opener(t)
	return dial(t, serveTenants(t, mcp.New(o)), "", roots, progressed)
}

// serveTenants serves over HTTP as a server does that knows its callers: by a header, here. The
// hash "mine" leads the tenant "a" to a line.
func serveTenants(t *testing.T, s *mcp.Server) string {
	t.Helper()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := r.Header.Get("X-Tenant")
		if tenant == "" {
			s.ServeMCP(w, r, "", nil, nil)
			return
		}
		s.ServeMCP(w, r, tenant, func(_ context.Context, hash, _, _ string) (string, error) {
			if tenant == "a" && hash == "mine" {
				return "the line of a", nil
			}
			return "", errors.New("no such hash")
		}, nil)
	}))
	t.Cleanup(web.Close)
	return web.URL
}

// A tenantHeader is a transport that says who calls.
type tenantHeader string

func (h tenantHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Tenant", string(h))
	return http.DefaultTransport.RoundTrip(r)
}

func dial(t *testing.T, url, tenant string, roots []string, progressed *atomic.Int64) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, &sdk.ClientOptions{
		ProgressNotificationHandler: func(context.Context, *sdk.ProgressNotificationClientRequest) {
			if progressed != nil {
				progressed.Add(1)
			}
		},
	})
	for _, r := range roots {
		client.AddRoots(&sdk.Root{URI: "file://" + r})
	}
	session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: url, HTTPClient: &http.Client{Transport: tenantHeader(tenant)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// call calls a tool and returns what a model reads and what a program reads.
func call(
	t *testing.T,
	s *sdk.ClientSession,
	name string,
	args map[string]any,
) (said string, structured map[string]any, failed bool) {
	t.Helper()
	params := &sdk.CallToolParams{Name: name, Arguments: args}
	params.SetProgressToken("p")
	res, err := s.CallTool(t.Context(), params)
	if err != nil {
		return err.Error(), nil, true
	}
	for _, c := range res.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			said += text.Text
		}
	}
	data, err := json.Marshal(res.StructuredContent)
	if err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(data, &structured) // an error has none
	return said, structured, res.IsError
}

func TestTools(t *testing.T) {
	dir, other := workspace(t)
	var progressed atomic.Int64
	s := connect(t, mcp.Options{Roots: []string{dir}, Version: "1"}, nil, &progressed)
	list, err := s.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, tool := range list.Tools {
		if tool.OutputSchema == nil || !tool.Annotations.ReadOnlyHint {
			t.Errorf("%s: %+v", tool.Name, tool)
		}
		data, err := json.Marshal(struct {
			Name, Description string
			Schema            any
		}{tool.Name, tool.Description, tool.InputSchema})
		if err != nil {
			t.Fatal(err)
		}
		size += tokens.New().For("gpt-4o").Count(string(data))
	}
	if len(list.Tools) != 4 || size > 600 {
		t.Errorf("%d tools cost %d tokens in each request", len(list.Tools), size)
	}
	said, found, failed := call(
		t,
		s,
		"find_context",
		map[string]any{"question": "How is an order refunded?", "budget": 60},
	)
	if failed || !strings.Contains(said, "payment.reverse()") || strings.Contains(said, "secret") ||
		strings.Contains(said, "elsewhere") ||
		found["text"] == "" {
		t.Errorf("find_context: %v %s %v", failed, said, found)
	}
	if progressed.Load() == 0 {
		t.Error("the first index made no progress known")
	}
	if said, _, failed = call(
		t,
		s,
		"explain",
		nil,
	); failed || !strings.Contains(said, "RANK") ||
		!strings.Contains(said, "refund") {
		t.Errorf("explain: %s", said)
	}
	if said, _, failed = call(t, s, "explain", map[string]any{"about": "paint"}); failed ||
		strings.Count(said, "\n") != 2 || !strings.Contains(said, "paint") {
		t.Errorf("explain one chunk: %s", said)
	}
	if said, _, failed = call(
		t,
		s,
		"expand",
		map[string]any{"path": "refund.py", "symbol": "paint"},
	); failed ||
		said != "10\tdef paint(wall):\n11\t    return wall\n" {
		t.Errorf("expand: %q", said)
	}
	if said, _, failed = call(
		t,
		s,
		"read_compressed",
		map[string]any{"paths": []string{"ledger.py"}, "question": "find"},
	); failed ||
		!strings.Contains(said, "PAYMENTS[order]") {
		t.Errorf("read_compressed: %s", said)
	}
	said, found, failed = call(t, s, "find_context", map[string]any{
		"question": "order", "paths": []string{"refund.py", "gone.py"},
	})
	if failed || !strings.Contains(said, "\n\nNote: ") || !strings.Contains(fmt.Sprint(found["notes"]), "gone.py") {
		t.Errorf("a path that leads nowhere: %s %v", said, found)
	}
	said, found, failed = call(t, s, "expand", map[string]any{"path": "long.py"})
	if failed || !strings.HasSuffix(said, "\n500 more lines: ask for them by lines\n") || found["more"] != 500.0 {
		t.Errorf("a long file: %.100s %v", said[max(0, len(said)-100):], found["more"])
	}
	for _, tt := range []struct {
		tool string
		args map[string]any
		want string
	}{
		{"find_context", map[string]any{"question": ""}, "question: missing"},
		{"find_context", map[string]any{"question": "zzz"}, "try other words"},
		{"find_context", map[string]any{"question": "refund", "budget": 1}, "ask for more tokens"},
		{"find_context", map[string]any{}, "question"},
		{"expand", map[string]any{"hash": "abc"}, "no hashes here"},
		{"expand", map[string]any{"path": filepath.Join(other, "refund.py")}, "no source file of the workspace"},
		{"expand", map[string]any{"path": "secrets.py"}, "no source file of the workspace"},
		{
			"read_compressed",
			map[string]any{"paths": []string{"../" + filepath.Base(other)}, "question": "x"},
			"no source file of the workspace",
		},
		{"explain", map[string]any{"id": "none"}, "no such result"},
	} {
		if said, _, failed := call(t, s, tt.tool, tt.args); !failed || !strings.Contains(said, tt.want) {
			t.Errorf("%s %v: failed is %v, %q", tt.tool, tt.args, failed, said)
		}
	}
}

func TestRoots(t *testing.T) {
	dir, other := workspace(t)
	ask := func(o mcp.Options, roots ...string) string {
		said, _, _ := call(t, connect(t, o, roots, nil), "find_context", map[string]any{"question": "refund order"})
		return said
	}
	for _, tt := range []struct {
		name string
		said string
		want string
	}{
		{
			"the client's, where the server has none",
			ask(mcp.Options{ClientRoots: true, Fallback: dir}, other), "refund_elsewhere",
		},
		{
			"the server's, where the client has none",
			ask(mcp.Options{Roots: []string{other}}), "refund_elsewhere",
		},
		{
			"the fallback",
			ask(mcp.Options{ClientRoots: true, Fallback: other}), "refund_elsewhere",
		},
		{
			"the client's within the server's",
			ask(mcp.Options{Roots: []string{filepath.Dir(other)}}, other), "refund_elsewhere",
		},
		{
			"the client's outside of the server's",
			ask(mcp.Options{Roots: []string{dir}}, other), "none of the client's roots",
		},
	} {
		if !strings.Contains(tt.said, tt.want) ||
			tt.want == "refund_elsewhere" && strings.Contains(tt.said, "payment.reverse") {
			t.Errorf("%s: %s", tt.name, tt.said)
		}
	}
}
