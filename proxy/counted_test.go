package proxy_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pith/proxy"
)

// An answerer is an upstream that answers every request alike.
type answerer struct {
	contentType, encoding string
	status                int
	body                  []byte
	// step is how many bytes go out with each flush; zero is all at once.
	step int
}

func (a answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", a.contentType)
	if a.encoding != "" {
		w.Header().Set("Content-Encoding", a.encoding)
	}
	if a.status > 0 {
		w.WriteHeader(a.status)
	}
	for left := a.body; len(left) > 0; {
		n := len(left)
		if a.step > 0 {
			n = min(n, a.step)
		}
		_, _ = w.Write(left[:n])
		_ = http.NewResponseController(w).Flush()
		left = left[n:]
	}
}

// A countedServer is a proxy before an upstream of the test's own, with its metrics and its log.
type countedServer struct {
	proxy.Options
	url    string
	client *http.Client
	log    *logBuffer
}

func startCounted(t testing.TB, h http.Handler, adjust func(*proxy.Options)) *countedServer {
	t.Helper()
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	target, err := url.Parse(up.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &countedServer{log: &logBuffer{}}
	c.Options = options(t, &upstream{Server: up})
	c.Upstream = target
	c.Registry = prometheus.NewRegistry()
	c.Logger = slog.New(slog.NewJSONHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if adjust != nil {
		adjust(&c.Options)
	}
	c.url, c.client = start(t, c.Options)
	return c
}

// metric is the sum of a metric's samples whose labels contain all of labels, "name=value" each.
func (c *countedServer) metric(t testing.TB, name string, labels ...string) float64 {
	t.Helper()
	families, err := c.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var have []string
			for _, l := range m.GetLabel() {
				have = append(have, l.GetName()+"="+l.GetValue())
			}
			if containsAll(have, labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return sum
}

func containsAll(have, want []string) bool {
	for _, w := range want {
		if !strings.Contains("\n"+strings.Join(have, "\n")+"\n", "\n"+w+"\n") {
			return false
		}
	}
	return true
}

// eventually waits for what happens after the last byte of an answer, however long that takes: the
// test's own time limit ends it.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for !ok() {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
}
