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
		Requests: 4, Compressions: 2, Sizes: []int{1000, 5000}, Rate: 10, Seconds: 1, Streams: 20,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 10 {
		t.Fatalf("%d rows, want 5 kinds of 2 sizes", len(report.Rows))
	}
	want := 0
	for _, row := range report.Rows {
		// Five pairs warm up before those that count.
		want += 5 + row.Pairs
		if row.Bare.P50 <= 0 || row.Pith.P50 <= 0 || row.Bare.P50 > row.Bare.P99 ||
			!strings.HasPrefix(row.Decision, "mode-") {
			t.Errorf("row %+v", row)
		}
	}
	// Two seconds of load at ten requests for each of two kinds, and the streams.
	want += 2*2*10 + 20
	if len(seen) != want {
		t.Errorf("handler saw %d requests, want %d", len(seen), want)
	}
	for _, row := range report.Load {
		if row.Requests != 10 || row.Bare.P50 <= 0 || row.Ratio.P50 <= 0 {
			t.Errorf("load %+v", row)
		}
	}
	if report.Streams.Streams != 20 || report.Streams.Pith <= 0 {
		t.Errorf("streams %+v", report.Streams)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != 18 {
		t.Errorf("tables have not 10 rows, 2 loads and a line on streams (%v):\n%s", err, &text)
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
