package proxy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// fuzzDialect checks, for any body on one dialect's path: what is not JSON passes untouched; what is stays JSON and equal outside of
// lines left out of strings; the same body gives the same bytes.
func fuzzDialect(f *testing.F, w wording) {
	for seed := range uint64(4) {
		f.Add(w.render(conversationOf(rand.New(rand.NewPCG(seed, 9)), 4)))
	}
	for _, body := range []string{
		`{}`, `[]`, `"x"`, `null`, ` {"messages" : [ null , [] , {"role":"user"} ] } `, `{"messages":{"role":"user"},"input":[[]]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"\ud800"}]}],"messages":[]}`, `{"input":"` + "```\\u000a" + `"}`,
		`{"messages":[{"role":"tool","tool_call_id":7,"content":{"a":1e999}}]}`, `{"messages":[`, "\ufeff{}",
	} {
		f.Add(body)
	}
	u := newUpstream(f)
	opts := options(f, u)
	opts.Compression.MinBytes = 1
	base, client := start(f, opts)
	f.Fuzz(func(t *testing.T, body string) {
		sent := make([]string, 2)
		for i := range sent {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+w.path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			res, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			sent[i] = string(u.last(t).body)
			u.forget()
		}
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
	fuzzDialect(f, wording{"completions", "/v1/completions", completionBody})
}

// completionBody is a completion whose code grows with the turns.
func completionBody(turns []turn) string {
	return fmt.Sprintf(`{"model":"m","prompt":%s,"suffix":%s}`, quote(source(50*len(turns))), quote(source(40*len(turns))))
}

// FuzzUserText drives the finders of blocks with text rather than JSON.
func FuzzUserText(f *testing.F) {
	for _, text := range []string{
		"Why?\n```go\n" + source(20) + "```\n", "<file path=\"a.go\">\n" + source(20) + "</file>\nWhy?",
		"Why?\n<document>\n<source>a.py</source>\n<document_content>\n" + numberedSource(20, "\t") + "</document_content>\n</document>",
		"Why?\n~~~\n" + source(9) + "~~~\n```\n" + source(9) + "````\r\n", strings.Repeat("```a\n", 300), strings.Repeat("<file>\n", 300),
	} {
		f.Add(text)
	}
	u := newUpstream(f)
	opts := options(f, u)
	opts.Compression.MinBytes = 1
	base, client := start(f, opts)
	f.Fuzz(func(t *testing.T, text string) {
		body := userChat(text)
		post(t, client, base+"/v1/chat/completions", body)
		got := string(u.last(t).body)
		u.forget()
		if got != body {
			checkEdited(t, body, got)
		}
	})
}
