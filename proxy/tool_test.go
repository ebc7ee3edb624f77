package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

const askWhy = "Why?\n```go\n"

// asking is a call of our tool for a gap of source(90).
func asking(id, args string) toolUse { return toolUse{id, "pith_retrieve", args} }

func reading(id string) toolUse { return toolUse{id, "Read", `{"file_path":"a.go"}`} }

// withTool starts a proxy that offers the tool, before a script.
func withTool(t *testing.T, s *script) (string, *http.Client) {
	t.Helper()
	opts := keeping(t, &upstream{Server: s.Server}, &valueStore{})
	opts.Retrieval.Tool = true
	return start(t, opts)
}

// gapHash is the hash of the first gap of source(90): its first line.
var gapHash = fmt.Sprintf("%014x0000100001", len(source(90)))

func TestToolIsResolvedUnseen(t *testing.T) {
	byHash := `{"hash":"` + gapHash + `"}`
	tests := []struct {
		name   string
		rounds []round
		want   clientView
		// results are what the model is told, in the order of its calls.
		results []string
	}{
		{
			name:   "not called",
			rounds: []round{{thinks: "hm", says: "It is fine."}},
			want:   clientView{thinks: "hm", says: "It is fine.", input: 100, output: 5},
		},
		{
			name: "called once",
			rounds: []round{
				{thinks: "look", calls: []toolUse{asking("ours1", byHash)}},
				{thinks: "hm", says: "It is fine."},
			},
			want:    clientView{thinks: "hm", says: "It is fine.", input: 201, output: 10},
			results: []string{"lines 1-1\npackage main\n"},
		},
		{
			name: "words before, twice, by line and by name",
			rounds: []round{
				{
					says: "Let me look.",
					calls: []toolUse{
						asking("ours1", `{"hash":"`+gapHash+`","lines":"2-2"}`),
						asking("ours2", `{"hash":"`+gapHash+`","symbol":"Pool"}`),
					},
				},
				{calls: []toolUse{asking("ours3", byHash)}},
				{says: "It is fine."},
			},
			want: clientView{says: "Let me look.|It is fine.", input: 303, output: 15},
			results: []string{
				"lines 2-2\n" + strings.Split(source(90), "\n")[1] + "\n",
				"lines 2-3, 40-41\n" + lines(2, 3) + lines(40, 41),
				"lines 1-1\npackage main\n",
			},
		},
		{
			name: "unknown hash, bad arguments",
			rounds: []round{
				{
					calls: []toolUse{
						asking("ours1", `{"hash":"ffffffffffffff0000100001"}`),
						asking("ours2", `{"hash":7}`),
					},
				},
				{says: "It is fine."},
			},
			want: clientView{says: "It is fine.", input: 201, output: 10},
			results: []string{
				"pith_retrieve: no such hash, or its time is over",
				"pith_retrieve: arguments: want JSON with hash, and lines or symbol if wanted",
			},
		},
		{
			name:   "with the client's tool, ours first",
			rounds: []round{{thinks: "both", calls: []toolUse{asking("ours1", byHash), reading("c1"), reading("c2")}}},
			want: clientView{
				thinks: "both",
				calls:  []toolUse{reading("c1"), reading("c2")},
				finish: "tools",
				input:  100,
				output: 5,
			},
		},
		{
			name:   "with the client's tool, ours last",
			rounds: []round{{calls: []toolUse{reading("c1"), asking("ours1", byHash)}}},
			want:   clientView{calls: []toolUse{reading("c1")}, finish: "tools", input: 100, output: 5},
		},
		{
			name: "then the client's tool",
			rounds: []round{
				{calls: []toolUse{asking("ours1", byHash)}},
				{says: "And now.", calls: []toolUse{reading("c1")}},
			},
			want: clientView{
				says: "And now.", calls: []toolUse{reading("c1")}, finish: "tools", input: 201, output: 10,
			},
			results: []string{"lines 1-1\npackage main\n"},
		},
		{
			name:   "cut off by its length while it calls",
			rounds: []round{{says: "So", calls: []toolUse{asking("ours1", byHash)}, finish: "length"}},
			want:   clientView{says: "So", finish: "length", input: 100, output: 5},
		},
	}
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		for _, stream := range []bool{false, true} {
			for _, tt := range tests {
				t.Run(fmt.Sprintf("%s/stream=%v/%s", w.name, stream, tt.name), func(t *testing.T) {
					s := newScript(t, w, tt.rounds...)
					base, client := withTool(t, s)
					_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", stream))
					if strings.Contains(body, "pith_retrieve") || strings.Contains(body, "ours") {
						t.Errorf("the tool shows in %s", body)
					}
					got := w.readWhole(body)
					if stream {
						got = w.readEvents(t, body)
					}
					if want := worded(tt.want, w.name); !reflect.DeepEqual(got, want) {
						t.Errorf("client sees\n%+v, want\n%+v\n%s", got, want, body)
					}
					checkRounds(t, s, tt.rounds, tt.results)
				})
			}
		}
	}
}

