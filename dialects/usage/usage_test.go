package usage_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"pith/dialects/usage"
)

// Input, what the cache gave and what it took do not overlap, whatever a provider counts twice, and
// a figure that cannot be is none.
func TestReaders(t *testing.T) {
	tests := []struct {
		name    string
		read    usage.Reader
		objects []string
		want    usage.Tokens
	}{
		{"chat", usage.ReadChat, []string{
			`{"prompt_tokens":100,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":60}}`,
		}, usage.Tokens{Input: 40, CacheRead: 60, Output: 7}},
		{"more cached than there is", usage.ReadChat, []string{
			`{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":160}}`,
		}, usage.Tokens{CacheRead: 100}},
		{"responses", usage.ReadResponses, []string{
			`{"input_tokens":100,"output_tokens":7,"input_tokens_details":{"cached_tokens":60}}`,
		}, usage.Tokens{Input: 40, CacheRead: 60, Output: 7}},
		{"the later object counts", usage.ReadChat, []string{
			`{"prompt_tokens":100,"completion_tokens":7}`, `{"prompt_tokens":90,"completion_tokens":3}`,
		}, usage.Tokens{Input: 90, Output: 3}},
		{"no figure of messages shrinks", usage.ReadMessages, []string{
			`{"input_tokens":40,"cache_read_input_tokens":60,"cache_creation_input_tokens":5,"output_tokens":1}`,
			`{"output_tokens":9}`, `{"output_tokens":8,"input_tokens":0}`,
		}, usage.Tokens{Input: 40, CacheRead: 60, CacheWrite: 5, Output: 9}},
		{"no figures", usage.ReadChat, []string{
			`{"prompt_tokens":-5,"completion_tokens":"7"}`,
		}, usage.Tokens{}},
		{"beyond all prompts", usage.ReadChat, []string{
			`{"prompt_tokens":99999999999,"completion_tokens":7}`,
		}, usage.Tokens{Output: 7}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got usage.Tokens
			for _, object := range tt.objects {
				tt.read(&got, gjson.Parse(object))
			}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	sum := usage.Tokens{Input: 1, CacheRead: 2, CacheWrite: 3, Output: 4}.Plus(usage.Tokens{
		Input: 10, CacheRead: 20,
		CacheWrite: 30, Output: 40,
	})
	if sum.Prompt() != 66 || sum.Output != 44 {
		t.Errorf("the sum is %+v, its prompt %d", sum, sum.Prompt())
	}
}

// Usage is found where it stands and nowhere else: not in what a model writes, not in other
// objects, not where it is larger than any is. However an answer is cut into pieces, it is found.
func TestScan(t *testing.T) {
	long := `{"usage":{"x":"` + strings.Repeat("y", 5<<10) + `"}}`
	tests := []struct {
		name, answer string
		events       bool
		want         []string
	}{
		{"root", `{"id":"a","usage":{"n":1,"d":{"m":2}}}`, false, []string{`{"n":1,"d":{"m":2}}`}},
		{"response", `{"response":{"usage":{"n":1}}}`, false, []string{`{"n":1}`}},
		{"message", `{"message":{"text":"\"usage\":{","usage":{"n":1}}}`, false, []string{`{"n":1}`}},
		{"of something else", `{"delta":{"usage":{"n":1}},"a":[{"usage":{"n":2}}]}`, false, nil},
		{"deeper", `{"response":{"item":{"usage":{"n":1}}}}`, false, nil},
		{"said by the model", `{"text":"{\"usage\":{\"n\":1}}"}`, false, nil},
		{"null", `{"usage":null,"other":{"n":1}}`, false, nil},
		{"too long", long, false, nil},
		{
			"events",
			"event: a\ndata: {\"usage\":{\"n\":1}}\n\ndata: {\"message\":{\"usage\":{\"n\":2}}}\r\n\r\n",
			true,
			[]string{`{"n":1}`, `{"n":2}`},
		},
		{"another field", "id: {\"usage\":{\"n\":1}}\n\n", true, nil},
		{"a cut event", "data: {\"a\":{\n\ndata: {\"usage\":{\"n\":2}}\n\n", true, []string{`{"n":2}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 7, len(tt.answer)} {
				var got []string
				feed := usage.Scan(tt.events, func(object []byte) { got = append(got, string(object)) })
				for rest := tt.answer; rest != ""; rest = rest[min(size, len(rest)):] {
					feed([]byte(rest[:min(size, len(rest))]))
				}
				if !reflect.DeepEqual(got, tt.want) {
					t.Errorf("by %d bytes: got %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}
