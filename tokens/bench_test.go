package tokens_test

import (
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pith/tokens"
)

// BenchmarkCount reports MB/s over real code and over the inputs that make a quadratic tokenizer
// stand still.
func BenchmarkCount(b *testing.B) {
	code, err := os.ReadFile(filepath.Join(build.Default.GOROOT, "src", "net", "http", "server.go"))
	if err != nil {
		b.Fatal(err)
	}
	inputs := []struct{ name, text string }{
		{"go", string(code)},
		{"line", "\tif err := srv.Serve(ln); err != nil && !errors.Is(err, http.ErrServerClosed) {\n"},
		{"letter", strings.Repeat("a", 64<<10)},
		{"spaces", strings.Repeat(" ", 64<<10)},
		{"cjk", strings.Repeat("漢字仮名交", 66<<10/15)},
		{"punctuation", strings.Repeat("_", 64<<10)},
	}
	counters := tokens.New()
	for _, model := range []string{"gpt-4o", "gpt-4"} {
		counter := counters.For(model)
		name, _ := counter.Encoding()
		counter.Count("load the vocabulary")
		for _, in := range inputs {
			b.Run(name+"/"+in.name, func(b *testing.B) {
				b.SetBytes(int64(len(in.text)))
				b.ReportAllocs()
				for b.Loop() {
					counter.Count(in.text)
				}
			})
		}
	}
}
