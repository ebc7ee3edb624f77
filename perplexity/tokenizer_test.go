package perplexity_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"pith/perplexity"
)

// tokenizerGolden holds a small tokenizer and what Hugging Face's tokenizers library makes of some
// texts with it.
type tokenizerGolden struct {
	Tokenizer json.RawMessage
	Cases     []struct {
		Text string
		IDs  []int32
	}
}

func loadGolden(tb testing.TB, family string) (tokenizerGolden, *perplexity.Tokenizer) {
	tb.Helper()
	var g tokenizerGolden
	if err := json.Unmarshal(read(tb, "testdata", "tokenizers", family+".json"), &g); err != nil {
		tb.Fatal(err)
	}
	return g, newTokenizer(tb, g.Tokenizer)
}

func newTokenizer(tb testing.TB, data []byte) *perplexity.Tokenizer {
	tb.Helper()
	tok, err := perplexity.NewTokenizer(data)
	if err != nil {
		tb.Fatal(err)
	}
	return tok
}

func embeddedTokenizer(tb testing.TB) *perplexity.Tokenizer {
	tb.Helper()
	return newTokenizer(tb, read(tb, "model", "tokenizer.json"))
}

func TestTokenizerFamilies(t *testing.T) {
	for _, family := range []string{"gpt2", "llama3", "qwen2", "starcoder"} {
		golden, tok := loadGolden(t, family)
		for _, c := range golden.Cases {
			if !checkIDs(t, tok, family, []string{c.Text}, c.IDs) {
				t.Errorf("%s: more tokens than stored for %q", family, c.Text)
			}
			checkTiles(t, tok, c.Text, family == "qwen2")
		}
		if id, ok := tok.BOS(); ok != (family == "llama3") || ok && id != 0 {
			t.Errorf("%s: first token is %d, %v", family, id, ok)
		}
	}
}

// checkTiles holds the two promises of Encode: the tokens' bytes give the text back, and offsets
// never fall. Without normalisation each token's bytes stand at its offset.
func checkTiles(t *testing.T, tok *perplexity.Tokenizer, text string, nfc bool) {
	t.Helper()
	tokens := tok.Encode(text)
	ids := make([]int32, len(tokens))
	last := 0
	for i, token := range tokens {
		ids[i] = token.ID
		if token.Offset < last || token.Offset >= len(text) {
			t.Errorf("%q: token %d is at byte %d after %d", text, i, token.Offset, last)
			return
		}
		last = token.Offset
		if !nfc && !strings.HasPrefix(text[token.Offset:], tok.Decode(ids[i:i+1])) {
			t.Errorf("%q: token %d is not at byte %d", text, i, token.Offset)
		}
	}
	want := text
	if nfc {
		want = norm.NFC.String(text)
	}
	if got := tok.Decode(ids); got != want {
		t.Errorf("decode(encode(%q)) = %q", text, got)
	}
}

func TestNormalisedTextKeepsItsOffsets(t *testing.T) {
	_, tok := loadGolden(t, "qwen2")
	text := "x = 'cafe\u0301' + y" // the e and its accent become one character of two bytes
	for _, token := range tok.Encode(text) {
		if piece := tok.Decode([]int32{token.ID}); strings.Contains(piece, "y") && text[token.Offset:] != " y" &&
			text[token.Offset:] != "y" {
			t.Errorf("%q is at byte %d of %q", piece, token.Offset, text)
		}
	}
}

func TestTextNeverBecomesSpecialTokens(t *testing.T) {
	tok := embeddedTokenizer(t)
	const special = "<|endoftext|>"
	tokens := tok.Encode(special)
	if len(tokens) < 3 {
		t.Errorf("%q became %v", special, tokens)
	}
	checkTiles(t, tok, special, false)
}

func TestLongRunsAreCut(t *testing.T) {
	tok := embeddedTokenizer(t)
	for _, unit := range []string{"a", " ", "漢", "-", "\n", "\u0301"} {
		checkTiles(t, tok, strings.Repeat(unit, 50_000), false)
	}
}

func TestTokenizersOfOtherKindsAreRefused(t *testing.T) {
	good := string(read(t, "model", "tokenizer.json"))
	edit := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(good) }
	tests := []struct{ name, data, says string }{
		{"model type", edit(`"type": "BPE"`, `"type": "WordPiece"`), "WordPiece"},
		{"byte fallback", edit(`"byte_fallback": false`, `"byte_fallback": true`), "byte fallback"},
		{"dropout", edit(`"dropout": null`, `"dropout": 0.1`), "dropout"},
		{"normalizer", edit(`"normalizer": null`, `"normalizer": {"type": "Lowercase"}`), "Lowercase"},
		{"split pattern", edit(`{1,3}`, `{1,4}`), "split pattern"},
		{"pre-tokenizer", edit(`"type": "Split"`, `"type": "Metaspace"`), "Metaspace"},
		{"prefix space", edit(`"add_prefix_space": false`, `"add_prefix_space": true`), "ByteLevel"},
		{"huge id", edit(`"!":`, `"!!!!": 2147483647, "!":`), "ids above"},
		{"not byte-level", edit(`"!":`, `"!!!!":`), "byte"},
	}
	for _, tt := range tests {
		_, err := perplexity.NewTokenizer([]byte(tt.data))
		if !errors.Is(err, perplexity.ErrUnsupported) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error is %v", tt.name, err)
		}
	}
	for _, data := range []string{"", "{", `{"model":{"type":"BPE"}}`, `{"model":{"type":"BPE","vocab":{"a":-5}}}`} {
		if _, err := perplexity.NewTokenizer([]byte(data)); err == nil {
			t.Errorf("%q is taken for a tokenizer", data)
		}
	}
}

func FuzzTokenizer(f *testing.F) {
	embedded := embeddedTokenizer(f)
	_, qwen := loadGolden(f, "qwen2")
	_, starcoder := loadGolden(f, "starcoder")
	for _, seed := range []string{
		"", "func f() {\n\treturn 1\n}", "e\u0301 \u212b", "\xff\x00\xc3", "12 345's 'LL",
		"  \r\n \t x",
	} {
		f.Add(seed)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(read(f, files[0])))
	f.Fuzz(func(t *testing.T, text string) {
		checkTiles(t, embedded, text, false)
		checkTiles(t, qwen, text, true)
		checkTiles(t, starcoder, text, false)
	})
}
