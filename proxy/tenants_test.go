package proxy_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

// Every feature that keeps something for a caller finds it again for the same caller, by virtual
// key and without, in whichever header the key comes; for another caller it is not there.
func TestTenantsFindWhatIsTheirs(t *testing.T) {
	callers := []struct {
		name        string
		keys        bool
		mine, other []string
	}{
		{
			"virtual keys", true,
			[]string{"Authorization", "Bearer " + aliceKey},
			[]string{"Authorization", "Bearer " + bobKey},
		},
		{"virtual keys as Anthropic has them", true, []string{"X-Api-Key", aliceKey}, []string{"X-Api-Key", bobKey}},
		{"own credentials", false, []string{"Authorization", "Bearer sk-1"}, []string{"Authorization", "Bearer sk-2"}},
	}
	hash := regexp.MustCompile(`hash=([0-9a-f]{24})`)
	code := "Why?\n```go\n" + source(60) + "```\n"
	keepers := map[string]func(t *testing.T, base string, client *http.Client, header []string) string{
		"proxy": func(t *testing.T, base string, client *http.Client, header []string) string {
			_, body := post(t, client, base+"/v1/chat/completions", userChat(code),
				append([]string{"X-Pith-Mode", "preview"}, header...)...)
			return body
		},
		"sidecar": func(t *testing.T, base string, client *http.Client, header []string) string {
			_, body := post(t, client, base+"/v1/compress", userChat(code), header...)
			return body
		},
		"editors": func(t *testing.T, base string, client *http.Client, header []string) string {
			_, body := post(t, client, base+"/pith/v1/compress",
				`{"query":"Why?","text":`+quote(source(60))+`}`, header...)
			return body
		},
	}
	for _, c := range callers {
		for name, keep := range keepers {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				opts := keeping(t, newUpstream(t), &valueStore{})
				if c.keys {
					clients(&opts)
				}
				base, client := start(t, opts)
				m := hash.FindStringSubmatch(keep(t, base, client, c.mine))
				if m == nil {
					t.Fatal("no marker has a hash")
				}
				fetch := func(header []string) responseHead {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/v1/retrieve/"+m[1], nil)
					if err != nil {
						t.Fatal(err)
					}
					req.Header.Set(header[0], header[1])
					a, _ := do(t, client, req)
					return a
				}
				if a := fetch(c.mine); a.StatusCode != http.StatusOK {
					t.Errorf("who kept it gets %d", a.StatusCode)
				}
				if a := fetch(c.other); a.StatusCode != http.StatusNotFound {
					t.Errorf("another gets %d", a.StatusCode)
				}
			})
		}
	}
}

// The hidden tool finds the originals of a client with a virtual key, and is worded as a provider
// takes it.
func TestToolFindsOriginalsOfVirtualKeys(t *testing.T) {
	for _, w := range []wire{chatWire, messagesWire, responsesWire} {
		t.Run(w.name, func(t *testing.T) {
			s := newScript(t, w, round{calls: []toolUse{asking("c1", `{"hash":"`+gapHash+`"}`)}}, round{says: "Fine."})
			opts := keeping(t, &upstream{Server: s.Server}, &valueStore{})
			opts.Retrieval.Tool = true
			clients(&opts)
			base, client := start(t, opts)
			post(t, client, base+w.path, w.request(askWhy+source(90)+"```", false), "Authorization", "Bearer "+aliceKey)
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.bodies) != 2 || strings.Contains(s.bodies[1], "no such hash") ||
				!strings.Contains(s.bodies[1], "lines 1-1") {
				t.Errorf("the tool did not find the lines: %d rounds, last %.300q", len(s.bodies),
					s.bodies[len(s.bodies)-1])
			}
			tools := gjson.Get(s.bodies[0], "tools").Array()
			tool := tools[len(tools)-1]
			for _, path := range []string{"function.parameters.type", "parameters.type", "input_schema.type"} {
				if kind := tool.Get(path); kind.Exists() && kind.Str != "object" ||
					path == "parameters.type" && !strings.Contains(tool.Raw, `"type":"object"`) {
					t.Errorf("%s is %q, want object", path, kind.Str)
				}
			}
		})
	}
}
