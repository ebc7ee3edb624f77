// Package usage finds and reads what a provider says that an answer took.
package usage

import "github.com/tidwall/gjson"

// Tokens are what a provider says that one answer took, in tokens, in one shape for all dialects.
// Input, CacheRead and CacheWrite do not overlap: together they are the prompt.
type Tokens struct {
	// Input was neither read from the provider's prompt cache nor written to it.
	Input int64
	// CacheRead was read from the cache, CacheWrite written to it.
	CacheRead, CacheWrite int64
	// Output is the answer, reasoning included.
	Output int64
}

// Prompt is the whole prompt as the provider counted it.
func (u Tokens) Prompt() int64 { return u.Input + u.CacheRead + u.CacheWrite }

// Plus is the sum of two usages.
func (u Tokens) Plus(v Tokens) Tokens {
	return Tokens{u.Input + v.Input, u.CacheRead + v.CacheRead, u.CacheWrite + v.CacheWrite, u.Output + v.Output}
}

// A Reader puts what a usage object says into u, over what an earlier one of the same answer
// said.
type Reader func(u *Tokens, object gjson.Result)

// ReadChat reads chat completions and legacy completions. Cached tokens are part of
// prompt_tokens there, and writes to the cache are not told: they cost what input costs.
func ReadChat(u *Tokens, o gjson.Result) {
	u.ofWhole(o.Get("prompt_tokens"), o.Get("prompt_tokens_details.cached_tokens"), o.Get("completion_tokens"))
}

// ReadResponses reads Responses, which words the same otherwise.
func ReadResponses(u *Tokens, o gjson.Result) {
	u.ofWhole(o.Get("input_tokens"), o.Get("input_tokens_details.cached_tokens"), o.Get("output_tokens"))
}

func (u *Tokens) ofWhole(prompt, cached, output gjson.Result) {
	whole := tokensOf(prompt)
	read := min(tokensOf(cached), whole)
	*u = Tokens{Input: whole - read, CacheRead: read, Output: tokensOf(output)}
}

// ReadMessages reads Messages, where input_tokens leaves out what the cache took. A stream
// tells twice: message_start has the prompt, message_delta the running sums, of which some servers
// tell the prompt as well. None of these figures shrinks.
func ReadMessages(u *Tokens, o gjson.Result) {
	u.Input = max(u.Input, tokensOf(o.Get("input_tokens")))
	u.CacheRead = max(u.CacheRead, tokensOf(o.Get("cache_read_input_tokens")))
	u.CacheWrite = max(u.CacheWrite, tokensOf(o.Get("cache_creation_input_tokens")))
	u.Output = max(u.Output, tokensOf(o.Get("output_tokens")))
}

// maxTokens is above every prompt and answer there is. A larger figure is a mistake, and would
// spoil sums for good.
const maxTokens = 1 << 30

func tokensOf(v gjson.Result) int64 {
	if n := v.Int(); v.Type == gjson.Number && n > 0 && n <= maxTokens {
		return n
	}
	return 0
}
