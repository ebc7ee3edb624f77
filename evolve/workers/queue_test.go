package workers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pith/evolve/llm"
)

// startRedis runs a real redis-server on loopback until the test ends and returns its URL.
func startRedis(t *testing.T) string {
	t.Helper()
	binary := os.Getenv("PITH_REDIS_SERVER")
	if binary == "" {
		var err error
		if binary, err = exec.LookPath("redis-server"); err != nil {
			binary, _ = filepath.Abs("../../.deps/redis/redis-server")
		}
	}
	for range 5 { // another process may take the port between our look and the server's
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().String()
		l.Close()
		_, port, _ := net.SplitHostPort(addr)
		cmd := exec.Command(binary, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", t.TempDir())
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatalf("no redis-server: run scripts/fetch-redis, or set PITH_REDIS_SERVER to one: %v", err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		for range 2000 {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
				return "redis://" + addr
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	t.Fatal("redis-server did not start in five attempts")
	return ""
}

// toyModel answers every question with what its prompt says, and counts.
type toyModel struct {
	asked atomic.Int64
	// fail, if not nil, is what it answers instead.
	fail error
	// hold, if not nil, is waited for before each answer.
	hold chan struct{}
}

func (m *toyModel) wait(ctx context.Context) error {
	m.asked.Add(1)
	if m.hold != nil {
		select {
		case <-m.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return m.fail
}

func (m *toyModel) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	out := make([]float64, len(queries))
	for i, q := range queries {
		out[i] = -float64(len(q.Prompt)) / 3 // a float that needs all its bits
	}
	return out, m.wait(ctx)
}

func (m *toyModel) Classify(ctx context.Context, choices []llm.Choice) ([][]float64, llm.Usage, error) {
	out := make([][]float64, len(choices))
	for i, c := range choices {
		out[i] = make([]float64, len(c.Options))
	}
	return out, llm.Usage{In: 7 * int64(len(choices)), Out: 1}, m.wait(ctx)
}

func (m *toyModel) Generate(ctx context.Context, requests []llm.TextRequest) ([]string, llm.Usage, error) {
	out := make([]string, len(requests))
	for i, r := range requests {
		out[i] = strings.ToUpper(r.Prompt)
	}
	return out, llm.Usage{Out: 3}, m.wait(ctx)
}

func (m *toyModel) backend(id string) llm.Backend {
	return llm.Backend{ID: id, LM: m, Classifier: m, Generator: m}
}

// serve runs a worker until the test ends, or stop is called.
func serve(t *testing.T, url string, b llm.Backend, concurrency int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- Serve(ctx, Options{URL: url, Backend: b, Concurrency: concurrency, OnReady: func() { close(ready) }})
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("worker: %v", err)
		}
	})
	t.Cleanup(stop)
	<-ready
	return stop
}

func open(t *testing.T, opt QueueOptions) *Queue {
	t.Helper()
	q, err := Open(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := q.Close(); err != nil {
			t.Error(err)
		}
	})
	return q
}

func TestQueueAnswersAsTheModelDoes(t *testing.T) {
	url := startRedis(t)
	m := &toyModel{}
	serve(t, url, m.backend("m"), 4)
	q := open(t, QueueOptions{URL: url, Model: "m"})
	queries := []llm.Query{{Prompt: "a"}, {Prompt: "four", Continuation: " x", Shared: 2}}
	want, _ := m.LogProbs(t.Context(), queries)
	got, err := q.LogProbs(t.Context(), queries)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("LogProbs = %v, %v, want %v to the last bit", got, err, want)
	}
	rows, used, err := q.Classify(t.Context(), []llm.Choice{{Prompt: "p", Options: []string{"a", "b"}}})
	if err != nil || len(rows) != 1 || len(rows[0]) != 2 || used != (llm.Usage{In: 7, Out: 1}) {
		t.Errorf("Classify = %v, %+v, %v", rows, used, err)
	}
	texts, used, err := q.Generate(t.Context(), []llm.TextRequest{{Prompt: "loud"}})
	if err != nil || !slices.Equal(texts, []string{"LOUD"}) || used.Out != 3 {
		t.Errorf("Generate = %q, %+v, %v", texts, used, err)
	}
}

func TestQueueServesManyAtOnce(t *testing.T) {
	url := startRedis(t)
	models := []*toyModel{{}, {}}
	for _, m := range models {
		serve(t, url, m.backend("m"), 2)
	}
	q := open(t, QueueOptions{URL: url, Model: "m"})
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			prompt := fmt.Sprint("prompt ", i)
			texts, _, err := q.Generate(t.Context(), []llm.TextRequest{{Prompt: prompt}})
			if err != nil || texts[0] != strings.ToUpper(prompt) {
				t.Errorf("%s: %q, %v", prompt, texts, err)
			}
		})
	}
	group.Wait()
	if n := models[0].asked.Load() + models[1].asked.Load(); n != 40 {
		t.Errorf("40 questions were asked %d times", n)
	}
}

