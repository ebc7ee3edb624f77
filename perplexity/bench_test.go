package perplexity_test

import (
	"fmt"
	"go/build"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pith/perplexity"
)

// source returns at least size bytes of Go's own standard library, which is on every machine that
// builds this.
func source(tb testing.TB, size int) string {
	tb.Helper()
	var b strings.Builder
	for _, dir := range []string{"net/http", "go/types", "encoding/json"} {
		files, err := filepath.Glob(filepath.Join(build.Default.GOROOT, "src", dir, "*.go"))
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				tb.Fatal(err)
			}
			b.Write(data)
			if b.Len() >= size {
				return b.String()
			}
		}
	}
	tb.Fatalf("only %d bytes of Go source in %s", b.Len(), build.Default.GOROOT)
	return ""
}

// cut returns n texts of about tokens tokens each.
func cut(tok *perplexity.Tokenizer, text string, n, tokens int) []string {
	all := tok.Encode(text)
	var out []string
	for i := 0; len(out) < n && i+tokens < len(all); i += tokens {
		out = append(out, text[all[i].Offset:all[i+tokens].Offset])
	}
	return out
}

// cpuSeconds is the processor time this process has used: unlike the clock, it says the same on a
// busy machine.
func cpuSeconds(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}

func BenchmarkEncode(b *testing.B) {
	data, err := os.ReadFile(filepath.Join("model", "tokenizer.json"))
	if err != nil {
		b.Fatal(err)
	}
	tok, err := perplexity.NewTokenizer(data)
	if err != nil {
		b.Fatal(err)
	}
	text := source(b, 1<<20)
	for name, text := range map[string]string{"go": text, "run": strings.Repeat("a", 64<<10)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			n := 0
			before := cpuSeconds(b)
			for b.Loop() {
				n += len(tok.Encode(text))
			}
			b.ReportMetric(float64(n)/(cpuSeconds(b)-before)/1e6, "Mtok/cpu-s")
		})
	}
}

// BenchmarkScore measures passes of one length: query behind each of 8,192/T chunks of T tokens,
// with every chunk token wanted.
func BenchmarkScore(b *testing.B) {
	text := source(b, 1<<20)
	for _, length := range []int{64, 256, 512, 1024} {
		for _, batch := range []int{1, 512, 1024, 2048, 4096} {
			if batch != 1 && batch < length {
				continue
			}
			b.Run(fmt.Sprintf("T=%d/batch=%d", length, batch), func(b *testing.B) {
				m := open(b, perplexity.Options{Threads: 1, MaxBatchTokens: batch})
				var seqs []perplexity.Sequence
				tokens := 0
				for _, s := range cut(m.Tokenizer(), text, 8192/length, length-12) {
					seqs = append(
						seqs,
						perplexity.Sequence{
							Given: s, Text: "How does the server close idle connections?",
							WantGiven: true,
						},
					)
					tokens += length
				}
				b.ReportAllocs()
				score(b, m, seqs...)
				before := cpuSeconds(b)
				for b.Loop() {
					score(b, m, seqs...)
				}
				b.ReportMetric(float64(tokens*b.N)/(cpuSeconds(b)-before), "tok/cpu-s")
			})
		}
	}
}

// BenchmarkRequest is one cold request: a question over 20,000 tokens of code in chunks of 15, 150
// or 1,500 tokens, with the losses of question and code wanted.
func BenchmarkRequest(b *testing.B) {
	m := open(b, perplexity.Options{})
	text := source(b, 1<<18)
	for _, length := range []int{15, 150, 1500} {
		b.Run(fmt.Sprintf("chunk=%d", length), func(b *testing.B) {
			var seqs []perplexity.Sequence
			for _, s := range cut(m.Tokenizer(), text, 20_000/length, length) {
				seqs = append(seqs, perplexity.Sequence{Given: s, Text: query, WantGiven: true})
			}
			b.ReportAllocs()
			before := cpuSeconds(b)
			for b.Loop() {
				score(b, m, seqs...)
			}
			b.ReportMetric((cpuSeconds(b)-before)/float64(b.N), "cpu-s/op")
		})
	}
}

// BenchmarkOpen is what starting with the embedded model costs.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		m, err := perplexity.Open(perplexity.Embedded(), perplexity.Options{Device: "cpu"})
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
