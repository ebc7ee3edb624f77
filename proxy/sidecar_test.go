package proxy_test

import (
	"net/http"
	"testing"

	"github.com/tidwall/gjson"
)

func TestSidecarShortensMessages(t *testing.T) {
	u := newUpstream(t)
	base, client := start(t, options(t, u))
	talk := []turn{
		{user: "Why does f007 fail?"},
		{
			say:   "Let me look.",
			calls: []toolCall{{id: "c1", name: "Read", args: `{"file_path":"a.go"}`, result: source(40)}},
		},
	}
	for _, w := range []wordingCase{
		{"chat", "/v1/chat/completions", chatBody}, {"messages", "/v1/messages", messagesBody},
	} {
		body := w.render(talk)
		_, sent := post(t, client, base+w.path, body, "X-Pith-Mode", "preview")
		res, got := post(t, client, base+"/v1/compress", body)
		if res.StatusCode != http.StatusOK || gjson.Get(got, "messages").Raw != gjson.Get(sent, "messages").Raw {
			t.Errorf("%s: %d %s\nwant the messages of %s", w.name, res.StatusCode, got, sent)
		}
		before, after := gjson.Get(got, "tokens_before").Int(), gjson.Get(got, "tokens_after").Int()
		if before <= after || after == 0 || gjson.Get(got, "compression_ratio").Float() <= 1 {
			t.Errorf("%s: %d tokens before, %d after", w.name, before, after)
		}
		_, off := post(t, client, base+"/v1/compress", body, "X-Pith-Mode", "off")
		if gjson.Get(off, "messages").Raw != gjson.Get(body, "messages").Raw {
			t.Errorf("%s: mode off changed messages", w.name)
		}
	}
	for _, bad := range []string{"", "{", "[]", `{"model":"x"}`, `{"messages":"x"}`} {
		if res, got := post(t, client, base+"/v1/compress", bad); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d %s", bad, res.StatusCode, got)
		}
	}
	if u.count() != 0 {
		t.Error("the upstream was asked")
	}
}
