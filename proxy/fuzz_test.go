package proxy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pith/proxy"
)

// fuzzDialect checks, for any body on one dialect's path: what is not JSON passes untouched; what
// is stays JSON and equal outside of lines left out of strings; the same body gives the same bytes.
func fuzzDialect(f *testing.F, w wordingCase) {
	for seed := range uint64(4) {
		f.Add(w.render(conversationOf(rand.New(rand.NewPCG(seed, 9)), 3)))
	}
	for _, body := range []string{
		`{}`, `[]`, `"x"`, `null`, ` {"messages" : [ null , [] , {"role":"user"} ] }` +
			` `, `{"messages":{"role":"user"},"input":[[]]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"\ud800"}]}],"messages":[]}`,
		`{"input":"` + "```\\u000a" + `"}`,
		`{"messages":[{"role":"tool","tool_call_id":7,"content":{"a":1e999}}]}`, `{"messages":[`, "\ufeff{}",
	} {
		f.Add(body)
	}
	preview := previewer(f)
	f.Fuzz(func(t *testing.T, body string) {
		if body == "" {
			return // no body, no dialect
		}
		sent := [2]string{preview(w.path, body), preview(w.path, body)}
		if sent[0] != sent[1] {
			t.Errorf("two forms of one body:\n%s\n%s", sent[0], sent[1])
		}
		if sent[0] == body {
			return
		}
		if !json.Valid([]byte(body)) {
			t.Fatalf("what is not JSON was changed: %q", body)
		}
		checkEdited(t, body, sent[0])
	})
}

func FuzzChat(f *testing.F)      { fuzzDialect(f, wordings()[0]) }
func FuzzResponses(f *testing.F) { fuzzDialect(f, wordings()[1]) }
func FuzzMessages(f *testing.F)  { fuzzDialect(f, wordings()[2]) }
func FuzzCompletions(f *testing.F) {
	fuzzDialect(f, wordingCase{"completions", "/v1/completions", completionBody})
}

// completionBody is a completion whose code grows with the turns.
func completionBody(turns []turn) string {
	return fmt.Sprintf(
		`{"model":"m","prompt":%s,"suffix":%s}`,
		quote(source(50*len(turns))),
		quote(source(40*len(turns))),
	)
}

// FuzzUserText drives the finders of blocks with text rather than JSON.
func FuzzUserText(f *testing.F) {
	for _, text := range []string{
		"Why?\n```go\n" + source(20) + "```\n", "<file path=\"a.go\">\n" + source(20) + "</file>\nWhy?",
		"Why?\n<document>\n<source>a.py</source>\n<document_content>\n" + numberedSource(20, "\t") +
			"</document_content>\n</document>",
		"Why?\n~~~\n" + source(9) + "~~~\n```\n" + source(9) + "````\r\n",
		strings.Repeat("```a\n", 300), strings.Repeat("<file>\n", 300),
	} {
		f.Add(text)
	}
	preview := previewer(f)
	f.Fuzz(func(t *testing.T, text string) {
		body := userChat(text)
		if got := preview("/v1/chat/completions", body); got != body {
			checkEdited(t, body, got)
		}
	})
}

// previewer returns a function that says what would be sent for a body. It asks the handler without
// a socket between, for speed.
func previewer(f *testing.F) func(path, body string) string {
	opts := options(f, newUpstream(f))
	opts.Compression.MinBytes = 1
	s, err := proxy.New(opts)
	if err != nil {
		f.Fatal(err)
	}
	return func(path, body string) string {
		req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Pith-Mode", "preview")
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, req)
		if rec.Code != http.StatusOK {
			f.Fatalf("preview: %d %s", rec.Code, rec.Body)
		}
		return rec.Body.String()
	}
}
