package costs_test

import (
	"bytes"
	"io"
	"iter"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pith/bench/costs"
	"pith/compress"
)

// letters counts letters and stands for a tokenizer.
type letters struct{}

func (letters) For(string) compress.Counter { return letters{} }
func (letters) Count(text string) int       { return len(text) }
func (letters) Parts(text string) iter.Seq[string] {
	return func(yield func(string) bool) { yield(text) }
}
func (letters) Encoding() (string, bool) { return "letters", true }

// conversation is one whose code is shown once, in the first turn of 1000 letters; a head of 1100
// stands before it.
func conversation(t *testing.T) costs.Conversation {
	t.Helper()
	dir := t.TempDir()
	code := strings.Repeat("line = 1\n", 100)
	turns := []string{
		`{"role":"user","content":"` + strings.Repeat("w", 96) + `{{whole a.py}}"}`,
		`{"role":"assistant","content":"x"}`,
		`{"role":"user","content":"abcdef"}`, `{"role":"assistant","content":"x"}`,
		`{"role":"user","content":"abcdef"}`,
	}
	body := `{"path":"/v1/messages","list":"messages","body":{"system":"` + strings.Repeat("s", 1100) +
		`","messages":[` + strings.Join(turns, ",") + `]}}`
	for name, text := range map[string]string{"a.py": code, "talk.json": body} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := costs.ReadConversation(filepath.Join(dir, "talk.json"), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// halving stands for the proxy: a first half of the code is left out, another one for each
// question.
func halving(*url.URL) (http.Handler, error) {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		old := strings.Repeat(`line = 1\n`, 50)
		mark := len(r.Header.Get("X-Pith-Query")) % 7
		_, _ = w.Write(bytes.Replace(body, []byte(old), []byte(strings.Repeat("-", mark)), 1))
	}), nil
}

func TestSessionBills(t *testing.T) {
	c := conversation(t)
	if got := c.Requests(); len(got) != 3 || got[0] != 1 || got[2] != 5 {
		t.Fatalf("requests end at turns %v", got)
	}
	rep, err := costs.Session{Handler: halving, Counters: letters{}}.Run(t.Context(), []costs.Conversation{c})
	if err != nil {
		t.Fatal(err)
	}
	forms := rep.Rows[0].Forms
	// The head is 1100, the first turn "user\n", 96 and 899 for the code, an answer "assistant\nx",
	// a question "user\nabcdef".
	const head, first, reply, next = 1100, 5 + 96 + 899, 11, 11
	sent := []int{head + first, head + first + reply + next, head + first + 2*reply + 2*next}
	want := costs.Bill{Tokens: sent[0] + sent[1] + sent[2], Written: sent[2], Read: sent[0] + sent[1]}
	if forms[0].Bill != want {
		t.Errorf("plain: %+v, want %+v", forms[0].Bill, want)
	}
	if want := 1.25*float64(want.Written) + 0.1*float64(want.Read); forms[0].Cost != want {
		t.Errorf("plain costs %v, want %v", forms[0].Cost, want)
	}
	if want.Written -= 450; forms[1].Written != want.Written || forms[1].Cost >= forms[0].Cost {
		t.Errorf("pith: %+v", forms[1])
	}
	// Another form of the first turn in the second request: only the head is read again.
	if forms[2].Read >= forms[1].Read || forms[2].Cost <= forms[1].Cost {
		t.Errorf("rewritten: %+v, pith %+v", forms[2], forms[1])
	}
}

// A cache that is gone by the next message is paid for each time.
func TestSessionPausesEndTheCache(t *testing.T) {
	rep, err := costs.Session{Handler: halving, Counters: letters{}, ThinkTime: 6 * time.Minute}.Run(
		t.Context(), []costs.Conversation{conversation(t)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rep.Rows[0].Forms {
		if f.Read != 0 || f.Written != f.Tokens {
			t.Errorf("%s: %+v", f.Form, f.Bill)
		}
	}
	var text bytes.Buffer
	if err := rep.WriteText(&text); err != nil || strings.Count(text.String(), "\n") != 5 {
		t.Errorf("table (%v):\n%s", err, &text)
	}
}

func TestConversationErrorsNameTheFile(t *testing.T) {
	for name, text := range map[string]string{
		"not JSON":     `{`,
		"no list":      `{"path":"/v1/messages","body":{}}`,
		"no such file": `{"path":"/v1/messages","list":"messages","body":{"messages":["{{whole missing.go}}"]}}`,
		"no such line": `{"path":"/v1/messages","list":"messages","body":{"messages":["{{lines 5-9 talk.json}}"]}}`,
	} {
		file := filepath.Join(t.TempDir(), "talk.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := costs.ReadConversation(file, filepath.Dir(file)); err == nil ||
			!strings.Contains(err.Error(), "talk.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
