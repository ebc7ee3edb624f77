package proxy_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pith/dialects"
)

const (
	demonstrations = "Pick a mood.\nText: a \"fine\" film ☺\nMood: good\n"
	pruned         = "mood \"fine\"\n"
)

// moods prunes the demonstrations above for one model.
func moods(model, text string) (dialects.PrunedPrompt, bool) {
	at := strings.Index(text, demonstrations)
	if model != "m" || at < 0 {
		return dialects.PrunedPrompt{}, false
	}
	return dialects.PrunedPrompt{
		Name: "moods", Original: 12, Compressed: 3,
		Cuts: []dialects.Cut{{Start: at, End: at + len(demonstrations), Text: pruned}},
	}, true
}

func TestPromptsArePruned(t *testing.T) {
	u := newUpstream(t)
	opts := options(t, u)
	opts.Prompts = moods
	base, client := start(t, opts)
	// The example keeps whatever escapes its sender chose, and code in the same text stays whole.
	text := func(demonstrations string) string {
		quoted := strings.ReplaceAll(
			quote("Hello ☺\n" + demonstrations + "```go\n" + source(60) + "```\n")[1:],
			"☺",
			`\u263a`,
		)
		return `"` + strings.ReplaceAll(quoted, "mood", `moo\u0064`)
	}
	same := func(s string) string { return strings.ReplaceAll(s, `moo\u0064 \"fine\"`, `mood \"fine\"`) }
	bodies := map[string]string{
		"/v1/chat/completions": `{"model":"m", "messages":[{"role":"system","content":%[1]s},` +
			`{"role":"user","content":%[2]s}]}`,
		"/v1/responses": `{"model":"m", "instructions":%[1]s,"input":[{"role":"user",` +
			`"content":[{"type":"input_text","text":%[2]s}]}]}`,
		"/v1/messages": `{"model":"m", "system":%[1]s,"messages":[{"role":"user",` +
			`"content":[{"type":"text","text":%[2]s}]}]}`,
		"/v1/messages/count_tokens": `{"model":"m", "system":%[1]s,"messages":[{"role":"user","content":%[2]s}]}`,
		"/v1/completions":           `{"model":"m", "user":%[1]s,"prompt":%[2]s}`,
	}
	for path, format := range bodies {
		body := fmt.Sprintf(format, quote(demonstrations), text(demonstrations))
		res, _ := post(t, client, base+path, body)
		want := fmt.Sprintf(format, quote(demonstrations), same(text(pruned)))
		if got := string(u.last(t).body); got != want {
			t.Errorf("%s: sent\n%s\nwant\n%s", path, got, want)
		}
		h := res.Header
		if h.Get("X-Pith-Prompts") != "moods" || h.Get("X-Pith-Original-Tokens") != "12" ||
			h.Get("X-Pith-Compressed-Tokens") != "3" {
			t.Errorf("%s: headers %v", path, h)
		}
		other := strings.Replace(body, `"model":"m"`, `"model":"n"`, 1)
		res, _ = post(t, client, base+path, other, "X-Pith-Mode", "preview")
		if res.Header.Get("X-Pith-Prompts") != "" {
			t.Errorf("%s: pruned for a model that the prompt is not for", path)
		}
	}
	post(
		t,
		client,
		base+"/v1/messages",
		fmt.Sprintf(bodies["/v1/messages"], `""`, quote(demonstrations)),
		"X-Pith-Mode",
		"off",
	)
	var sent struct {
		Messages []struct{ Content []struct{ Text string } }
	}
	if err := json.Unmarshal(u.last(t).body, &sent); err != nil || sent.Messages[0].Content[0].Text != demonstrations {
		t.Errorf("mode off sent %q, %v", u.last(t).body, err)
	}
}

// Prompts and code blocks of one conversation are edited together, and older turns keep their
// bytes.
func TestPrunedPromptsAreStable(t *testing.T) {
	opts := options(t, newUpstream(t))
	opts.Prompts = func(_, text string) (dialects.PrunedPrompt, bool) { return moods("m", text) }
	for seed := range uint64(4) {
		turns := conversationOf(rand.New(rand.NewPCG(seed, 7)), 6)
		for i := range turns {
			if turns[i].user != "" && i%2 == 0 {
				turns[i].user += "\n" + demonstrations
			}
		}
		for _, w := range wordings()[:3] {
			sent := previews(t, opts, w, turns)
			checkPrefixes(t, sent)
			if last := sent[len(sent)-1]; strings.Contains(last, "Pick a mood") ||
				!strings.Contains(last, `mood \"fine\"`) {
				t.Errorf("%s: the prompt was not pruned: %s", w.name, last)
			}
		}
	}
}
