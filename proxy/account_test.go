package proxy_test

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"pith/accounting"
	"pith/proxy"
)

// askedCode is a request with a block of code.
func askedCode() string { return userChat("Why?\n```go\n" + source(60) + "```") }

// omittedOf reads what the response headers say was left out.
func omittedOf(t *testing.T, a responseHead) float64 {
	t.Helper()
	var before, after float64
	if _, err := fmt.Sscan(
		a.Header.Get("X-Pith-Original-Tokens")+" "+a.Header.Get("X-Pith-Compressed-Tokens"),
		&before,
		&after,
	); err != nil {
		t.Fatalf("nothing was compressed: %v", a.Header)
	}
	return before - after
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b)) }

// The arithmetic of cost: with p the price of the prompt as it was cached, a token left out is
// worth the mean price of those sent.
func TestCost(t *testing.T) {
	price := accounting.Price{Model: "gpt-4*", Input: 4, CacheRead: 0.4, CacheWrite: 5, Output: 20}
	tests := []struct {
		name, path, answer string
		prices             []accounting.Price
		label              string
		cost               float64
		// each is the price of one omitted token.
		each float64
	}{
		{
			"nothing cached", "/v1/chat/completions", `{"usage":{"prompt_tokens":1000,"completion_tokens":100}}`,
			[]accounting.Price{price},
			"gpt-4*",
			(1000*4 + 100*20) / 1e6, 4 / 1e6,
		},
		{
			"all cached",
			"/v1/chat/completions",
			`{"usage":{"prompt_tokens":1000,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":1000}}}`,
			[]accounting.Price{price},
			"gpt-4*",
			1000 * 0.4 / 1e6,
			0.4 / 1e6,
		},
		{
			"half cached",
			"/v1/chat/completions",
			`{"usage":{"prompt_tokens":1000,"completion_tokens":0,"prompt_tokens_details":{"cached_tokens":500}}}`,
			[]accounting.Price{price},
			"gpt-4*",
			(500*4 + 500*0.4) / 1e6,
			2.2 / 1e6,
		},
		{
			"written",
			"/v1/messages",
			`{"usage":{"input_tokens":0,"cache_creation_input_tokens":1000,"output_tokens":10}}`,
			[]accounting.Price{price},
			"gpt-4*",
			(1000*5 + 10*20) / 1e6,
			5 / 1e6,
		},
		{
			"read, written and new",
			"/v1/messages",
			`{"usage":{"input_tokens":100,"cache_read_input_tokens":800,"cache_creation_input_tokens":100,` +
				`"output_tokens":10}}`,
			[]accounting.Price{price},
			"gpt-4*",
			(100*4 + 800*0.4 + 100*5 + 10*20) / 1e6,
			(100*4 + 800*0.4 + 100*5) / 1e9,
		},
		{
			"no prompt told",
			"/v1/chat/completions",
			`{"usage":{"completion_tokens":10}}`,
			[]accounting.Price{price},
			"gpt-4*",
			10 * 20 / 1e6,
			0,
		},
		{
			"first row wins",
			"/v1/chat/completions",
			`{"usage":{"prompt_tokens":1000}}`,
			[]accounting.Price{{Model: "*-4o", Input: 1}, price},
			"*-4o",
			1000 / 1e6,
			1 / 1e6,
		},
		{
			"no row",
			"/v1/chat/completions",
			`{"usage":{"prompt_tokens":1000}}`,
			[]accounting.Price{{Model: "gpt-4", Input: 1}, {Model: "4o", Input: 1}},
			"other",
			0,
			0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := startCounted(t, answerer{contentType: plainJSON, body: []byte(tt.answer)}, func(o *proxy.Options) {
				o.Accounting.Prices = tt.prices
			})
			body := askedCode()
			a, _ := post(t, c.client, c.url+tt.path, body)
			omitted := omittedOf(t, a)
			eventually(t, func() bool { return c.metric(t, "pith_usage_total") == 1 })
			if got := c.metric(t, "pith_omitted_tokens_total", "model="+tt.label, "basis=estimated"); got != omitted {
				t.Errorf("omitted %v tokens, want %v", got, omitted)
			}
			if got := c.metric(t, "pith_cost_total", "model="+tt.label); !near(got, tt.cost) {
				t.Errorf("cost %v, want %v", got, tt.cost)
			}
			if got, want := c.metric(
				t,
				"pith_cost_uncompressed_total",
				"model="+tt.label,
			), tt.cost+omitted*tt.each; !near(
				got,
				want,
			) {
				t.Errorf("uncompressed %v, want %v", got, want)
			}
		})
	}
}