// A worker that holds a job and never answers costs the patience, not the run.
func TestQueueHandsOutAgain(t *testing.T) {
	url := startRedis(t)
	stuck := &toyModel{hold: make(chan struct{})}
	serve(t, url, stuck.backend("m"), 1)
	q := open(t, QueueOptions{URL: url, Model: "m", Patience: 50 * time.Millisecond})
	answered := make(chan error, 1)
	go func() {
		_, err := q.LogProbs(t.Context(), []llm.Query{{Prompt: "a"}})
		answered <- err
	}()
	for stuck.asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	healthy := &toyModel{}
	serve(t, url, healthy.backend("m"), 1)
	if err := <-answered; err != nil || healthy.asked.Load() == 0 {
		t.Errorf("the second worker was asked %d times: %v", healthy.asked.Load(), err)
	}
	close(stuck.hold)
}

// A run that was killed while a job was under way finds its answer when it asks again.
func TestQueueFindsWhatWasAskedBefore(t *testing.T) {
	url := startRedis(t)
	m := &toyModel{hold: make(chan struct{})}
	serve(t, url, m.backend("m"), 1)
	ctx, cancel := context.WithCancel(t.Context())
	killed := open(t, QueueOptions{URL: url, Model: "m"})
	go func() {
		for m.asked.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	queries := []llm.Query{{Prompt: "a"}}
	if _, err := killed.LogProbs(ctx, queries); !errors.Is(err, context.Canceled) {
		t.Fatalf("LogProbs = %v, want context.Canceled", err)
	}
	close(m.hold)
	if _, err := open(t, QueueOptions{URL: url, Model: "m"}).LogProbs(t.Context(), queries); err != nil {
		t.Error(err)
	}
	if n := m.asked.Load(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestQueueErrors(t *testing.T) {
	url := startRedis(t)
	refusing := &toyModel{fail: fmt.Errorf("no such model: %w", llm.ErrBackend)}
	serve(t, url, refusing.backend("m"), 1)
	_, err := open(t, QueueOptions{URL: url, Model: "m"}).LogProbs(t.Context(), []llm.Query{{Prompt: "a"}})
	if !errors.Is(err, ErrJob) || !strings.Contains(err.Error(), "no such model") || refusing.asked.Load() != 1 {
		t.Errorf("LogProbs = %v after %d tries, want ErrJob in the worker's words after one", err,
			refusing.asked.Load())
	}
	err = Serve(t.Context(), Options{URL: url, Backend: (&toyModel{}).backend("other")})
	if !errors.Is(err, ErrOtherModel) {
		t.Errorf("a worker with another model: %v, want ErrOtherModel", err)
	}
	for _, bad := range []string{"http://user:secret@x", "redis://user:secret@127.0.0.1:1/0"} {
		if _, err := Open(t.Context(), QueueOptions{URL: bad}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) = %v, want an error without the password", bad, err)
		}
	}
}

// Without a worker the run waits, says why once, and goes on when one comes.
func TestQueueSaysWhyItWaits(t *testing.T) {
	url := startRedis(t)
	told := make(chan string, 10)
	q := open(
		t, QueueOptions{URL: url, Model: "m", Patience: 10 * time.Millisecond, OnWait: func(r string) { told <- r }})
	answered := make(chan error, 1)
	go func() {
		_, err := q.LogProbs(t.Context(), []llm.Query{{Prompt: "a"}})
		answered <- err
	}()
	if reason := <-told; !strings.Contains(reason, `no worker serves the model "m"`) {
		t.Errorf("told %q", reason)
	}
	serve(t, url, (&toyModel{}).backend("m"), 1)
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if reason := <-told; reason != "" {
		t.Errorf("told %q, want that it goes on", reason)
	}
}

// A babbler answers one query with two figures.
type babbler struct{ *toyModel }

func (b babbler) LogProbs(ctx context.Context, queries []llm.Query) ([]float64, error) {
	return b.toyModel.LogProbs(ctx, append(queries, queries...))
}

// An answer of another shape than its question is no answer: a row would get another row's figure.
func TestQueueTakesNoAnswerToAnotherJob(t *testing.T) {
	url := startRedis(t)
	serve(t, url, llm.Backend{ID: "m", LM: babbler{&toyModel{}}}, 1)
	_, err := open(t, QueueOptions{URL: url, Model: "m"}).LogProbs(t.Context(), []llm.Query{{Prompt: "a"}})
	if !errors.Is(err, ErrJob) {
		t.Errorf("LogProbs = %v, want ErrJob", err)
	}
}
