package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"pith/proxy"
)

// previousOptions are those of a Server before an API that answers each request with a call of
// read_file, as id r1, in one piece or as events.
func previousOptions(t *testing.T, last *string) proxy.Options {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*last = string(body)
		if gjson.GetBytes(body, "stream").Bool() {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, e := range completed("r1", readCall("c1", "main.go")) {
				fmt.Fprintf(w, "event: x\ndata: %s\n\n", e)
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"r1","object":"response","status":"completed","output":[`+
			readCall("c1", "main.go")+`]}`)
	}))
	t.Cleanup(api.Close)
	opts := options(t, newUpstream(t))
	opts.Upstream, _ = url.Parse(api.URL)
	return opts
}

// A request that names an earlier answer instead of repeating it is planned with what that
// conversation showed: for the same client, on every replica. Where it is not known, results pass.
func TestPreviousResponse(t *testing.T) {
	first := func(more string) string { return `{"model":"gpt-4o","input":[` + askItem + `]` + more + `}` }
	result := `{"model":"gpt-4o","previous_response_id":"r1","input":[` + callOutput("c1", source(60)) + `]}`
	tests := []struct {
		name, first, key string
		replica          bool
		want             bool
	}{
		{"in one piece", first(""), "K", false, true},
		{"as events", first(`,"stream":true`), "K", false, true},
		{"another replica", first(""), "K", true, true},
		{"another tenant", first(""), "L", false, false},
		{"not kept by the provider", first(`,"store":false`), "K", false, false},
		{"unknown before", first(`,"previous_response_id":"r0"`), "K", false, false},
		{"never seen", "", "K", false, false},
	}
	for _, tt := range tests {
		var last string
		opts := previousOptions(t, &last)
		store := &sharedStore{held: map[string][]byte{}}
		opts.Freeze = proxy.Freeze{
			Store: store,
			Key:   func(parts ...string) string { return strings.Join(parts, "\x00") },
		}
		opts.Tenant = func(r *http.Request) string { return r.Header.Get("Authorization") }
		base, client := start(t, opts)
		if tt.first != "" {
			post(t, client, base+"/v1/responses", tt.first, "Authorization", "Bearer K")
		}
		if tt.replica {
			waitFor(t, func() bool { // the store is written beside the answer
				store.mu.Lock()
				defer store.mu.Unlock()
				return len(store.held) > 0
			})
			base, client = start(t, opts)
		}
		res, _ := post(t, client, base+"/v1/responses", result, "Authorization", "Bearer "+tt.key)
		if got := strings.Contains(last, "omitted"); got != tt.want {
			t.Errorf("%s: shortened %v, want %v (%s)", tt.name, got, tt.want, res.Header.Get("X-Pith-Decision"))
		}
		if !tt.want && last != result {
			t.Errorf("%s: the request was changed", tt.name)
		}
	}
}
