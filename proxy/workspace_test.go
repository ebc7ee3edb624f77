package proxy_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"pith/compress"
	"pith/index"
	"pith/proxy"
)

// findingTools answer each call with a context.
type findingTools struct{ found index.Context }

func (f findingTools) ServeMCP(
	w http.ResponseWriter, _ *http.Request, _ string,
	_ func(ctx context.Context, hash, lines, symbol string) (string, error), found func(index.Context),
) {
	found(f.found)
	w.WriteHeader(http.StatusOK)
}

// What makes a context less than was asked for shows as it does for a request, and so does why
// there is none.
func TestContextsLessThanAskedForShow(t *testing.T) {
	for _, tt := range []struct {
		reason, decision string
		err              error
		status           int
	}{
		{"cut-by-lines", "compressed", nil, 200},
		{index.LessIndexed, "compressed", nil, 200},
		{"indexing", "failed", fmt.Errorf("%w: 3 of 7 files are done, try again", index.ErrIndexing), 503},
		{"budget", "failed", compress.ErrBudget, 422},
		{"timeout", "failed", context.DeadlineExceeded, 504},
		{"error", "failed", http.ErrBodyNotAllowed, 500},
	} {
		made := index.Context{Tokens: 10, WholeTokens: 30, Reason: tt.reason, Notes: []string{"a note"}}
		c := startCounted(t, answerer{contentType: plainJSON, body: []byte(`{}`)}, func(o *proxy.Options) {
			o.Workspace = workspaceFunc(func(index.Question) (index.Context, error) { return made, tt.err })
			o.MCP = findingTools{made}
		})
		want := tt.decision + "; reason=" + tt.reason
		a, body := post(t, c.client, c.url+"/pith/v1/context", `{"question":"why?"}`)
		if got := a.Header.Get("X-Pith-Decision"); got != want || a.StatusCode != tt.status {
			t.Errorf("%d, decision %q, want %d, %q", a.StatusCode, got, tt.status, want)
		}
		if tt.err == nil && !strings.Contains(body, `"notes":["a note"]`) ||
			tt.status == 503 && (!strings.Contains(body, "3 of 7 files") || a.Header.Get("Retry-After") == "") {
			t.Errorf("%s: %v %s", tt.reason, a.Header, body)
		}
		calls := 1
		if tt.err == nil { // the tools' answers have their notes in themselves
			post(t, c.client, c.url+"/mcp", `{}`)
			calls = 2
		}
		eventually(t, func() bool { return strings.Count(c.log.String(), `"reason":"`+tt.reason+`"`) == calls })
		eventually(t, func() bool {
			return c.metric(t, "pith_decisions_total", "dialect=context", "reason="+tt.reason) == float64(calls)
		})
		if logged := strings.Contains(c.log.String(), http.ErrBodyNotAllowed.Error()); logged != (tt.status == 500) {
			t.Errorf("%s: the log has the error: %v", tt.reason, logged)
		}
	}
}
