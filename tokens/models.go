package tokens

import "strings"

// The encodings, by their published names.
const (
	o200k  = "o200k_base"
	cl100k = "cl100k_base"
	p50k   = "p50k_base"
	r50k   = "r50k_base"
)

// families maps the beginning of a model's name to its encoding, as published for OpenAI's models.
// A name belongs to the longest beginning that ends where a word of the name ends: "gpt-4.1-mini"
// is of "gpt-4.1", not of "gpt-4". gpt-oss has other special tokens than o200k_base and the same
// text tokens.
var families = map[string]string{
	"chatgpt-4o": o200k,
	"gpt-4.1":    o200k,
	"gpt-4.5":    o200k,
	"gpt-4o":     o200k,
	"gpt-5":      o200k,
	"gpt-oss":    o200k,
	"o1":         o200k,
	"o3":         o200k,
	"o4":         o200k,

	"babbage-002":            cl100k,
	"davinci-002":            cl100k,
	"gpt-3.5":                cl100k,
	"gpt-35":                 cl100k, // Azure's spelling
	"gpt-4":                  cl100k,
	"text-embedding-3":       cl100k,
	"text-embedding-ada-002": cl100k,

	"code-cushman":      p50k,
	"code-davinci":      p50k,
	"cushman-codex":     p50k,
	"davinci-codex":     p50k,
	"text-davinci-002":  p50k,
	"text-davinci-003":  p50k,
	"text-davinci-edit": p50k,

	"ada":          r50k,
	"babbage":      r50k,
	"curie":        r50k,
	"davinci":      r50k,
	"gpt2":         r50k,
	"text-ada":     r50k,
	"text-babbage": r50k,
	"text-curie":   r50k,
	"text-davinci": r50k,
}

// lookup returns the encoding of a model and whether it is the model's own. Claude, Gemini, Llama,
// Qwen and whatever else is not in the table is estimated with o200k_base.
func lookup(model string) (name string, exact bool) {
	family := bare(model)
	for family != "" {
		if name, ok := families[family]; ok {
			return name, true
		}
		family = family[:max(strings.LastIndexAny(family, "-.:@_"), 0)]
	}
	return o200k, false
}

// bare strips what routers and clouds write around a model's name: "openrouter/openai/gpt-4o",
// "ft:gpt-4o-mini:org::id", "openai.gpt-oss-120b-1:0".
func bare(model string) string {
	model = strings.ToLower(strings.TrimSpace(model))
	model = model[strings.LastIndexByte(model, '/')+1:]
	model = strings.TrimPrefix(model, "ft:")
	return strings.TrimPrefix(model, "openai.")
}
