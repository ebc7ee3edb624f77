package tokens_test

import (
	"strings"
	"sync"
	"testing"

	"pith/tokens"
)

// shared loads each vocabulary once for all tests that do not test the loading.
var shared = tokens.New()

// The counts of the four encodings for the example strings of OpenAI's cookbook, "How to count
// tokens with tiktoken", plus strings whose tokens are documented.
func TestKnownCounts(t *testing.T) {
	models := []string{"davinci", "text-davinci-003", "gpt-4", "gpt-4o"}
	tests := []struct {
		text string
		want [4]int // r50k_base, p50k_base, cl100k_base, o200k_base
	}{
		{"", [4]int{0, 0, 0, 0}},
		{"hello world", [4]int{2, 2, 2, 2}},
		{"tiktoken is great!", [4]int{6, 6, 6, 6}},
		{"antidisestablishmentarianism", [4]int{5, 5, 6, 6}},
		{"2 + 2 = 4", [4]int{5, 5, 7, 7}},
		{"お誕生日おめでとう", [4]int{14, 14, 9, 8}},
	}
	for _, tt := range tests {
		for i, model := range models {
			if got := shared.For(model).Count(tt.text); got != tt.want[i] {
				t.Errorf("%s: Count(%q) = %d, want %d", model, tt.text, got, tt.want[i])
			}
		}
	}
}

func TestParts(t *testing.T) {
	text := "func f() {\n\n\treturn 漢字 // " + strings.Repeat("a", 2000) + "\r\n}\n\n/* b */\n  \n\n\tc\n"
	for _, model := range []string{"davinci", "text-davinci-003", "gpt-4", "gpt-4o"} {
		checkParts(t, shared.For(model), text)
	}
}

func TestEncodingOfModel(t *testing.T) {
	tests := []struct {
		model string
		want  string
		exact bool
	}{
		{"gpt-4o", "o200k_base", true},
		{"gpt-4o-mini-2024-07-18", "o200k_base", true},
		{"chatgpt-4o-latest", "o200k_base", true},
		{"gpt-4.1-nano", "o200k_base", true},
		{"gpt-5", "o200k_base", true},
		{"gpt-5.2-codex", "o200k_base", true},
		{"o1", "o200k_base", true},
		{"o3-mini", "o200k_base", true},
		{"o4-mini-high", "o200k_base", true},
		{"gpt-oss-120b", "o200k_base", true},
		{"gpt-4", "cl100k_base", true},
		{"gpt-4-turbo-preview", "cl100k_base", true},
		{"gpt-3.5-turbo-0125", "cl100k_base", true},
		{"gpt-35-turbo", "cl100k_base", true},
		{"text-embedding-3-large", "cl100k_base", true},
		{"davinci-002", "cl100k_base", true},
		{"text-davinci-003", "p50k_base", true},
		{"text-davinci-001", "r50k_base", true},
		{"davinci", "r50k_base", true},
		{"gpt2", "r50k_base", true},
		{"openai/gpt-4o", "o200k_base", true},
		{"openrouter/openai/gpt-4", "cl100k_base", true},
		{"openai.gpt-oss-20b-1:0", "o200k_base", true},
		{"ft:gpt-4o-mini:org::id", "o200k_base", true},
		{" GPT-4O ", "o200k_base", true},
		{"gpt-4o:extended", "o200k_base", true},
		{"", "o200k_base", false},
		{"claude-sonnet-4-5", "o200k_base", false},
		{"anthropic/claude-opus-4.1", "o200k_base", false},
		{"gemini-2.5-pro", "o200k_base", false},
		{"meta-llama/Llama-3.3-70B-Instruct", "o200k_base", false},
		{"qwen2.5-coder", "o200k_base", false},
		{"deepseek-r1", "o200k_base", false},
		{"gpt-4omni", "o200k_base", false},
		{"o10", "o200k_base", false},
		{"-", "o200k_base", false},
		{"openai/", "o200k_base", false},
	}
	for _, tt := range tests {
		if got, exact := shared.For(tt.model).Encoding(); got != tt.want || exact != tt.exact {
			t.Errorf("For(%q).Encoding() = %s, %t; want %s, %t", tt.model, got, exact, tt.want, tt.exact)
		}
	}
}

func TestSpecialTokensAreText(t *testing.T) {
	for _, model := range []string{"gpt-4o", "gpt-4"} {
		if got := shared.For(model).Count("<|endoftext|>"); got < 5 {
			t.Errorf("%s: Count(<|endoftext|>) = %d: counted as one special token", model, got)
		}
	}
}

// Cutting a long run may add a token at each cut and never loses one that the text holds.
func TestBoundedRuns(t *testing.T) {
	counter := shared.For("gpt-4o")
	tests := []struct {
		name, unit string
		n          int // at least two cuts
		min, max   int
	}{
		{"one letter, tokens of 8", "a", 8 * 1024, 1024, 1024 + 4},
		{"words", "return err; ", 2000, 6000, 6001},
		{"CJK, a token or less a rune", "漢字", 3000, 6000, 12000},
		{"invalid bytes, each U+FFFD", "\xff", 8000, 500, 24000},
		{"line feeds", "\n", 6000, 6000 / 128, 6000},
	}
	for _, tt := range tests {
		if got := counter.Count(strings.Repeat(tt.unit, tt.n)); got < tt.min || got > tt.max {
			t.Errorf("%s: Count = %d, want %d to %d", tt.name, got, tt.min, tt.max)
		}
	}
}

// Goroutines that meet before the vocabularies are loaded agree with one that comes alone. Worth
// its time under -race.
func TestConcurrentUse(t *testing.T) {
	const text = "func main() { fmt.Println(\"héllo, 世界\") }\n"
	models := []string{"gpt-4o", "gpt-4", "claude-sonnet-4-5"}
	want := make(map[string]int)
	for _, model := range models {
		want[model] = shared.For(model).Count(text)
	}
	counters := tokens.New()
	var wg sync.WaitGroup
	for range 8 {
		for _, model := range models {
			wg.Go(func() {
				if got := counters.For(model).Count(text); got != want[model] {
					t.Errorf("%s: Count = %d, want %d", model, got, want[model])
				}
			})
		}
	}
	wg.Wait()
}
