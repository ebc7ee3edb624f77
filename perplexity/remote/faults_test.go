package remote_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"pith/perplexity"
	"pith/perplexity/remote"
)

var one = []perplexity.Sequence{{Text: "Where is a connection handled?"}}

// changed answers with what the server says after a change to it.
func changed(change func(body string) string) fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/infer") {
			return false
		}
		good := `{"outputs":[{"name":"losses","datatype":"FP32","shape":[1,8],"data":[1,1,1,1,1,1,1,1]}]}`
		_, _ = w.Write([]byte(change(good)))
		return true
	}
}

// However the server fails, the first call has the failure, and after it nothing is asked.
func TestAFailureIsPaidOnce(t *testing.T) {
	server := newKServe(t, true)
	hang := func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
	for _, c := range []struct {
		name, want string
		fault      fault
	}{
		{"slow", "no answer within", hang},
		{"dead", "EOF", func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }},
		{"busy", "503", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}},
		{"gone", "404", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}},
		{"lying: too few", "wrong answer", changed(func(s string) string { return strings.Replace(s, "1,1,", "", 1) })},
		{"lying: negative", "wrong answer", changed(func(s string) string {
			return strings.ReplaceAll(s, "[1,1",
				"[-1,-1")
		})},
		{"lying: no number", "wrong answer", changed(func(s string) string {
			return strings.ReplaceAll(s,
				"[1,1", `["x",1`)
		})},
		{"lying: another output", "wrong answer", changed(func(s string) string {
			return strings.ReplaceAll(s,
				"losses", "logits")
		})},
		{"lying: no JSON", "wrong answer", changed(func(string) string { return "\x00" })},
		{"lying: a length", "wrong answer", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Inference-Header-Content-Length", "99999")
			_, _ = w.Write([]byte("{}"))
			return true
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server.breakBy(nil)
			opt := options(t, server, remote.KServe)
			if c.name == "slow" {
				opt.Timeout = 100 * time.Millisecond // probes have five seconds at least
			}
			s := scorer(t, opt)
			server.breakBy(c.fault)
			if _, err := s.Score(t.Context(), one); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Score: %v, want %q in it", err, c.want)
			}
			before := server.requests.Load()
			for range 50 {
				if _, err := s.Score(t.Context(), one); !errors.Is(err, remote.ErrResting) {
					t.Fatalf("Score after it: %v", err)
				}
			}
			if n := server.requests.Load() - before; n != 0 {
				t.Errorf("%d requests while the server is left alone", n)
			}
			if n := s.Stats(); n.Failures != 1 || n.Skipped != 50 || n.Ready {
				t.Errorf("figures are %+v", n)
			}
		})
	}
}

// A text that the server does not take is no failure of the server; a caller that leaves is none.
func TestWhatIsNoFailure(t *testing.T) {
	server := newKServe(t, true)
	s := scorer(t, options(t, server, remote.KServe))
	server.breakBy(func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, `{"error":"too long"}`, http.StatusBadRequest)
		return true
	})
	if _, err := s.Score(t.Context(), one); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("a refused text: %v", err)
	}
	here := make(chan struct{}, 1)
	server.breakBy(func(_ http.ResponseWriter, r *http.Request) bool {
		here <- struct{}{}
		<-r.Context().Done()
		return true
	})
	leaving, leave := context.WithCancel(t.Context())
	go func() { <-here; leave() }()
	if _, err := s.Score(leaving, one); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left: %v", err)
	}
	server.breakBy(nil)
	if _, err := s.Score(t.Context(), one); err != nil {
		t.Errorf("after both: %v", err)
	}
	if n := s.Stats(); n.Failures != 0 || n.Refused != 1 {
		t.Errorf("figures are %+v", n)
	}
}

// One call that finds the server dead ends the others that wait for it.
func TestAFailureEndsWhatWaits(t *testing.T) {
	server := newKServe(t, true)
	s := scorer(t, options(t, server, remote.KServe))
	waits := make(chan struct{}, 1)
	server.breakBy(func(_ http.ResponseWriter, r *http.Request) bool {
		waits <- struct{}{}
		<-r.Context().Done()
		return true
	})
	ended := make(chan error)
	go func() {
		_, err := s.Score(context.Background(), one)
		ended <- err
	}()
	<-waits
	server.breakBy(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	if _, err := s.Score(t.Context(), one); err == nil {
		t.Fatal("a dead server answered")
	}
	if err := <-ended; !errors.Is(err, remote.ErrResting) { // its own timeout is a minute
		t.Errorf("the call that waited: %v", err)
	}
}

// A server is asked again when a probe beside the requests has passed, and not while its weights
// are others.
func TestAServerComesBack(t *testing.T) {
	server := newKServe(t, true)
	opt := options(t, server, remote.KServe)
	told := make(chan bool, 100)
	opt.Rest, opt.Changed = 10*time.Millisecond, func(ready bool, _ error) { told <- ready }
	s := scorer(t, opt)
	server.breakBy(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusInternalServerError)
		return true
	})
	if _, err := s.Score(t.Context(), one); err == nil {
		t.Fatal("a broken server answered")
	}
	if ready := <-told; ready {
		t.Error("told that the server is back, want that it is left alone")
	}
	// Now it answers, but with other losses: it stays alone through some probes.
	server.breakBy(func(w http.ResponseWriter, r *http.Request) bool { return lies(server, w, r) })
	for probes := s.Stats().Probes; s.Stats().Probes < probes+3; {
		if _, err := s.Score(t.Context(), one); !errors.Is(err, remote.ErrResting) {
			t.Fatalf("a server with other weights was asked: %v", err)
		}
		time.Sleep(time.Millisecond)
	}
	server.breakBy(nil)
	if ready := <-told; !ready {
		t.Error("told that the server is left alone, want that it is back")
	}
	if _, err := s.Score(t.Context(), one); err != nil {
		t.Errorf("after the probe: %v", err)
	}
}

// lies answers with losses of which the last is some tens of nats.
func lies(s *fakeServer, w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasSuffix(r.URL.Path, "/infer") {
		return false
	}
	rec := httptest.NewRecorder()
	s.honest(rec, r)
	body := rec.Body.Bytes()
	head, _ := strconv.Atoi(rec.Header().Get("Inference-Header-Content-Length"))
	for at := head + 3; at < len(body); at += 4 {
		if body[at] != 0 {
			body[at] = 0x41
		}
	}
	w.Header()["Inference-Header-Content-Length"] = rec.Header()["Inference-Header-Content-Length"]
	_, _ = w.Write(body)
	return true
}

// A server that is not there at the start is found when it comes.
func TestAServerThatComesLater(t *testing.T) {
	server := newKServe(t, true)
	server.breakBy(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	opt := options(t, server, remote.KServe)
	told := make(chan bool, 10)
	opt.Rest, opt.Changed = 10*time.Millisecond, func(ready bool, _ error) { told <- ready }
	s, err := remote.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Start(t.Context()); err == nil || errors.Is(err, remote.ErrRefused) {
		t.Fatalf("Start without a server: %v", err)
	}
	if _, err := s.Score(t.Context(), one); !errors.Is(err, remote.ErrResting) {
		t.Errorf("Score without a server: %v", err)
	}
	server.breakBy(nil)
	<-told
	if _, err := s.Score(t.Context(), one); err != nil {
		t.Error(err)
	}
}
