//go:build browser

package dashboard_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pith/compress"
	"pith/dashboard"
	"pith/explain"
)

// busy fills a stage with what a day leaves behind, and goes on while the test runs.
func (s *stage) busy(t *testing.T) {
	t.Helper()
	s.parts = []dashboard.Part{
		{Name: "Redis", State: "ok", Detail: "closed; 1,204 calls, 0 failed"},
		{Name: "model", State: "ok", Detail: "pith-code-lm on cpu"},
		{Name: "parse workers", State: "busy", Detail: "2 workers, 1 killed"},
	}
	s.count("pith_tokens_total", 120000, "arm", "treated", "kind", "input", "model", "gpt-4o")
	s.count("pith_tokens_total", 80000, "arm", "treated", "kind", "cache_read", "model", "gpt-4o")
	s.count("pith_answers_total", 41, "arm", "treated", "outcome", "ok")
	s.count("pith_answers_total", 3, "arm", "holdout", "outcome", "ok")
	s.count("pith_cost_total", 1.25, "arm", "treated", "model", "gpt-4o")
	s.count("pith_cost_uncompressed_total", 4.5, "arm", "treated", "model", "gpt-4o")
	s.count("pith_cost_total", .4, "arm", "holdout", "model", "gpt-4o")
	s.count("pith_decisions_total", 9, "dialect", "chat", "decision", "pass", "reason", "no-code")
	s.count("pith_upstream_attempts_total", 44, "upstream", "default", "outcome", "answered")
	ctx, ended := t.Context(), make(chan struct{})
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			s.count("pith_decisions_total", 2, "dialect", "chat", "decision", "compressed", "reason", "")
			s.count("pith_block_tokens_total", float64(9000+n%7*300), "dialect", "chat", "side", "original")
			s.count("pith_block_tokens_total", float64(2000-n%5*100), "dialect", "chat", "side", "compressed")
			s.observe("pith_compress_seconds", .02, 3)
			s.observe("pith_compress_seconds", .5, n%2)
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { <-ended })
}

type pageView struct {
	Wrong   []string
	Text    string
	Detail  string
	Dropped int
	Notes   []string
}

// look has the browser look at a stage. The pictures stay where PICTURES says.
func (s *stage) look(t *testing.T, name string, flags ...string) pageView {
	t.Helper()
	browser, err := filepath.Abs("../.deps/browser")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(browser, "chromium", "chromium")); err != nil {
		t.Fatalf("no browser: run scripts/fetch-browser (%v)", err)
	}
	pictures := os.Getenv("PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	cmd := exec.CommandContext(
		t.Context(),
		"node",
		append(
			[]string{"../e2e/browser/dashboard.mjs", browser, s.OneTimeURL(s.server.URL), name, pictures},
			flags...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":"+filepath.Join(browser, "../node/bin"))
	var errOut strings.Builder
	cmd.Stderr = &errOut
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var saw pageView
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if lines.Text() == "ready" {
			s.server.CloseClientConnections()
			s.server.Close()
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &saw); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, errOut.String())
	}
	for _, wrong := range saw.Wrong {
		t.Errorf("%s: %s", name, wrong)
	}
	return saw
}

func has(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%.3000s", w, text)
		}
	}
}

func TestPageInABrowser(t *testing.T) {
	t.Run("empty", func(t *testing.T) {
		saw := newStage(t, 0).look(t, "empty", "no-requests")
		has(t, saw.Text, "No request yet", "The code of requests is not kept", "dashboard.keep", "Nothing to draw yet")
	})
	t.Run("busy", func(t *testing.T) {
		s := newStage(t, 10)
		s.busy(t)
		for i := range 4 {
			s.request(
				t,
				fmt.Sprintf("%032x", i),
				"dashboard/session.go",
				source(t, "session.go"),
				"When is a one-time key used up?",
			)
		}
		saw := s.look(t, "busy")
		has(t, saw.Text, "Money saved", "3.25", "held out", "pith-code-lm", "upstream default", "no-code", "4 now")
		has(t, saw.Detail, "session.go", "When is a one-time key used up?", "among the best", "no room: ")
		if saw.Dropped < 20 || len(saw.Notes) < 3 {
			t.Errorf("%d lines are shown as dropped, with %d reasons", saw.Dropped, len(saw.Notes))
		}
	})
	t.Run("failing", func(t *testing.T) {
		s := newStage(t, 3)
		s.parts = []dashboard.Part{
			{Name: "Redis", State: "failing", Detail: "open; left alone after 20 failures"},
			{Name: "model", State: "off", Detail: "no ONNX Runtime library was found"},
		}
		s.count("pith_upstream_attempts_total", 31, "upstream", "default", "outcome", "unreached")
		s.count("pith_decisions_total", 12, "dialect", "chat", "decision", "bypass", "reason", "timeout")
		text := source(t, "session.go")
		s.requests.Saw(
			"t",
			explain.Request{
				ID:       strings.Repeat("f", 32),
				Time:     time.Now(),
				Dialect:  "chat",
				Status:   502,
				Decision: "bypass",
				Reason:   "timeout",
			},
			[]explain.Piece{
				{
					Request: compress.Request{
						Query: "Why?",
						Files: []compress.File{{Path: "session.go", Content: text}},
					},
					Reason: "timeout",
				},
			},
		)
		saw := s.look(t, "failing", "gone")
		has(t, saw.Text, "left alone after 20 failures", "unreached 31", "timeout", "502")
		has(t, saw.Detail, "left", "timeout", "It was sent as it came.")
	})
	t.Run("long", func(t *testing.T) {
		s := newStage(t, 100)
		var text strings.Builder
		text.WriteString("package long\n")
		for i := range 900 {
			fmt.Fprintf(
				&text,
				"\n// %s%d reads <b>markup</b> & more.\nfunc %s%d(value int) int {\n"+
					"\tif value > %d {\n\t\treturn value / 2\n\t}\n\treturn value * %d // %s\n}\n",
				strings.Repeat(
					"aVeryLongName",
					4,
				),
				i,
				strings.Repeat("aVeryLongName", 4),
				i,
				i,
				i,
				strings.Repeat("x", 160),
			)
		}
		for i := range 70 {
			s.requests.Saw("t", explain.Request{
				ID: fmt.Sprintf("%032x", i), Time: time.Now(), Dialect: "responses", Model: strings.Repeat("model", 12),
				Client: strings.Repeat("client", 12), Decision: "pass", Reason: "below-minimum", Status: 200,
			}, nil)
		}
		s.request(
			t,
			strings.Repeat("a", 32),
			strings.Repeat("deep/", 40)+"long.go",
			text.String(),
			strings.Repeat("What does aVeryLongName899 return? ", 60),
		)
		saw := s.look(t, "long")
		has(t, saw.Detail, "long.go", "more lines", "<b>markup</b>")
		if saw.Dropped < 1000 {
			t.Errorf("%d lines are shown as dropped", saw.Dropped)
		}
	})
}
