package proxy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// A speaker is an API that sends the first half of its answer, waits until it may go on, and sends
// the rest.
type speaker struct {
	*upstream
	events bool
	goOn   chan struct{}
}

// answer is what a speaker says: JSON of a known length, or events that end in [DONE].
func (s *speaker) answer() string {
	var b strings.Builder
	if !s.events {
		fmt.Fprintf(&b, `{"choices":[{"message":{"role":"assistant","content":%s}}]}`, quote(source(200)))
		return b.String()
	}
	for i := range 100 {
		fmt.Fprintf(
			&b,
			`data: {"choices":[{"delta":{"content":%s}}]}`+"\n\n",
			quote(fmt.Sprintf("%d %s", i, strings.Repeat("é<", 20))),
		)
	}
	return b.String() + "data: [DONE]\n\n"
}

func (s *speaker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.got = append(s.got, record{body: body})
	s.mu.Unlock()
	text := s.answer()
	w.Header().Set("Content-Type", "application/json")
	if s.events {
		w.Header().Set("Content-Type", "text/event-stream")
	} else {
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	}
	_, _ = io.WriteString(w, text[:len(text)/2])
	_ = http.NewResponseController(w).Flush()
	select {
	case <-s.goOn:
		_, _ = io.WriteString(w, text[len(text)/2:])
	case <-r.Context().Done():
	}
}

// behind starts s and a proxy in front of it whose network can be made to fail.
func (s *speaker) behind(t *testing.T) *toxiproxy.Proxy {
	t.Helper()
	back := httptest.NewServer(s)
	t.Cleanup(back.Close)
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	p := toxiproxy.NewProxy(api, t.Name(), "127.0.0.1:0", strings.TrimPrefix(back.URL, "http://"))
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Toxics.ResetToxics(context.Background()) // a toxic would outlive the proxy's connections
		p.Stop()
	})
	return p
}

// What a client gets of an upstream whose network fails.
const (
	whole   = iota // every byte
	cut            // a beginning and an error
	refused        // an error of the proxy's own
)

// faults are what a network does, from the start or after the first bytes of an answer.
var faults = []struct {
	name, toxic string
	midway      bool
	want        int
}{
	{"none", "", false, whole},
	{"latency", `{"type":"latency","attributes":{"latency":60,"jitter":20}}`, false, whole},
	{"latency to the upstream", `{"type":"latency","stream":"upstream","attributes":{"latency":60}}`, false, whole},
	{"slow", `{"type":"bandwidth","attributes":{"rate":100}}`, false, whole},
	{"slow to the upstream", `{"type":"bandwidth","stream":"upstream","attributes":{"rate":50}}`, false, whole},
	{"crumbs", `{"type":"slicer","attributes":{"average_size":100,"size_variation":90,"delay":50}}`, false, whole},
	{"slow close", `{"type":"slow_close","attributes":{"delay":60}}`, false, whole},
	{"latency in the middle", `{"type":"latency","attributes":{"latency":60}}`, true, whole},
	{"reset", `{"type":"reset_peer","attributes":{"timeout":0}}`, false, refused},
	{"reset in the middle", `{"type":"reset_peer","attributes":{"timeout":0}}`, true, cut},
	{"black hole that closes", `{"type":"timeout","attributes":{"timeout":60}}`, false, refused},
	{"black hole that closes, in the middle", `{"type":"timeout","attributes":{"timeout":60}}`, true, cut},
	{"closed in the head", `{"type":"limit_data","attributes":{"bytes":40}}`, false, refused},
	{"half an answer", `{"type":"limit_data","attributes":{"bytes":3000}}`, false, cut},
	{"closed in the middle", `{"type":"limit_data","attributes":{"bytes":0}}`, true, cut},
	{"request cut", `{"type":"limit_data","stream":"upstream","attributes":{"bytes":300}}`, false, refused},
}

