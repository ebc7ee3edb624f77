package proxy

import "github.com/tidwall/gjson"

// A usage is what a provider says that one answer took, in tokens, in one shape for all dialects. Input, CacheRead and
// CacheWrite do not overlap: together they are the prompt.
type usage struct {
	// input was neither read from the provider's prompt cache nor written to it.
	input int64
	// cacheRead was read from the cache, cacheWrite written to it.
	cacheRead, cacheWrite int64
	// output is the answer, reasoning included.
	output int64
}

// prompt is the whole prompt as the provider counted it.
func (u usage) prompt() int64 { return u.input + u.cacheRead + u.cacheWrite }

func (u usage) plus(v usage) usage {
	return usage{u.input + v.input, u.cacheRead + v.cacheRead, u.cacheWrite + v.cacheWrite, u.output + v.output}
}

// A usageReader puts what a usage object says into u, over what an earlier one of the same answer said.
type usageReader func(u *usage, object gjson.Result)

// readChatUsage reads chat completions and legacy completions. Cached tokens are part of prompt_tokens there, and writes to the
// cache are not told: they cost what input costs.
func readChatUsage(u *usage, o gjson.Result) {
	u.ofWhole(o.Get("prompt_tokens"), o.Get("prompt_tokens_details.cached_tokens"), o.Get("completion_tokens"))
}

// readResponsesUsage reads Responses, which words the same otherwise.
func readResponsesUsage(u *usage, o gjson.Result) {
	u.ofWhole(o.Get("input_tokens"), o.Get("input_tokens_details.cached_tokens"), o.Get("output_tokens"))
}

func (u *usage) ofWhole(prompt, cached, output gjson.Result) {
	whole := tokensOf(prompt)
	read := min(tokensOf(cached), whole)
	*u = usage{input: whole - read, cacheRead: read, output: tokensOf(output)}
}

// readMessagesUsage reads Messages, where input_tokens leaves out what the cache took. A stream tells twice: message_start has the
// prompt, message_delta the running sums, of which some servers tell the prompt as well. None of these figures shrinks.
func readMessagesUsage(u *usage, o gjson.Result) {
	u.input = max(u.input, tokensOf(o.Get("input_tokens")))
	u.cacheRead = max(u.cacheRead, tokensOf(o.Get("cache_read_input_tokens")))
	u.cacheWrite = max(u.cacheWrite, tokensOf(o.Get("cache_creation_input_tokens")))
	u.output = max(u.output, tokensOf(o.Get("output_tokens")))
}

// maxTokens is above every prompt and answer there is. A larger figure is a mistake, and would spoil sums for good.
const maxTokens = 1 << 30

func tokensOf(v gjson.Result) int64 {
	if n := v.Int(); v.Type == gjson.Number && n > 0 && n <= maxTokens {
		return n
	}
	return 0
}
