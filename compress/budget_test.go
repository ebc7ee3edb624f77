package compress

import "testing"

// The budget is whole tokens of what was asked for, never fewer because of how a share is written
// in binary; a default share leaves small texts alone.
func TestAllowance(t *testing.T) {
	tests := []struct {
		name     string
		req      Request
		original int
		share    float64 // the default
		want     int
	}{
		{"a budget", Request{Budget: 77}, 1000, 0, 77},
		{"a budget goes before a default", Request{Budget: 77}, 1000, 0.5, 77},
		{"a rate", Request{Rate: 0.5}, 1001, 0, 500},
		{"a rate that is no binary fraction", Request{Rate: 0.29}, 100, 0, 29},
		{"a rate counts for small texts, too", Request{Rate: 0.1}, 100, 0, 10},
		{"a rate goes before a default", Request{Rate: 0.1}, 1000, 0.5, 100},
		{"the default", Request{}, 1000, 0.5, 500},
		{"the default and a small text", Request{}, 400, 0.5, smallText},
		{"adaptive", Request{}, 1000, 0, 800},
		{"adaptive and a small text", Request{}, 100, 0, smallText},
	}
	for _, tt := range tests {
		j := &job{req: tt.req, original: tt.original, opt: Options{DefaultRate: tt.share}}
		if got := j.allowance(); got != tt.want {
			t.Errorf("%s: %d tokens, want %d", tt.name, got, tt.want)
		}
	}
}

// bytesCounter is another tokenizer for the same models.
type bytesCounter struct{ wordCounter }

func (bytesCounter) For(string) Counter       { return bytesCounter{} }
func (bytesCounter) Encoding() (string, bool) { return "bytes", true }

// A budget is in tokens of the tokenizer that counts them: another one makes another result.
func TestKeyCoversTheTokenizer(t *testing.T) {
	words := cached(t, &valueStore{}, nil).next.parts(ask(nil))
	other := cached(t, &valueStore{}, func(o *Options) { o.Counters = bytesCounter{} }).next.parts(ask(nil))
	if keyed(words...) == keyed(other...) {
		t.Error("two tokenizers, one key")
	}
}
