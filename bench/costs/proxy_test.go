package costs_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pith/bench/costs"
)

func TestProxy(t *testing.T) {
	seen := make(chan string, 1000)
	looked := 0
	report, err := costs.Proxy{
		Handler: func(upstream *url.URL) (http.Handler, error) {
			next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.Header.Get("X-Pith-Mode")
				w.Header().Set("X-Pith-Decision", "mode-"+r.Header.Get("X-Pith-Mode"))
				next.ServeHTTP(w, r)
			}), nil
		},
		Requests: 4, Compressions: 2, Sizes: []int{1000, 5000}, Rate: 10, Seconds: 1, Streams: 20,
		Watch: func(ctx context.Context) error {
			looked++
			<-ctx.Done()
			return ctx.Err()
		},
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Rows) != 12 {
		t.Fatalf("%d rows, want 6 kinds of 2 sizes", len(report.Rows))
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
	// Two seconds of load at ten requests for each of two kinds, with and without a dashboard, and
	// the streams.
	want += 2*2*2*10 + 20
	if len(seen) != want {
		t.Errorf("handler saw %d requests, want %d", len(seen), want)
	}
	if looked != 2 {
		t.Errorf("the dashboard was open for %d rows", looked)
	}
	for i, row := range report.Load {
		if i%2 == 1 != strings.HasSuffix(row.Kind, "dashboard open") ||
			row.Requests != 10 || row.Bare.P50 <= 0 || row.Ratio.P50 <= 0 {
			t.Errorf("load %+v", row)
		}
	}
	if report.Streams.Streams != 20 || report.Streams.Pith <= 0 {
		t.Errorf("streams %+v", report.Streams)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != 22 {
		t.Errorf("tables have not 12 rows, 4 loads and a line on streams (%v):\n%s", err, &text)
	}
}

// The load comes at five times the rate that was found possible, and each request of it is counted
// under what was decided.
func TestProxyOverload(t *testing.T) {
	var code, other atomic.Int64
	report, err := costs.Proxy{
		Handler: func(*url.URL) (http.Handler, error) {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if !bytes.Contains(body, []byte("package store")) {
					other.Add(1)
					return
				}
				if code.Add(1)%2 == 0 {
					w.Header().Set("X-Pith-Decision", "bypass; left=1; reason=busy")
					return
				}
				w.Header().Set("X-Pith-Decision", "compressed")
				time.Sleep(10 * time.Millisecond)
			}), nil
		},
		Seconds: 1, Overload: true,
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := report.Overload
	if o == nil || len(report.Rows) > 0 || o.Capacity <= 0 || o.Rate != 5*o.Capacity ||
		o.Unloaded.P50 <= 0 || o.Ratio.P99 <= 0 {
		t.Fatalf("overload %+v of %+v", o, report)
	}
	counted := map[string]int{}
	for _, out := range o.Outcomes {
		counted[out.Decision] = out.Requests
	}
	// Ten requests told what can be done, and count for nothing.
	n := counted["compressed"] + counted["bypass; reason=busy"]
	if n == 0 || n != int(code.Load())-10 || other.Load() != 100 {
		t.Errorf("%d with code and %d without were seen, counted %v", code.Load(), other.Load(), counted)
	}
	var text bytes.Buffer
	if err := report.WriteText(&text); err != nil || !strings.Contains(text.String(), "bypass; reason=busy") {
		t.Errorf("no outcomes (%v) in:\n%s", err, &text)
	}
}

func TestProxyReportsARefusal(t *testing.T) {
	_, err := costs.Proxy{
		Handler: func(*url.URL) (http.Handler, error) { return http.NotFoundHandler(), nil },
	}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("Run = %v, want the refused status", err)
	}
}
