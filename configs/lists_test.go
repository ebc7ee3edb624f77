package configs_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// lists is a file with one good entry in each list.
const lists = `upstreams:
  - name: a
    url: https://api.example.com
    models: [gpt-*, o3]
keys:
  - name: alice
    hash: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    requests_per_minute: 60
`

func TestLists(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from the file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, lists+"  - {name: bob, hash: x, tokens_per_minute: 5}\n", "SPARE=from the environment")
	if err != nil {
		t.Fatal(err)
	}
	if u := c.Upstreams[0]; len(c.Upstreams) != 1 || !reflect.DeepEqual(u.Models, []string{"gpt-*", "o3"}) ||
		u.URL != "https://api.example.com" {
		t.Errorf("upstreams = %+v", c.Upstreams)
	}
	if len(c.VirtualKeys) != 2 || c.VirtualKeys[0].RequestsPerMinute != 60 || c.VirtualKeys[1].TokensPerMinute != 5 {
		t.Errorf("keys = %+v", c.VirtualKeys)
	}
	for line, want := range map[string]string{
		"key: plain": "plain", "key_file: " + file: "from the file",
		"key_env: SPARE": "from the environment",
	} {
		c, err := load(t, "upstreams:\n  - "+line+"\n", "SPARE=from the environment")
		if err != nil || string(c.Upstreams[0].Key) != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestMistakesInListsAreNamed(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{"upstreams:\n  - nam: a\n", "pith.yaml:2: unknown key upstreams.nam (did you mean upstreams.name?)"},
		{"upstreams: {name: a}\n", "pith.yaml:1: upstreams: want a list of entries"},
		{"upstreams:\n  - a\n", "pith.yaml:2: want keys of upstreams"},
		{"upstreams:\n  - name: [a]\n", "pith.yaml:2: upstreams.name: want one plain value"},
		{"upstreams:\n  - models: [[a]]\n", "pith.yaml:2: upstreams.models: want a list of plain values"},
		{"upstreams:\n  - key_env: NOT_THERE\n", "pith.yaml:2: upstreams.key_env: the environment has no NOT_THERE"},
		{"upstreams:\n  - url_file: x\n", "only secrets are read from files"},
		{"upstreams:\n  - key: a\n    key_env: B\n", "pith.yaml:3: upstreams.key is given twice"},
		{"keys:\n  - requests_per_minute: many\n", "pith.yaml:2: keys.requests_per_minute: want a whole number"},
		{"upstream:\n", "unknown section upstream (did you mean upstreams?)"},
	}
	for _, tt := range tests {
		if _, err := load(t, tt.yaml); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: Load = %v, want %s", tt.yaml, err, tt.want)
		}
	}
}

func TestListsAreValidated(t *testing.T) {
	tests := []struct{ old, replacement, want string }{
		{"name: a\n", "name: ''\n", "upstreams.name"},
		{"keys:", "  - {name: a, url: https://b, paths: [/x]}\nkeys:", "upstreams.name"},
		{"https://api.example.com", "api.example.com", "upstreams a: url"},
		{"https://api.example.com", "https://user:pass@api.example.com", "credentials"},
		{"models: [gpt-*, o3]", "auth: basic", "upstreams a: auth"},
		{"    models: [gpt-*, o3]\n", "", "would get every request"},
		{"gpt-*", "'[gpt'", "upstreams a: models"},
		{"models: [gpt-*, o3]", "paths: [v1]", "upstreams a: paths"},
		{"name: alice", "name: ''", "keys.name"},
		{"sha256:01", "sha256:", "keys alice: hash"},
		{"sha256:", "", "keys alice: hash"},
		{"minute: 60", "minute: -1", "keys alice: requests_per_minute"},
		{"keys:", "    key: sk-1\nkeys:", ""},
		{
			lists[strings.Index(lists, "keys:"):], "    key: sk-1\nserver:\n  listen: 0.0.0.0:8484\n",
			"upstreams a: key needs keys",
		},
	}
	for _, tt := range tests {
		c, err := load(t, strings.Replace(lists, tt.old, tt.replacement, 1))
		if err != nil {
			t.Fatalf("%s: %v", tt.want, err)
		}
		err = c.Validate()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%q for %q: Validate = %v, want %s", tt.replacement, tt.old, err, tt.want)
		}
	}
}
