package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// The question is about one function of net/http, whose file is the context. The function's name is
// not in it.
const (
	question = "When a redirect leads to another domain, in which cases are sensitive headers such as " +
		"Authorization still copied?"
	needed     = "func shouldCopyHeaderOnRedirect("
	sourceFile = "net/http/client.go"
)

// source returns a file of the Go standard library, which stands on every machine that can build
// this.
func source(t *testing.T, path string) string {
	t.Helper()
	goroot, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(goroot)), "src", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// prompt is a user message with the file fenced, as chat interfaces send it.
func prompt(t *testing.T) string {
	return fmt.Sprintf("Here is the file.\n\n```go %s\n%s```\n\n%s", sourceFile, source(t, sourceFile), question)
}

var marker = regexp.MustCompile(`^\s*// \.\.\. lines \d+-\d+ omitted$`)

// checkCompressed holds what reached the upstream against what the client sent: smaller, the needed
// function inside, each line of the fence a marker or a verbatim line in order, and everything
// outside the fence equal to the byte.
func checkCompressed(t *testing.T, sent, got string) {
	t.Helper()
	if len(got) >= len(sent)*2/3 {
		t.Errorf("upstream got %d bytes of %d: hardly smaller", len(got), len(sent))
	}
	if !gjson.Valid(got) {
		t.Fatalf("upstream got invalid JSON: %.200s", got)
	}
	was, is := gjson.Get(sent, "messages.@reverse.0.content"), gjson.Get(got, "messages.@reverse.0.content")
	if a, b := outside(t, sent, was), outside(t, got, is); a != b {
		t.Errorf("outside the message the body changed:\n%s\n%s", a, b)
	}
	before, code, after := fence(t, was.String())
	before2, kept, after2 := fence(t, is.String())
	if before != before2 || after != after2 {
		t.Errorf("the user's words changed: %q %q, were %q %q", before2, after2, before, after)
	}
	if !strings.Contains(kept, needed) {
		t.Errorf("%s is missing from what was sent:\n%s", needed, kept)
	}
	lines := strings.Split(code, "\n")
	next := 0
	for line := range strings.SplitSeq(kept, "\n") {
		if marker.MatchString(line) {
			continue
		}
		for next < len(lines) && lines[next] != line {
			next++
		}
		if next == len(lines) {
			t.Fatalf("line %q is not one of the file's, in order", line)
		}
		next++
	}
}

// outside is body without the raw text of its last message's content.
func outside(t *testing.T, body string, content gjson.Result) string {
	t.Helper()
	before, after, ok := strings.Cut(body, content.Raw)
	if !ok || content.Raw == "" {
		t.Fatalf("no content in %.200s", body)
	}
	return before + "\x00" + after
}

func fence(t *testing.T, text string) (before, code, after string) {
	t.Helper()
	start := strings.Index(text, "```go")
	end := strings.LastIndex(text, "```")
	if start < 0 || end <= start {
		t.Fatalf("no fence in %.200s", text)
	}
	start += strings.IndexByte(text[start:], '\n') + 1
	return text[:start], text[start:end], text[end:]
}
