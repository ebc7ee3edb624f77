package proxy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// source is Go code of n lines, each different.
func source(n int) string {
	var b strings.Builder
	b.WriteString("package main\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "func f%03d() string { return \"<%d> & more\\t\" }\n", i, i)
	}
	return b.String()
}

// numberedSource is source as a read tool prints it, with mark between number and text.
func numberedSource(n int, mark string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimSuffix(source(n), "\n"), "\n") {
		fmt.Fprintf(&b, "%6d%s%s\n", i+1, mark, line)
	}
	return b.String()
}

// quote is s as a JSON string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func userChat(content string) string {
	return `{"model":"gpt-4o","messages":[{"role":"user","content":` + quote(content) + `}]}`
}

func TestUserBlocksAreFound(t *testing.T) {
	code := source(30)
	tests := []struct {
		name, content string
		want          bool
	}{
		{"fence with language", "Why?\n```go\n" + code + "```\n", true},
		{"fence with path", "Why?\n```src/main.go\n" + code + "```\n", true},
		{"fence with language and path", "Why?\n```go:src/main.go\n" + code + "```\n", true},
		{"tilde fence", "Why?\n~~~go\n" + code + "~~~\nAnd now?", true},
		{"fence without language", "Why?\n```\n" + code + "```\n", true},
		{"longer fence", "Why?\n````go\n" + code + "````\n", true},
		{"crlf", "Why?\r\n```go\r\n" + strings.ReplaceAll(code, "\n", "\r\n") + "```\r\n", true},
		{"file element", "Why?\n<file path=\"main.go\">\n" + code + "</file>", true},
		{"file content element", "<file_content path='main.go'>\n" + code + "</file_content>\nWhy?", true},
		{
			"numbered file content element",
			"<file_content path='main.go'>\n" + numberedSource(30, " | ") + "</file_content>\nWhy?",
			true,
		},
		{
			"document element",
			"<documents>\n<document index=\"1\">\n<source>main.go</source>\n" +
				"<document_content>\n" + code + "</document_content>\n</document>\n</documents>\nWhy?",
			true,
		},
		{"document without source", "<document path=\"main.go\">\n" + code + "</document>\nWhy?", true},
		{"fence in element", "<file path=\"main.go\">\n```go\n" + code + "```\n</file>\nWhy?", true},
		{"open fence", "Why?\n```go\n" + code, false},
		{"fence of other length", "Why?\n````go\n" + code + "```\n", false},
		{"open element", "Why?\n<file path=\"main.go\">\n" + code, false},
		{"indented four", "Why?\n    ```go\n" + code + "    ```\n", false},
		{"no question", "```go\n" + code + "```\n", false},
		{"json by tag", "Why?\n```json\n" + code + "```\n", false},
		{
			"json by content",
			"Why?\n```\n{\"a\": [\n" + strings.Repeat("\"some string in it\",\n", 30) + "1]}\n```\n",
			false,
		},
		{"diff by content", "Why?\n```\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n" + code + "```\n", false},
		{"search and replace block", "Why?\n```go\n<<<<<<< SEARCH\n" + code + "=======\n>>>>>>> REPLACE\n```\n", false},
		{"markdown file", "Why?\n<file path=\"README.md\">\n" + code + "</file>", false},
		{
			"prose in a fence",
			"Why?\n```\n" + strings.Repeat("This is what the customer wrote to us\n", 20) + "```\n",
			false,
		},
		{"cited range", "Why?\n```12:40:src/main.go\n" + code + "```\n", false},
		{"numbered from elsewhere", "Why?\n```go\n" + numberedSource(130, "\t")[52:] + "```\n", false},
		{"range attribute", "Why?\n<file path=\"main.go\" lines=\"1-30\">\n" + code + "</file>", false},
		{"too small", "Why?\n```go\nx := 1\n```\n", false},
		{"bare code", "Why?\n" + code, false},
	}
	u := newUpstream(t)
	url, client := start(t, options(t, u))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := userChat(tt.content)
			res, _ := post(t, client, url+"/v1/chat/completions", body)
			got := string(u.last(t).body)
			if changed := got != body; changed != tt.want {
				t.Fatalf("changed = %v (%s), want %v\n%s", changed, res.Header.Get("X-Pith-Decision"), tt.want, got)
			}
			checkEdited(t, body, got)
		})
	}
}

// checkEdited verifies that got is body with nothing changed but lines left out of strings.
func checkEdited(t testing.TB, body, got string) {
	t.Helper()
	if !json.Valid([]byte(got)) {
		t.Fatalf("not JSON: %s", got)
	}
	wantOutside, want := splitStrings(body)
	gotOutside, have := splitStrings(got)
	if wantOutside != gotOutside || len(want) != len(have) {
		t.Fatalf("changed outside of strings: %s", got)
	}
	for i := range want {
		if want[i] != have[i] {
			checkKept(t, decoded(t, want[i]), decoded(t, have[i]))
		}
	}
}

// splitStrings takes the string literals, quotes included, out of valid JSON.
func splitStrings(body string) (outside string, literals []string) {
	var b strings.Builder
	for i := 0; i < len(body); {
		if body[i] != '"' {
			b.WriteByte(body[i])
			i++
			continue
		}
		end := i + 1
		for body[end] != '"' {
			if body[end] == '\\' {
				end++
			}
			end++
		}
		literals = append(literals, body[i:end+1])
		i = end + 1
	}
	return b.String(), literals
}

func decoded(t testing.TB, literal string) string {
	t.Helper()
	var s string
	if err := json.Unmarshal([]byte(literal), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// checkKept verifies that every line of got is a line of want, in order, or a marker, and that got
// is shorter.
func checkKept(t testing.TB, want, got string) {
	t.Helper()
	lines := strings.Split(want, "\n")
	at := 0
	for line := range strings.SplitSeq(got, "\n") {
		if strings.HasPrefix(line, "// ... lines ") {
			continue
		}
		for at < len(lines) && lines[at] != line {
			at++
		}
		if at == len(lines) {
			t.Fatalf("line %.200q is not in the input, or not in its place", line)
		}
		at++
	}
	if len(got) >= len(want) {
		t.Errorf("%d bytes out of %d", len(got), len(want))
	}
}

// A question keeps its line breaks: what ends one line and begins the next are not one word.
func TestQuestionsKeepTheirLines(t *testing.T) {
	opts := options(t, newUpstream(t))
	engine := &spy{}
	opts.Compressor = engine
	base, client := start(t, opts)
	post(
		t,
		client,
		base+"/v1/chat/completions",
		chatBody(
			[]turn{
				{user: "Why does it fail?"},
				{user: "Look at\nthis file\n```go\n" + source(40) + "```\nand tell"},
				{user: "first\nsecond"},
				{
					calls: []toolCall{{id: "c1", name: "Read", args: `{"file_path":"a.go"}`, result: source(40)}},
				},
			},
		),
	)
	var queries []string
	for _, r := range engine.take() {
		queries = append(queries, r.Query)
	}
	slices.Sort(queries) // blocks are compressed side by side
	if len(queries) != 2 || queries[0] != "Look at\nthis file\nand tell" ||
		!strings.HasPrefix(queries[1], "first\nsecond\n") {
		t.Errorf("asked %q", queries)
	}
}
