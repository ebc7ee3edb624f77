package dialects_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pith/dialects"
)

// code is Go of n functions.
func code(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "func f%03d() int { return %d }\n", i, i)
	}
	return b.String()
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings do not fail
	}
	return string(b)
}

// plan reads a body as the dialect of path words it, and plans it.
func plan(t *testing.T, path, body string, rules dialects.Rules) dialects.Plan {
	t.Helper()
	c, err := dialects.Of(path).Read(nil, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Plan(rules)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What an assistant said before an earlier turn of the user's is no part of what a later call was
// for.
func TestAnnouncementEndsWithTheUsersTurn(t *testing.T) {
	body := `{"messages":[
		{"role":"user","content":"How are keys made?"},
		{"role":"assistant","content":"I look at the wheels first."},
		{"role":"user","content":"Where is the lock?"},
		{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function",
			"function":{"name":"Read","arguments":"{\"path\":\"lock.go\"}"}}]},
		{"role":"tool","tool_call_id":"1","content":` + quote(code(40)) + `}]}`
	p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
	if len(p.Blocks) != 1 {
		t.Fatalf("%d blocks", len(p.Blocks))
	}
	query := p.Blocks[0].Request.Query
	if !strings.Contains(query, "Where is the lock?") || !strings.Contains(query, "lock.go") {
		t.Errorf("the question is %q", query)
	}
	if strings.Contains(query, "wheels") {
		t.Errorf("an announcement of an earlier turn is part of the question %q", query)
	}
}

// An announcement that comes with a call says what the call is for.
func TestAnnouncementIsPartOfTheQuestion(t *testing.T) {
	body := `{"messages":[
		{"role":"user","content":"Where is the lock?"},
		{"role":"assistant","content":"I look at the door.","tool_calls":[{"id":"1","type":"function",
			"function":{"name":"Read","arguments":"{\"path\":\"door.go\"}"}}]},
		{"role":"tool","tool_call_id":"1","content":` + quote(code(40)) + `}]}`
	p := plan(t, "/v1/chat/completions", body, dialects.Rules{})
	if len(p.Blocks) != 1 || !strings.Contains(p.Blocks[0].Request.Query, "door.\n") {
		t.Errorf("planned %+v", p.Blocks)
	}
}

func TestPlanFollowsItsRules(t *testing.T) {
	small, large := code(3), code(200)
	chat := func(content string) string {
		return `{"model":"m","messages":[{"role":"user","content":` + quote(content) + `}]}`
	}
	fence := func(s string) string { return "```go\n" + s + "```\n" }
	tests := []struct {
		name, body string
		rules      dialects.Rules
		blocks     int
		left       dialects.Left
		query      string
		budgets    []int
	}{
		{"own question", chat("Why?\n" + fence(large)), dialects.Rules{MinBytes: 500}, 1, "", "Why?", []int{0}},
		{
			"given question", chat("Why?\n" + fence(large)),
			dialects.Rules{MinBytes: 500, Query: "How?"},
			1, "",
			"How?",
			[]int{0},
		},
		{"too small", chat("Why?\n" + fence(small)), dialects.Rules{MinBytes: 500}, 0, dialects.LeftSmall, "", nil},
		{
			"just large enough", chat("Why?\n" + fence(small)),
			dialects.Rules{MinBytes: len(small)},
			1, "",
			"Why?",
			[]int{0},
		},
		{
			"one byte short", chat("Why?\n" + fence(small)),
			dialects.Rules{MinBytes: len(small) + 1},
			0,
			dialects.LeftSmall, "", nil,
		},
		{
			"small, forced", chat("Why?\n" + fence(small)),
			dialects.Rules{MinBytes: 500, Force: true},
			1, "",
			"Why?",
			[]int{0},
		},
		{"no question", chat(fence(large)), dialects.Rules{}, 0, dialects.LeftQuestion, "", nil},
		{"no question, forced", chat(fence(large)), dialects.Rules{Force: true}, 1, "", "", []int{0}},
		{"budget of one", chat("Why?\n" + fence(large)), dialects.Rules{Budget: 90}, 1, "", "Why?", []int{90}},
		{
			"budget of two", chat("Why?\n" + fence(large) + fence(large)),
			dialects.Rules{Budget: 90},
			2, "",
			"Why?",
			[]int{90},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rules.Tenant, tt.rules.Rate = "one", 0.25
			p := plan(t, "/v1/chat/completions", tt.body, tt.rules)
			if len(p.Blocks) != tt.blocks || p.Left != tt.left {
				t.Fatalf("%d blocks and %q left, want %d and %q", len(p.Blocks), p.Left, tt.blocks, tt.left)
			}
			for i, g := range p.Groups() {
				r := g.Request
				if len(g.Blocks) != tt.blocks || len(r.Files) != tt.blocks || r.Query != tt.query || r.Budget != tt.budgets[i] || r.Tenant != "one" || r.Rate != 0.25 ||
					r.Model != "m" {
					t.Errorf(
						"group %d asks %q for %q of model %q with budget %d and rate %v",
						i,
						r.Query,
						r.Tenant,
						r.Model,
						r.Budget,
						r.Rate,
					)
				}
			}
		})
	}
}

// What a read tool says about its own failure is not a file.
func TestErrorsInWordsAreNoFiles(t *testing.T) {
	for _, first := range []string{
		"<tool_use_error>No.</tool_use_error>", "Error: no", "[error] no", "cat: main.go: No such file",
		"File not found: main.go", "No such file or directory", "Permission denied",
		"Traceback (most recent call last)", "Exit code: 1",
	} {
		body := `{"messages":[{"role":"user","content":"Why?"},
			{"role":"assistant","tool_calls":[{"id":"1","type":"function",
			"function":{"name":"Read","arguments":"{\"path\":\"main.go\"}"}}]},
			{"role":"tool","tool_call_id":"1","content":` + quote(first+"\n"+code(40)) + `}]}`
		if p := plan(t, "/v1/chat/completions", body, dialects.Rules{}); len(p.Blocks) != 0 {
			t.Errorf("a result that begins with %q is planned", first)
		}
	}
}
