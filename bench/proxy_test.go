package bench_test

import (
	"bytes"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"pith/bench"
)

func TestProxy(t *testing.T) {
	seen := make(chan string, 1000)
	report, err := bench.Proxy{
		Handler: func(upstream *url.URL) (http.Handler, error) {
			next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.Header.Get("X-Pith-Mode")
				w.Header().Set("X-Pith-Decision", "mode-"+r.Header.Get("X-Pith-Mode"))
				next.ServeHTTP(w, r)
			}), nil
		},
		Requests: 4, Compressions: 2, Sizes: []int{1000, 5000},
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 8 {
		t.Fatalf("%d rows, want 4 kinds of 2 sizes", len(report.Rows))
	}
	want := 0
	for _, row := range report.Rows {
		// Five pairs warm up before those that count.
		want += 5 + row.Pairs
		if row.Bare.P50 <= 0 || row.Pith.P50 <= 0 || row.Bare.P50 > row.Bare.P99 || !strings.HasPrefix(row.Decision, "mode-") {
			t.Errorf("row %+v", row)
		}
	}
	if len(seen) != want {
		t.Errorf("handler saw %d requests, want %d", len(seen), want)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != 10 {
		t.Errorf("table has not 8 rows and 2 headings (%v):\n%s", err, &text)
	}
}

func TestProxyReportsARefusal(t *testing.T) {
	_, err := bench.Proxy{
		Handler: func(*url.URL) (http.Handler, error) { return http.NotFoundHandler(), nil },
	}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("Run = %v, want the refused status", err)
	}
}
