package remote_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pith/perplexity"
	"pith/perplexity/remote"
)

var ctx = context.Background()

// texts are of many lengths, with and without what stands before them.
func texts() []perplexity.Sequence {
	long := strings.Repeat("func (s *Server) serve(conn net.Conn) error {\n\treturn s.handle(conn, "+
		"s.limits)\n}\n\n", 40)
	return []perplexity.Sequence{
		{Text: "Where is a connection handled?"},
		{Given: long, Text: "Where is a connection handled?"},
		{Given: long[:700], Text: "Where is a connection handled?", WantGiven: true},
		{Given: strings.Repeat(long, 3), Text: "longer than the model", WantGiven: true},
		{Given: "x", Text: ""},
		{},
		{Text: "x"},
		{Given: "größe := \"漢字\"\n", Text: "naïve 🙂 text"},
		{Text: "Where is a connection handled?"},
	}
}

func local(t *testing.T, seqs []perplexity.Sequence) []perplexity.Losses {
	t.Helper()
	m, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	scored, err := m.Score(t.Context(), seqs)
	if err != nil {
		t.Fatal(err)
	}
	return scored
}

// near holds losses to others; slack is by how many bytes places inside of a character may differ.
func near(t *testing.T, got, want []perplexity.Losses, slack int) {
	t.Helper()
	worst := 0.0
	for i := range want {
		if got[i].Dropped != want[i].Dropped {
			t.Errorf("text %d: %d bytes dropped, want %d", i, got[i].Dropped, want[i].Dropped)
		}
		for name, pair := range map[string][2][]perplexity.Loss{
			"given": {got[i].Given, want[i].Given}, "text": {got[i].Text, want[i].Text},
		} {
			a, b := pair[0], pair[1]
			if len(a) != len(b) {
				t.Errorf("text %d, %s: %d losses, want %d", i, name, len(a), len(b))
				continue
			}
			for k := range a {
				worst = max(worst, math.Abs(a[k].NLL-b[k].NLL))
				if d := a[k].Offset - b[k].Offset; d > slack || d < -slack ||
					!(math.Abs(a[k].NLL-b[k].NLL) <= perplexity.GoldenTolerance) {
					t.Fatalf("text %d, %s, loss %d: %v, want %v", i, name, k, a[k], b[k])
				}
			}
		}
	}
	t.Logf("at most %.2g nats apart", worst)
}

// A server with the embedded model's weights gives the embedded model's losses, in either encoding.
func TestKServeGivesTheModelsLosses(t *testing.T) {
	for name, inBinary := range map[string]bool{"binary tensors": true, "JSON": false} {
		t.Run(name, func(t *testing.T) {
			server := newKServe(t, inBinary)
			s := scorer(t, options(t, server, remote.KServe))
			got, err := s.Score(t.Context(), texts())
			if err != nil {
				t.Fatal(err)
			}
			near(t, got, local(t, texts()), 0)
			if !strings.Contains(s.About(), name) {
				t.Errorf("About is %q, want %s in it", s.About(), name)
			}
			if n := s.Stats(); n.Model.Runs == 0 || n.Model.Scored == 0 || !n.Ready || n.Sent == 0 || n.Received == 0 {
				t.Errorf("figures are %+v", n)
			}
		})
	}
}

// Requests at once are as many as allowed and no more, and the same text is asked about once.
func TestRequestsAreBounded(t *testing.T) {
	server := newKServe(t, true)
	opt := options(t, server, remote.KServe)
	opt.Requests = 3
	s := scorer(t, opt)
	var waiting atomic.Int64
	full := make(chan struct{})
	server.breakBy(func(_ http.ResponseWriter, r *http.Request) bool {
		if waiting.Add(1) == 3 {
			close(full)
		}
		select {
		case <-full:
		case <-r.Context().Done():
		}
		return false
	})
	before := server.requests.Load()
	var seqs []perplexity.Sequence
	for i := range 20 {
		seqs = append(seqs, perplexity.Sequence{Text: strings.Repeat("return x\n", 1+i/2)})
	}
	if _, err := s.Score(t.Context(), seqs); err != nil {
		t.Fatal(err)
	}
	if n := server.requests.Load() - before; n != 10 {
		t.Errorf("%d requests for 10 texts", n)
	}
	if n := server.most.Load(); n != 3 {
		t.Errorf("%d requests at once, want 3", n)
	}
}

// The identity of what a scorer says changes with all that decides it, and with nothing else.
func TestIdentity(t *testing.T) {
	server := newKServe(t, true)
	ids := map[string]string{}
	for name, change := range map[string]func(*remote.Options){
		"as it is": func(*remote.Options) {}, "version": func(o *remote.Options) { o.Version = "2" },
		"model":    func(o *remote.Options) { o.Model = "other" },
		"protocol": func(o *remote.Options) { o.Protocol = remote.OpenAI },
		"weights":  func(o *remote.Options) { g := *o.Golden; g.Model = "other"; o.Golden = &g },
	} {
		opt := options(t, server, remote.KServe)
		change(&opt)
		s, err := remote.New(opt)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		id, device := s.Info()
		if other := ids[id]; other != "" || device != "remote" {
			t.Errorf("%s has the identity of %s, on %s", name, other, device)
		}
		ids[id] = name
	}
	opt := options(t, server, remote.KServe)
	opt.URL, opt.Requests, opt.Timeout, opt.Key = "http://127.0.0.1:1", 7, time.Second, "key"
	s, err := remote.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if id, _ := s.Info(); ids[id] != "as it is" {
		t.Error("the address, or how the server is asked, changes the identity")
	}
}

// What is no scorer is refused with the reason.
func TestRefusals(t *testing.T) {
	server := newKServe(t, true)
	for _, c := range []struct {
		name, want string
		change     func(*remote.Options)
		fault      fault
	}{
		{"no such model", "404", func(o *remote.Options) { o.Model = "absent" }, nil},
		{"other weights", "other weights", func(o *remote.Options) {
			g := *o.Golden
			g.Sequences = append([]perplexity.GoldenSequence{}, g.Sequences...)
			g.Sequences[0].NLL = append([]float64{}, g.Sequences[0].NLL...)
			g.Sequences[0].NLL[3] += 0.002
			o.Golden = &g
		}, nil},
		{"a page", "no KServe answer", nil, func(w http.ResponseWriter, _ *http.Request) bool {
			_, _ = w.Write([]byte("<html>")) // the client is there
			return true
		}},
		{"another graph", "export-triton", nil, func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2" {
				return false
			}
			_, _ = w.Write([]byte(`{"name":"x","inputs":[{"name":"input_ids","datatype":"INT64"}],` +
				`"outputs":[{"name":"logits","datatype":"FP32"}]}`))
			return true
		}},
		{"elsewhere", "302", nil, func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusFound)
			return true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.breakBy(c.fault)
			opt := options(t, server, remote.KServe)
			if c.change != nil {
				c.change(&opt)
			}
			err := refused(t, opt)
			if !errors.Is(err, remote.ErrRefused) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("refused with %v, want %q in it", err, c.want)
			}
		})
	}
}