func lines(first, last int) string {
	return strings.Join(strings.SplitAfter(source(90), "\n")[first-1:last], "")
}

// worded puts what is wanted into a dialect's words. Only chat puts words of two rounds into one
// text, and has no thoughts.
func worded(s clientView, dialect string) clientView {
	ends := map[string][3]string{
		"chat": {"stop", "tool_calls", "length"}, "messages": {"end_turn", "tool_use", "length"},
		"responses": {"completed", "completed", "length"},
	}[dialect]
	s.finish = map[string]string{"": ends[0], "tools": ends[1], "length": ends[2]}[s.finish]
	glue := ""
	if dialect == "chat" {
		s.thinks, glue = "", "\n\n"
	}
	s.says = strings.ReplaceAll(s.says, "|", glue)
	return s
}

// checkRounds verifies what the upstream got: the same tools each time, the same turns and more,
// and the results.
func checkRounds(t *testing.T, s *script, rounds []round, results []string) {
	t.Helper()
	bodies := s.requests()
	if len(bodies) != len(rounds) {
		t.Fatalf("the upstream was asked %d times, want %d", len(bodies), len(rounds))
	}
	first := gjson.Get(bodies[0], "tools")
	if names := first.Raw; len(first.Array()) != 2 || !strings.Contains(first.Get("1").Raw, `"pith_retrieve"`) ||
		!strings.Contains(names, `"Read"`) {
		t.Errorf("tools: %s", names)
	}
	told := ""
	for i, body := range bodies {
		if got := gjson.Get(body, "tools").Raw; got != first.Raw {
			t.Errorf("round %d has the tools %s", i, got)
		}
		if i > 0 {
			before, after := gjson.Get(bodies[i-1], s.wire.turns).Raw, gjson.Get(body, s.wire.turns).Raw
			if !strings.HasPrefix(after, strings.TrimSuffix(before, "]")+",") {
				t.Errorf("round %d does not go on where the one before ended:\n%s\n%s", i, before, after)
			}
			told += after[len(before)-1:]
			for _, word := range []string{rounds[i-1].thinks, rounds[i-1].says} {
				if s.wire.name != "chat" && !strings.Contains(after, word) {
					t.Errorf("round %d was not told that the model said %q", i, word)
				}
			}
		}
	}
	at := 0
	for _, result := range results {
		n := strings.Index(told[at:], strings.Trim(quote(result), `"`))
		if n < 0 {
			t.Fatalf("the model was not told %q, in this order:\n%s", result, told)
		}
		at += n
	}
}

// A model that asks without end gets an end.
func TestToolRoundsAreBounded(t *testing.T) {
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		for _, stream := range []bool{false, true} {
			s := newScript(t, w, round{calls: []toolUse{asking("ours", `{"hash":"`+gapHash+`"}`)}})
			base, client := withTool(t, s)
			_, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", stream))
			got := w.readWhole(body)
			if stream {
				got = w.readEvents(t, body)
			}
			want := worded(clientView{input: 6*100 + 15, output: 30}, w.name)
			if len(s.requests()) != 6 || !reflect.DeepEqual(got, want) || strings.Contains(body, "pith_retrieve") {
				t.Errorf("%s, stream=%v: %d requests, %+v, want %+v", w.name, stream, len(s.requests()), got, want)
			}
		}
	}
}

// An error of a later round is the client's where nothing has gone out, and cuts the stream where
// something has.
func TestToolRoundFails(t *testing.T) {
	call := round{says: "Let me look.", calls: []toolUse{asking("ours1", `{"hash":"`+gapHash+`"}`)}}
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		s := newScript(t, w, call, round{status: http.StatusTooManyRequests})
		base, client := withTool(t, s)
		res, body := post(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", false))
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "7" ||
			!strings.Contains(body, "slow down") {
			t.Errorf("%s: %d %v %s", w.name, res.StatusCode, res.Header, body)
		}
		for name, second := range map[string]round{
			"error": {status: http.StatusTooManyRequests}, "cut": {says: "It is fine, I believe.", cut: true},
		} {
			s := newScript(t, w, call, second)
			base, client := withTool(t, s)
			body, err := stream(t, client, base+w.path, w.request(askWhy+source(90)+"```\n", true))
			if err == nil || !strings.Contains(body, `"Let m"`) || strings.Contains(body, "ours1") {
				t.Errorf("%s, %s: %v, %s", w.name, name, err, body)
			}
		}
	}
}

// stream reads an answer to its end, whatever that is.
func stream(t *testing.T, client *http.Client, url, body string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return string(got), err
}

// askStreaming asks about code that will be compressed and returns as soon as the answer begins.
// The body is the caller's to close.
func askStreaming(ctx context.Context, t *testing.T, client *http.Client, base string, w wire) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(
		ctx,
		http.MethodPost,
		base+w.path,
		strings.NewReader(w.request(askWhy+source(90)+"```\n", true)),
	)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}
