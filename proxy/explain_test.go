package proxy_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"pith/compress"
	"pith/explain"
	"pith/proxy"
)

// watchedOptions are options with a log of n requests.
func watchedOptions(t testing.TB, u *upstream, n int) (proxy.Options, *explain.RequestLog) {
	t.Helper()
	o := options(t, u)
	requests := explain.NewRequestLog(n, thirds)
	o.Watcher = requests
	return o, requests
}

// hasSeen waits until a log has seen n requests: it does so after the client has its answer.
func hasSeen(t *testing.T, requests *explain.RequestLog, n int) {
	t.Helper()
	eventually(t, func() bool { _, got := requests.Recent(1); return got >= n })
}

func TestPreviewIsExplained(t *testing.T) {
	u := newUpstream(t)
	asked := &spy{}
	o := options(t, u)
	o.Compressor = asked
	base, client := start(t, o)
	_, plain := post(t, client, base+"/v1/chat/completions", question(), "X-Pith-Mode", "preview")
	res, body := post(
		t,
		client,
		base+"/v1/chat/completions",
		question(),
		"X-Pith-Mode",
		"preview",
		"X-Pith-Explain",
		"1",
	)
	if res.StatusCode != http.StatusOK || !gjson.Valid(body) {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	got := gjson.Parse(body)
	if got.Get("body").Raw != plain {
		t.Errorf("the request in it is %s\nwant %s", got.Get("body").Raw, plain)
	}
	block := got.Get("blocks.0")
	if got.Get("decision").Str != "compressed" || got.Get("id").Str != res.Header.Get("X-Pith-Request-Id") ||
		block.Get("outcome").Str != "compressed" || block.Get("question").Str != "Why?" ||
		!strings.HasPrefix(
			block.Get("original").Str,
			"package main",
		) || !strings.Contains(block.Get("sent").Str, "omitted") ||
		block.Get("chunks.0.why").Str == "" {
		t.Errorf("account: %s", body)
	}
	requests := asked.take()
	if len(requests) != 2 || requests[0].Explain || !requests[1].Explain {
		t.Errorf("the engine was asked to explain: %v, %v", requests[0].Explain, requests[1].Explain)
	}
	if res, body := post(
		t,
		client,
		base+"/v1/chat/completions",
		question(),
		"X-Pith-Explain",
		"1",
	); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a request that is sent: %d %s", res.StatusCode, body)
	}
	post(t, client, base+"/v1/chat/completions", question())
	if h := u.last(t).header; h.Get("X-Pith-Explain") != "" {
		t.Error("the header reached the upstream")
	}
}

func TestKeptRequestsAreTheirTenantsOwn(t *testing.T) {
	u := newUpstream(t)
	o, requests := watchedOptions(t, u, 5)
	base, client := start(t, o)
	res, _ := post(t, client, base+"/v1/chat/completions", question(), "Authorization", "Bearer mine")
	id := res.Header.Get("X-Pith-Request-Id")
	hasSeen(t, requests, 1)
	ask := func(key string) (responseHead, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/pith/v1/explain/"+id, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		return do(t, client, req)
	}
	if got, body := ask(
		"mine",
	); got.StatusCode != http.StatusOK || gjson.Get(body, "blocks.0.outcome").Str != "compressed" ||
		gjson.Get(body, "status").Int() != http.StatusOK ||
		gjson.Get(body, "dialect").Str != "chat" {
		t.Errorf("own: %d %s", got.StatusCode, body)
	}
	if got, body := ask("theirs"); got.StatusCode != http.StatusNotFound || strings.Contains(body, "package main") {
		t.Errorf("another's: %d %s", got.StatusCode, body)
	}
	requests.SetKeep(0)
	post(t, client, base+"/v1/chat/completions", question(), "Authorization", "Bearer mine")
	hasSeen(t, requests, 2)
	if got, body := ask("mine"); got.StatusCode != http.StatusNotFound || !strings.Contains(body, "dashboard.keep") {
		t.Errorf("not kept: %d %s", got.StatusCode, body)
	}
	if recent, _ := requests.Recent(5); len(recent) != 2 || recent[0].Kept {
		t.Errorf("the summary of what is not kept: %+v", recent)
	}
}

// Blocks that go out as they came are shown so, with the reason: one that the engine failed on, and
// the same again, which it is not asked about.
func TestLeftBlocksAreExplained(t *testing.T) {
	u := newUpstream(t)
	o, requests := watchedOptions(t, u, 5)
	o.Compressor = proxy.CompressorFunc(func(context.Context, compress.Request) (compress.Result, error) {
		return compress.Result{}, errors.New("no")
	})
	base, client := start(t, o)
	for i, reason := range []string{"error", "frozen"} {
		res, _ := post(t, client, base+"/v1/chat/completions", question())
		hasSeen(t, requests, i+1)
		a, ok := requests.Any(t.Context(), res.Header.Get("X-Pith-Request-Id"))
		if !ok || a.Decision != "bypass" || a.Reason != reason || len(a.Blocks) != 1 {
			t.Fatalf("%s: %v %+v", reason, ok, a)
		}
		if b := a.Blocks[0]; b.Outcome != "left" || b.Reason != reason || b.Sent != "" || b.Original == "" {
			t.Errorf("%s: %+v", reason, b)
		}
	}
}
