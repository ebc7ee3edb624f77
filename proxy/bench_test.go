package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
	"time"

	"pith/proxy"
)

// BenchmarkPassThrough compares, in one run and request by request in turn, a bare ReverseProxy
// with the proxy when it does not read bodies (off) and when it reads them and finds nothing to
// compress (auto). Metrics: median and 99th percentile of each.
func BenchmarkPassThrough(b *testing.B) {
	for _, kb := range []int{1, 100, 500} {
		b.Run(fmt.Sprintf("%dKB", kb), func(b *testing.B) {
			up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(w, `{"ok": true}`)
			}))
			defer up.Close()
			opts := options(b, &upstream{Server: up})
			bare := httptest.NewServer(&httputil.ReverseProxy{
				Transport: opts.Transport,
				Rewrite:   func(p *httputil.ProxyRequest) { p.SetURL(opts.Upstream) },
			})
			defer bare.Close()
			ours, client := start(b, opts)
			body := userChat(strings.Repeat("Some words of a long question\n", kb<<10/30))
			variants := []struct {
				name, url, mode string
				took            []time.Duration
			}{
				{name: "bare", url: bare.URL},
				{name: "off", url: ours, mode: "off"},
				{name: "auto", url: ours, mode: "auto"},
			}
			for b.Loop() {
				for i := range variants {
					v := &variants[i]
					begin := time.Now()
					send(b, client, v.url+"/v1/chat/completions", body, v.mode)
					v.took = append(v.took, time.Since(begin))
				}
			}
			for _, v := range variants {
				slices.Sort(v.took)
				b.ReportMetric(float64(v.took[len(v.took)/2].Microseconds()), v.name+"-p50-us")
				b.ReportMetric(float64(v.took[len(v.took)*99/100].Microseconds()), v.name+"-p99-us")
			}
		})
	}
}

func send(b *testing.B, client *http.Client, url, body, mode string) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if mode != "" {
		req.Header.Set("X-Pith-Mode", mode)
	}
	res, err := client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
}

// BenchmarkFind measures all that the proxy itself does to a long agent conversation; the engine's
// part is thirds, which costs little.
func BenchmarkFind(b *testing.B) {
	var turns []turn
	turns = append(turns, turn{user: "Why does f007 fail?"})
	for i := range 40 {
		turns = append(
			turns,
			turn{
				say: "Next.",
				calls: []toolCall{
					{
						id:     fmt.Sprint(i),
						name:   "Read",
						args:   fmt.Sprintf(`{"file_path":"f%d.go"}`, i),
						result: numberedSource(300, "→"),
					},
				},
			},
		)
	}
	s, err := proxy.New(options(b, newUpstream(b)))
	if err != nil {
		b.Fatal(err)
	}
	for _, w := range wordings()[:3] {
		b.Run(w.name, func(b *testing.B) {
			body := w.render(turns)
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				req := httptest.NewRequest(http.MethodPost, w.path, strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("X-Pith-Mode", "preview")
				rec := httptest.NewRecorder()
				s.Handler().ServeHTTP(rec, req)
				if rec.Header().Get("X-Pith-Decision") != "compressed" {
					b.Fatal(rec.Header())
				}
			}
		})
	}
}
