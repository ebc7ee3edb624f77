package mcp_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"pith/index"
	"pith/mcp"
)

func TestTenantsAreApart(t *testing.T) {
	dir, _ := workspace(t)
	url := serveTenants(t, mcp.New(mcp.Options{Roots: []string{dir}, Open: opener(t)}))
	a, b := dial(t, url, "a", nil, nil), dial(t, url, "b", nil, nil)
	_, found, failed := call(t, a, "find_context", map[string]any{"question": "How is an order refunded?"})
	id, _ := found["id"].(string)
	if failed || id == "" {
		t.Fatalf("find_context: %v", found)
	}
	for _, tt := range []struct {
		who  *sdk.ClientSession
		tool string
		args map[string]any
		want string
	}{
		{a, "explain", nil, "RANK"},
		{b, "explain", nil, "no such result"},
		{b, "explain", map[string]any{"id": id}, "no such result"},
		{dial(t, url, "a", nil, nil), "explain", map[string]any{"id": id}, "RANK"}, // another session of its own
		{a, "expand", map[string]any{"hash": "mine"}, "the line of a"},
		{b, "expand", map[string]any{"hash": "mine"}, "no such hash"},
	} {
		if said, _, _ := call(t, tt.who, tt.tool, tt.args); !strings.Contains(said, tt.want) {
			t.Errorf("%s %v: %q, want %q", tt.tool, tt.args, said, tt.want)
		}
	}
	// A session is of who opened it, whoever knows its name.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url,
		strings.NewReader(`{"jsonrpc":"2.0","id":7,"method":"tools/list"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Session-Id": a.ID(), "X-Tenant": "b",
	} {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another's session: %d", res.StatusCode)
	}
}

func TestCancelledCallsEnd(t *testing.T) {
	dir, _ := workspace(t)
	began, ended := make(chan struct{}), make(chan error, 1)
	s := mcp.New(mcp.Options{
		Roots: []string{dir},
		Open: func(ctx context.Context, _ []string, _ func(int, int)) (*index.Index, error) {
			close(began)
			<-ctx.Done() // a first look that takes its time
			ended <- ctx.Err()
			return nil, ctx.Err()
		},
	})
	session := dial(t, serveTenants(t, s), "", nil, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-began
		cancel()
	}()
	_, err := session.CallTool(ctx, &sdk.CallToolParams{
		Name: "find_context", Arguments: map[string]any{"question": "refund"},
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the client: %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the work: %v", err)
	}
	if _, err := session.ListTools(t.Context(), nil); err != nil {
		t.Errorf("the session afterwards: %v", err)
	}
}
