package tokens

import (
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// differences reports where our splitting counts otherwise than the library's, on text without long
// runs.
func differences(t *testing.T, vocabularies []*vocabulary, text string) {
	t.Helper()
	for _, v := range vocabularies {
		if got, want := v.count(text), len(v.bpe.EncodeOrdinary(text)); got != want {
			t.Errorf("%+v: %d tokens, the library says %d for %q", *v.split, got, want, text)
		}
	}
}

var splitVocabularies = sync.OnceValue(func() []*vocabulary {
	return []*vocabulary{load(o200k, specs[o200k]), load(cl100k, specs[cl100k])}
})

func TestSplitAgreesWithTheLibrary(t *testing.T) {
	texts := []string{
		"", "a", "\n", "\n\n", " ", "  ", "\t", " a", "  a", "\ta", " \ta", "\n a", " \n a", "  \n  \n  a",
		"a\n\n  b\n", "\r\n\r\n x", "don't DON'T we'll WE'Ll I'm 'tis 'the 'RE're '",
		"camelCaseName HTTPServer XMLHttpRequest ABC aBC a1B2", "1234567 12 0x1F 1_000",
		"}\n// comment\n}\n//x", "a/\n/b", "+\n/\n", "==\r\n!=", "  ==", "\t==", " 1", "  1", "(foo [bar {baz",
		"\v\fa\v", "a\x00b\x1f\x7f", "é è\n漢字 a\n", "x\n\u00a0\ny", "x\n \u3000\n", "\u0085\n",
		"e\u0301\n\u0301x", "\xff\n\xfe a", "ſ's 'ſ 'K",
		"<|endoftext|>", strings.Repeat("\n", 300), strings.Repeat(" ", 300) + "x", strings.Repeat("aB", 300),
	}
	vocabularies := splitVocabularies()
	for _, text := range texts {
		differences(t, vocabularies, text)
	}
	for _, name := range []string{"net/http/server.go", "unicode/tables.go", "html/entity.go", "fmt/doc.go"} {
		text, err := os.ReadFile(filepath.Join(build.Default.GOROOT, "src", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		differences(t, vocabularies, string(text[:min(len(text), 64<<10)]))
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("func (s *Server) Serve() {\n\tdon't()\r\n\n  }\n// x\n")
	f.Add("a \n /\u00a0\n\u3000 b'LL 漢\n\n 123456")
	vocabularies := splitVocabularies()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= 4096 {
			differences(t, vocabularies, text)
		}
	})
}