func TestBadAccountingIsRefused(t *testing.T) {
	for name, a := range map[string]accounting.Options{
		"share":    {Holdout: 1.1},
		"no share": {Holdout: math.NaN()},
		"model":    {Prices: []accounting.Price{{Input: 1}}},
		"negative": {Prices: []accounting.Price{{Model: "m", CacheRead: -1}}},
	} {
		o := options(t, newUpstream(t))
		o.Accounting = a
		if _, err := proxy.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Of a conversation's turns all are in one arm, on every replica, and the share of conversations is
// the configured one.
func TestHoldout(t *testing.T) {
	const conversations, share = 1500, 0.2
	up := answerer{contentType: plainJSON, body: []byte(`{"usage":{"prompt_tokens":10}}`)}
	set := func(o *proxy.Options) {
		o.Accounting.Holdout = share
		o.Tenant = func(*http.Request) string { return "one" }
	}
	a, b := startCounted(t, up, set), startCounted(t, up, set)
	kept := 0
	for i := range conversations {
		first := fmt.Sprintf(
			`{"role":"user","content":%s}`,
			quote(fmt.Sprintf("Question %d\n```go\n%s```", i, source(20))),
		)
		reply, _ := post(
			t,
			a.client,
			a.url+"/v1/chat/completions",
			`{"messages":[{"role":"system","content":"You."},`+first+`]}`,
		)
		out := strings.Contains(reply.Header.Get("X-Pith-Decision"), "reason=holdout")
		if out {
			kept++
		}
		if i >= 40 {
			continue
		}
		turns := `{"messages":[` + first
		for i := range 4 {
			turns += fmt.Sprintf(
				`,{"role":"assistant","content":"%d"},{"role":"user","content":%s}`,
				i,
				quote("More\n```go\n"+source(20+i)+"```"),
			)
			reply, _ = post(t, b.client, b.url+"/v1/chat/completions", turns+`]}`)
			if got := strings.Contains(reply.Header.Get("X-Pith-Decision"), "reason=holdout"); got != out {
				t.Errorf("conversation %d: held out %t on turn %d, %t on the first", i, got, i+2, out)
			}
		}
	}
	// Four standard deviations.
	if spread := 4 * math.Sqrt(conversations*share*(1-share)); math.Abs(float64(kept)-conversations*share) > spread {
		t.Errorf("%d of %d conversations are held out, want about %v", kept, conversations, conversations*share)
	}
	eventually(t, func() bool { return a.metric(t, "pith_answers_total") == conversations })
	if n := a.metric(t, "pith_answers_total", "arm=holdout", "outcome=ok"); n != float64(kept) {
		t.Errorf("metrics know %v of %d", n, kept)
	}
	if a.metric(t, "pith_tokens_total", "arm=holdout") != float64(10*kept) ||
		a.metric(t, "pith_answer_seconds", "arm=holdout") != float64(kept) {
		t.Error("tokens or durations are not told apart by arm")
	}
}

// Whoever forces compression is not held out, and one who is gets the request as it came, without
// our tool.
func TestHoldoutPassesWhole(t *testing.T) {
	up := newUpstream(t)
	o := keeping(t, up, &valueStore{})
	o.Retrieval.Tool = true
	o.Accounting.Holdout = 1
	base, client := start(t, o)
	body := withClientTool(askedCode())
	if a, _ := post(
		t,
		client,
		base+"/v1/chat/completions",
		body,
	); a.Header.Get("X-Pith-Decision") != "pass; reason=holdout" ||
		string(up.last(t).body) != body {
		t.Errorf("%q, sent as %.80q", a.Header.Get("X-Pith-Decision"), up.last(t).body)
	}
	if a, _ := post(
		t,
		client,
		base+"/v1/chat/completions",
		body,
		"X-Pith-Mode",
		"preview",
	); a.Header.Get(
		"X-Pith-Decision",
	) != "pass; reason=holdout" {
		t.Errorf("previewed as %q", a.Header.Get("X-Pith-Decision"))
	}
	if a, _ := post(
		t,
		client,
		base+"/v1/chat/completions",
		body,
		"X-Pith-Mode",
		"force",
	); !strings.HasPrefix(
		a.Header.Get("X-Pith-Decision"),
		"compressed",
	) {
		t.Errorf("forced: %q", a.Header.Get("X-Pith-Decision"))
	}
	if !strings.Contains(string(up.last(t).body), `"pith_retrieve"`) {
		t.Errorf("forced, but without our tool: %.80q", up.last(t).body)
	}
}

// All rounds of the tool are paid. Uncompressed there would have been one: the first one's prompt
// and the last one's answer.
func TestHiddenRoundsCost(t *testing.T) {
	var rounds atomic.Int64
	answers := []string{
		`{"choices":[{"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function",` +
			`"function":{"name":"pith_retrieve","arguments":` +
			quote(
				`{"hash":"`+gapHash+`"}`,
			) + `}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1000,"completion_tokens":10}}`,
		`{"choices":[{"message":{"role":"assistant","content":"Fine."},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":1200,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":1000}}}`,
	}
	c := startCounted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := rounds.Add(1)
		answerer{contentType: plainJSON, body: []byte(answers[n-1])}.ServeHTTP(w, r)
	}), func(o *proxy.Options) {
		k := keeping(t, newUpstream(t), &valueStore{})
		o.Retrieval, o.Compressor = k.Retrieval, k.Compressor
		o.Retrieval.Tool = true
		o.Accounting.Prices = []accounting.Price{{Model: "*", Input: 4, CacheRead: 0.4, CacheWrite: 5, Output: 20}}
	})
	a, _ := post(t, c.client, c.url+"/v1/chat/completions", withClientTool(userChat(askWhy+source(90)+"```")))
	omitted := omittedOf(t, a)
	eventually(t, func() bool { return c.metric(t, "pith_usage_total") == 1 })
	if n := rounds.Load(); n != 2 {
		t.Fatalf("%d rounds", n)
	}
	if got, want := c.metric(t, "pith_cost_total"), (1000*4+10*20+200*4+1000*0.4+30*20)/1e6; !near(got, want) {
		t.Errorf("cost %v, want %v", got, want)
	}
	if got, want := c.metric(t, "pith_cost_uncompressed_total"), (1000*4+30*20+omitted*4)/1e6; !near(got, want) {
		t.Errorf("uncompressed %v, want %v", got, want)
	}
	if got := c.metric(t, "pith_tokens_total", "kind=output"); got != 40 {
		t.Errorf("%v tokens of output", got)
	}
}