// Whatever the network does to the upstream, a client gets the answer as it was, or sees that it
// did not: a status of 502, or a stream that breaks off. What the upstream gets is the same
// compressed request each time, or nothing.
func TestUpstreamNetworkFaults(t *testing.T) {
	want := ""
	for _, fault := range faults {
		for _, events := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/events=%t", fault.name, events), func(t *testing.T) {
				s := &speaker{upstream: &upstream{}, events: events, goOn: make(chan struct{})}
				p := s.behind(t)
				got, err := throughFault(t, s, p, fault.toxic, fault.midway)
				switch {
				case fault.want == refused && (err != nil || !strings.Contains(got, `"type":"upstream_error"`)):
					t.Errorf("got %.200q, %v, want an error in the dialect's words", got, err)
				case fault.want == cut && (err == nil || got == s.answer() || !strings.HasPrefix(s.answer(), got)):
					t.Errorf("got %d bytes of %d, %v, want a beginning and an error", len(got), len(s.answer()), err)
				case fault.want == whole && (err != nil || got != s.answer()):
					t.Errorf("got %d bytes of %d, %v, want them all", len(got), len(s.answer()), err)
				}
				if fault.name == "request cut" {
					return // the speaker may have seen a part
				}
				sent := string(s.last(t).body)
				if want == "" && strings.Contains(sent, "omitted") {
					want = sent
				}
				if sent != want || s.count() != 1 {
					t.Errorf("the upstream was asked %d times, last for %.200q", s.count(), sent)
				}
			})
		}
	}
}

// throughFault asks s through a proxy and a network with a toxic, and returns the answer's body as
// far as it came.
func throughFault(t *testing.T, s *speaker, p *toxiproxy.Proxy, toxic string, midway bool) (string, error) {
	t.Helper()
	poison := func() {
		if toxic == "" {
			return
		}
		if _, err := p.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
			t.Fatal(err)
		}
	}
	opts := options(t, s.upstreamAt("http://"+p.Listen))
	base, client := start(t, opts)
	if !midway {
		poison()
		close(s.goOn)
	}
	res, err := client.Do(questionTo(t, base))
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	first := make([]byte, 1)
	if _, err := io.ReadFull(res.Body, first); err != nil {
		return "", err
	}
	if midway {
		poison()
		close(s.goOn)
	}
	rest, err := io.ReadAll(res.Body)
	got := string(first) + string(rest)
	if res.StatusCode != http.StatusOK && (res.StatusCode != http.StatusBadGateway || !json.Valid([]byte(got))) {
		t.Errorf("status %d with %.200q", res.StatusCode, got)
	}
	return got, err
}

// questionTo is a request that asks question.
func questionTo(t *testing.T, base string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(
		t.Context(),
		http.MethodPost,
		base+"/v1/chat/completions",
		strings.NewReader(question()),
	)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	return req
}

// A black hole that never closes ends when the client gives up, for the upstream too.
func TestBlackHoleEndsWithItsClient(t *testing.T) {
	s := &speaker{upstream: &upstream{}, goOn: make(chan struct{})}
	p := s.behind(t)
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(`{"type":"timeout","attributes":{"timeout":0}}`)); err != nil {
		t.Fatal(err)
	}
	base, client := start(t, options(t, s.upstreamAt("http://"+p.Listen)))
	client.Timeout = 200 * time.Millisecond
	if res, err := client.Do(questionTo(t, base)); err == nil {
		res.Body.Close()
		t.Fatalf("status %d out of a black hole", res.StatusCode)
	}
	client.Timeout = 20 * time.Second
	if res, _ := get(t, client, base+"/healthz"); res.StatusCode != http.StatusOK {
		t.Errorf("healthz = %d beside a black hole", res.StatusCode)
	}
}

// upstreamAt is s as options want it, reached at another address.
func (s *speaker) upstreamAt(address string) *upstream {
	s.Server = &httptest.Server{URL: address}
	return s.upstream
}
