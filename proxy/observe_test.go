package proxy_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"pith/accounting"
	"pith/compress"
	"pith/proxy"
)

// A request has one id: in the header that the client gets, in the log, and in the trace that the
// upstream is told, the client's own where it brings one.
func TestRequestsHaveIDs(t *testing.T) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	for _, traced := range []bool{false, true} {
		for _, parent := range []string{"", "00-" + trace + "-b7ad6b7169203331-01", "garbage"} {
			var sent http.Header
			c := startCounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent = r.Header.Clone()
				answerer{contentType: plainJSON, body: []byte(`{}`)}.ServeHTTP(w, r)
			}), func(o *proxy.Options) {
				if traced {
					spansOf(t, o)
				}
			})
			header := []string{}
			if parent != "" {
				header = []string{"Traceparent", parent}
			}
			a, _ := post(t, c.client, c.url+"/v1/chat/completions", askedCode(), header...)
			id := a.Header.Get("X-Pith-Request-Id")
			if !regexp.MustCompile(`^[0-9a-f]{32}$`).MatchString(id) || strings.Contains(parent, trace) && id != trace {
				t.Errorf("traced %t, under %q: id %q", traced, parent, id)
			}
			eventually(t, func() bool { return strings.Contains(c.log.String(), `"id":"`+id+`"`) })
			if told := sent.Get("Traceparent"); traced && !strings.Contains(told, id) || !traced && told != parent {
				t.Errorf("traced %t, under %q: the upstream is told %q", traced, parent, told)
			}
		}
	}
}

// The log names a model only as the price table does, and health probes only to those who debug.
func TestLogNamesModelsOfTheTable(t *testing.T) {
	c := startCounted(t, answerer{contentType: plainJSON, body: []byte(`{}`)}, func(o *proxy.Options) {
		o.Accounting.Prices = []accounting.Price{{Model: "gpt-4*"}}
	})
	post(t, c.client, c.url+"/v1/chat/completions", `{"model":"gpt-4o","messages":[]}`)
	post(t, c.client, c.url+"/v1/chat/completions", `{"model":"my secret","messages":[]}`)
	get(t, c.client, c.url+"/healthz")
	get(t, c.client, c.url+"/readyz")
	eventually(t, func() bool { return strings.Count(c.log.String(), `"msg":"request"`) == 4 })
	log := c.log.String()
	if !strings.Contains(log, `"model":"gpt-4*"`) || !strings.Contains(log, `"model":"other"`) ||
		strings.Contains(log, "my secret") {
		t.Errorf("models in the log: %s", log)
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, `"msg":"request"`) && strings.Contains(line, `z","status"`) != strings.Contains(
			line, `"level":"DEBUG"`) {
			t.Errorf("level of %s", line)
		}
	}
}

// Whatever makes a result less than was asked for shows in the header, in the log and in a metric,
// by the same word.
func TestLessThanAskedForShows(t *testing.T) {
	failing := func(err error) proxy.CompressorFunc {
		return func(context.Context, compress.Request) (compress.Result, error) { return compress.Result{}, err }
	}
	changed := func(change func(*compress.Result)) proxy.CompressorFunc {
		return func(ctx context.Context, req compress.Request) (compress.Result, error) {
			res, err := thirds(ctx, req)
			change(&res)
			return res, err
		}
	}
	for reason, compressor := range map[string]proxy.CompressorFunc{
		"timeout":           failing(context.DeadlineExceeded),
		"error":             failing(http.ErrBodyNotAllowed),
		"budget":            failing(compress.ErrBudget),
		"ranking-cut-short": changed(func(r *compress.Result) { r.Cut = true }),
		"ranked-by-words":   changed(func(r *compress.Result) { r.Ranker, r.RankerReason = "words", "no model" }),
		"cut-by-lines": changed(func(r *compress.Result) {
			r.Files[0].Language, r.Files[0].Fallback = "ruby", "parse process died"
		}),
		"coverage-bounded": changed(func(r *compress.Result) { r.Capped = true }),
		"mostly-markers":   changed(func(r *compress.Result) { r.Budget, r.LineTokens = 1000, 10 }),
		"no-gain": func(ctx context.Context, req compress.Request) (compress.Result, error) {
			return compress.Result{Files: []compress.FileResult{{Text: req.Files[0].Content}}}, nil
		},
		"panic": func(context.Context, compress.Request) (compress.Result, error) { panic("x") },
	} {
		file := `{"path":"a.go","content":` + quote(source(80)) + `}`
		for path, body := range map[string]string{
			"/v1/chat/completions": askedCode(),
			"/v1/compress":         askedCode(),
			"/pith/v1/compress":    `{"files":[` + file + `],"query":"Why?","rate":0.5}`,
		} {
			if reason == "mostly-markers" && path != "/pith/v1/compress" { // there such a result is not used
				continue
			}
			c := startCounted(t, answerer{contentType: plainJSON, body: []byte(`{}`)},
				func(o *proxy.Options) { o.Compressor = compressor })
			a, _ := post(t, c.client, c.url+path, body)
			if got := a.Header.Get("X-Pith-Decision"); !strings.HasSuffix(got, "reason="+reason) {
				t.Errorf("%s, %s: the header says %q", path, reason, got)
			}
			eventually(t, func() bool { return strings.Contains(c.log.String(), `"reason":"`+reason+`"`) })
			eventually(t, func() bool { return c.metric(t, "pith_decisions_total", "reason="+reason) == 1 })
		}
	}
}
