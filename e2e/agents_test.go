package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"pith/bench/costs"
)

// gap is a marker line of any language inside JSON.
var gap = regexp.MustCompile(`^(?:\\t| )*(?://|#) \.\.\. lines \d+-\d+ omitted`)

var update = flag.Bool("update", false, "rewrite golden files")

// conversations are those that agents of every style had, with the project's own sources as what
// they read.
func conversations(t *testing.T) []costs.Conversation {
	t.Helper()
	files, err := filepath.Glob("testdata/conversations/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no conversations: %v", err)
	}
	var out []costs.Conversation
	for _, file := range files {
		c, err := costs.ReadConversation(file, root)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out
}

// Every style of agent is understood: each request reaches the API as it was but for the files that
// are shown for the first time and whole, each request begins as the one before it did, and which
// file is shortened stands in a golden file.
func TestAgentConversations(t *testing.T) {
	up := newUpstream(t)
	// What is left alone does not depend on the ranker, and words rank fastest.
	p := serve(t, up.URL, "PITH_RANKER=bm25")
	for _, c := range conversations(t) {
		t.Run(c.Name, func(t *testing.T) {
			var before []gjson.Result
			var decisions strings.Builder
			for _, n := range c.Requests() {
				body := string(c.Body(n))
				if res, text := post(t, p.URL+c.Path, body); res.StatusCode != http.StatusOK {
					t.Fatalf("status %d: %.300s", res.StatusCode, text)
				}
				got := up.last(t)
				turns := checkConversation(t, c, body, got)
				for i, turn := range before {
					if turn.Raw != turns[i].Raw {
						t.Fatalf("request of %d turns changed turn %d", n, i)
					}
				}
				for i := len(before); i < n; i++ {
					for _, shown := range c.Items[i].Shown {
						decision := "shortened"
						if strings.Contains(turns[i].Raw, shown.JSON) {
							decision = "whole"
						}
						fmt.Fprintf(&decisions, "turn %d: %s: %s\n", i+1, shown.Name, decision)
					}
				}
				before = turns
			}
			checkGolden(t, "testdata/conversations/"+c.Name+".golden", decisions.String())
		})
	}
}

// checkConversation compares what was sent with what arrived: everything but the code in the turns
// is equal to the byte, and of the code there is nothing but lines of it, in order, and markers. It
// returns the turns that arrived.
func checkConversation(t *testing.T, c costs.Conversation, sent, got string) []gjson.Result {
	t.Helper()
	if !gjson.Valid(got) {
		t.Fatalf("not JSON: %.200s", got)
	}
	was, is := gjson.Get(sent, c.List), gjson.Get(got, c.List)
	if a, b := strings.Replace(sent, was.Raw, "", 1), strings.Replace(got, is.Raw, "", 1); a != b {
		t.Fatalf("outside the turns:\n%s\nwas:\n%s", b, a)
	}
	old, turns := was.Array(), is.Array()
	if len(old) != len(turns) {
		t.Fatalf("%d turns of %d", len(turns), len(old))
	}
	for i, turn := range turns {
		if turn.Raw == old[i].Raw {
			continue
		}
		if len(c.Items[i].Shown) == 0 || c.Items[i].Model {
			t.Errorf("turn %d was changed:\n%.400s", i+1, turn.Raw)
		}
		before, after := leaves(old[i]), leaves(turn)
		if len(before) != len(after) {
			t.Fatalf("turn %d has another shape: %.400s", i+1, turn.Raw)
		}
		for j := range after {
			checkLines(t, before[j], after[j])
		}
	}
	return turns
}

// leaves are the names and values in a JSON value that hold no others, as they stand there.
func leaves(v gjson.Result) []string {
	if !v.IsArray() && !v.IsObject() {
		return []string{strings.Trim(v.Raw, `"`)}
	}
	var out []string
	v.ForEach(func(key, inner gjson.Result) bool {
		out = append(append(out, key.Raw), leaves(inner)...)
		return true
	})
	return out
}

// checkLines holds that got, the inside of a JSON string, is made of lines of was, in order, and of
// markers.
func checkLines(t *testing.T, was, got string) {
	t.Helper()
	lines := strings.Split(was, `\n`)
	next := 0
	for line := range strings.SplitSeq(got, `\n`) {
		if gap.MatchString(line) {
			continue
		}
		for next < len(lines) && lines[next] != line {
			next++
		}
		if next == len(lines) {
			t.Fatalf("line %q is not one of the text's, in order", line)
		}
		next++
	}
}

func checkGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

// Where the provider caches prompts, no other form of a conversation costs as little as Pith's.
func TestPithIsCheapestForEveryConversation(t *testing.T) {
	config := filepath.Join(t.TempDir(), "words.yaml")
	if err := os.WriteFile(config, []byte("compress:\n  ranker: bm25\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, status := pith(t, "", "bench", "session", "--format", "json", "--config", config)
	var report costs.SessionReport
	if err := json.Unmarshal([]byte(out), &report); err != nil || status != 0 {
		t.Fatalf("status %d, %v: %s", status, err, errOut)
	}
	for _, row := range report.Rows {
		if row.Requests < 2 || len(row.Forms) != 3 {
			t.Fatalf("row %+v", row)
		}
		for _, f := range row.Forms {
			if f.Form != costs.FormPith && f.Cost <= row.Forms[1].Cost {
				t.Errorf("%s: %s costs %.0f, pith %.0f", row.Conversation, f.Form, f.Cost, row.Forms[1].Cost)
			}
		}
	}
	if len(report.Rows) != len(conversations(t)) {
		t.Errorf("%d rows", len(report.Rows))
	}
}
